// Package otelroq makes OpenTelemetry traces and metrics of the calls of package roq.
//
//	tracer, err := otelroq.NewTracer()
//	...
//	client, err := roq.New(cfg, roq.WithTracer(tracer))
//
// # Spans
//
// A call has a span "roq sendUserInvites" of kind internal, a child of the span in the
// context of the call. Its children are:
//
//   - for each HTTP request, one of kind client: "POST sendUserInvites". Its
//     roq.request.purpose is "call", "token", "settle", "page" or "watch", its
//     roq.request.outcome what followed; http.request.resend_count counts repetitions. A
//     request that is repeated has an event "retry" with the wait.
//   - "roq settle", when an outcome is found out by reading. The look-ups are its children.
//
// What may last for days is no single trace: each batch of a stream is a trace of its
// own, "roq batch", and so is each poll of a watch. They are linked to the span of
// their call.
//
// Spans have graphql.operation.name and graphql.operation.type, and the name and port of
// the server. They have no document, no variables, no address of a request, no e-mail
// address, key or token. The status of a call's span that failed has the text of its
// [roq.Error]. An error.type is one of the words for roq's Err values ("rate_limited",
// "outcome_unknown", "_OTHER" for none of them), and of a request the HTTP status or the
// outcome.
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
//
// The invites of a stream are counted batch by batch.
package otelroq
