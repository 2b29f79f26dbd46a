// Package otelroq records OpenTelemetry traces and metrics of the calls of package roq.
//
//	tracer, err := otelroq.NewTracer()
//	...
//	client, err := roq.New(cfg, roq.WithTracer(tracer))
//
// # Spans
//
// A call has a span "roq sendUserInvites" of kind internal. It is a child of the span in
// the context of the call. Its children are:
//
//   - a span of kind client for each HTTP request: "POST sendUserInvites". Its
//     roq.request.purpose is "call", "token", "settle", "page" or "watch". Its
//     roq.request.outcome is the outcome of the request. http.request.resend_count counts
//     retries. A request that is repeated has an event "retry" with the wait.
//   - a span "roq settle" when a call is settled. The look-ups are its children.
//
// Calls that may last for days are not one trace. Each batch of a stream, "roq batch",
// is a trace of its own, and so is each poll of a watch. They are linked to the span of
// their call.
//
// A job of a queue (roqriver.WithTracer) is a trace of its own, "roq job" of kind consumer.
// It is linked to the span of whoever enqueued the people, and its calls belong to it.
//
// Spans have graphql.operation.name and graphql.operation.type, and the name and port of
// the server. They have no GraphQL document, variables, URL, e-mail address, key or
// token. If a call fails, the status of its span has the text of its [roq.Error]. The
// error.type of a call is a word for one of roq's Err values ("rate_limited",
// "outcome_unknown", or "_OTHER" for none of them). The error.type of a request is the
// HTTP status or the outcome.
//
// # Metrics
//
//	roq.call.duration             s          histogram by roq.operation, roq.loop, error.type
//	http.client.request.duration  s          histogram by method, server, status, roq.operation, error.type
//	roq.invites                   {invite}   counter by roq.outcome: sent, refused, unknown, not_sent
//	roq.requests                  {request}  counter by roq.request.purpose and roq.request.outcome
//	roq.settles                   {settle}   counter by roq.settle.result: all, some, none
//	roq.batch.size                {invite}   histogram
//	roq.limiter.wait              s          histogram of how long requests waited for their turn
//	roq.job.duration              s          histogram by roq.campaign, error.type
//	roq.job.wait                  s          histogram by roq.campaign of how long batches were ready before a worker took them
//	roq.campaign.invites          {invite}   counter by roq.campaign and roq.outcome: sent, refused
//
// The invites of a stream are counted batch by batch.
package otelroq
