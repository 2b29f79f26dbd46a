package chaos_test

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"slices"
	"time"
)

// The operations, by the names that requests carry.
const (
	opSend   = "sendUserInvites"
	opResend = "resendUserInvite"
	opCancel = "cancelUserInvite"
	opAccept = "acceptUserInvite"
	opList   = "userInvites"
	opToken  = "token"
)

// fault is one way to fail. Only one of its functions is there as a rule.
type fault struct {
	number string
	name   string

	// accept happens to a connection before anything is read, serve to a request
	// that was, http2 to one that came over HTTP/2.
	accept     func(net.Conn)
	serve      func(*exchange)
	http2      func(conn net.Conn, stream uint32)
	keepsHTTP2 bool // the connection survives http2
	// read answers a list while serve happens to another operation; lists is whether
	// serve happens to lists too.
	read  func(*exchange) *httptest.ResponseRecorder
	lists bool
	// idle closes connections that were used before when the next request comes.
	idle bool
	// certificate is what the backend shows instead of a good one.
	certificate func() *tls.Certificate
	// dial, write and proxy fail on the client's side.
	dial  dialer
	write func(net.Conn, []byte) (int, error)
	proxy bool
	// occupied has the only connection in use by something else.
	occupied bool
	// beforehand cancels the caller's context.
	beforehand bool

	tls bool
	// tokens is whether the fault is the token endpoints', whatever the operation.
	tokens bool
	// member is whether one of the addresses is a user's, whom the platform refuses.
	member bool
	// shared has two callers do the same to the same invite.
	shared bool

	// only and never restrict the operations; no only is all.
	only, never []string
	// times restricts the attempts that are hit; none is both.
	times []times
}

// times is which attempts of a call are hit.
type times string

const (
	first times = "first"
	every times = "every"
)

func (f *fault) fits(operation string, when times) bool {
	if f.tokens && operation == opToken {
		return false // the same as the fault on the token itself
	}
	return (f.only == nil || slices.Contains(f.only, operation)) && !slices.Contains(f.never, operation) &&
		(f.times == nil || slices.Contains(f.times, when))
}

var (
	graphQLOnly = []string{opSend, opResend, opCancel, opAccept, opList}
	onlyEvery   = []times{every}
	onlyFirst   = []times{first}
)

// late is when a request is processed whose caller has given up on the attempt.
const late = attemptTimeout + 50*time.Millisecond

// bombSize is what the gzip bomb becomes; clients get a smaller limit.
const bombSize = 16 << 20

// faults is every fault of the suite, in the order of the report.
func faults() []*fault {
	return slices.Concat(unsent(), cut(), answered(), peculiar())
}

// unsent are the faults in which nothing leaves the machine.
func unsent() []*fault {
	return []*fault{
		{number: "1", name: "no DNS", dial: noDNS},
		{number: "2", name: "connection refused", dial: refused},
		{number: "3", name: "blackholed SYN", dial: blackhole},
		{number: "4", name: "TLS handshake hangs", tls: true, accept: func(c net.Conn) { (&exchange{conn: c}).hang() }},
		{number: "5a", name: "untrusted certificate", tls: true, certificate: func() *tls.Certificate { return untrusted().issue(loopback, time.Hour) }},
		{number: "5b", name: "expired certificate", tls: true, certificate: func() *tls.Certificate { return trusted().issue(loopback, -time.Hour) }},
		{number: "5c", name: "certificate for another name", tls: true, certificate: func() *tls.Certificate { return trusted().issue("127.0.0.2", time.Hour) }},
		{number: "6", name: "idle connection closed by the server", idle: true},
		{number: "7", name: "connection fails before its first byte", write: writesNothing},
		{number: "8", name: "pool exhausted", occupied: true},
		{number: "9", name: "canceled before send", beforehand: true, times: onlyFirst},
		{number: "10", name: "proxy refuses CONNECT", tls: true, proxy: true},
	}
}

// cut are the faults in which the connection ends or says too little.
func cut() []*fault {
	return []*fault{
		{number: "11", name: "reset after accept", accept: reset},
		{number: "12", name: "closed before processing", serve: func(*exchange) {}},
		{number: "13", name: "cut mid-body", write: writesHalf},
		{number: "14", name: "processed, then closed", serve: func(x *exchange) { x.process() }},
		{number: "15", name: "processed, then reset", serve: func(x *exchange) {
			x.process()
			reset(x.raw)
		}},
		{number: "16", name: "processed, then silence", serve: func(x *exchange) {
			x.process()
			x.hang()
		}},
		{number: "17", name: "processed late, after the timeout", serve: func(x *exchange) {
			<-time.After(late)
			x.write(x.process())
		}},
		{number: "18", name: "half a status line", serve: func(x *exchange) {
			x.process()
			x.say("HTTP/1.1 200 OK"[:x.part(len("HTTP/1.1 200 OK"))])
		}},
		{number: "19", name: "garbage", serve: func(x *exchange) {
			x.process()
			x.say("\x00\xff\x16\x03garbage\r\n\r\n")
		}},
		{number: "20", name: "short of its Content-Length", serve: func(x *exchange) {
			answer := x.process()
			whole := encode(answer)
			x.say(string(whole[:len(whole)-1-x.part(answer.Body.Len()-1)]))
		}},
		{number: "21", name: "truncated chunk", serve: (*exchange).sayHalfAChunk},
		{number: "22", name: "closed mid-JSON with no length", serve: func(x *exchange) {
			body := x.process().Body.String()
			x.say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + body[:x.part(len(body)-1)])
		}},
	}
}

// answered are the faults that answer something else than the platform would.
func answered() []*fault {
	return []*fault{
		{number: "23", name: "200 with HTML", serve: says(200, "text/html", "<html><body>Service</body></html>")},
		{number: "24a", name: "200 with nothing", serve: says(200, "application/json", "")},
		{number: "24b", name: "204", serve: says(204, "", "")},
		{number: "25a", name: "`{}`", serve: says(200, "application/json", "{}")},
		{number: "25b", name: "`null`", serve: says(200, "application/json", "null")},
		{number: "26", name: "500", serve: says(500, "text/plain", "oops")},
		{number: "27", name: "502", serve: says(502, "text/html", "<html>Bad Gateway</html>")},
		{number: "28a", name: "503 with Retry-After: 3600", serve: says(503, "", "", "Retry-After", "3600")},
		{number: "28b", name: "503 with Retry-After: 0", serve: says(503, "", "", "Retry-After", "0")},
		{number: "28c", name: "503 with Retry-After in the year 9999", serve: says(503, "", "", "Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")},
		{number: "28d", name: "503 with Retry-After over 64 bits", serve: says(503, "", "", "Retry-After", "99999999999999999999")},
		{number: "29", name: "504", serve: says(504, "text/html", "<html>Gateway Timeout</html>")},
		{number: "30", name: "processed, answered 429", serve: func(x *exchange) {
			x.process()
			x.reply(429, "", "", "Retry-After", "1")
		}},
		{number: "31", name: "302 to a login page", serve: says(302, "", "", "Location", "/api/auth/login")},
		{number: "32", name: "307 to itself", serve: func(x *exchange) {
			x.maybe()
			x.reply(307, "", "", "Location", x.request.URL.Path)
		}},
		{number: "33", name: "INTERNAL_ERROR after processing", never: []string{opToken}, serve: func(x *exchange) {
			x.process()
			x.reply(200, "application/json", `{"errors":[{"message":"crashed","extensions":{"code":"INTERNAL_SERVER_ERROR","response":{"errorCode":"INTERNAL_ERROR","statusCode":500}}}],"data":null}`)
		}},
		{number: "34", name: "HTTP/2 PROTOCOL_ERROR after processing", tls: true, http2: resetStream, keepsHTTP2: true},
		{number: "35", name: "HTTP/2 GOAWAY after processing", tls: true, http2: goAway},
	}
}

// peculiar are the faults that take something more to set up.
func peculiar() []*fault {
	unauthorized := func(x *exchange) {
		x.reply(401, "application/json", `{"errorCode":"INVALID_TOKEN","message":"the token is not valid","statusCode":401}`)
	}
	return []*fault{
		{number: "36", name: "401 once", serve: unauthorized, only: graphQLOnly, times: onlyFirst},
		{number: "37", name: "401 always", serve: unauthorized, times: onlyEvery},
		{number: "38", name: "403 in errors", only: graphQLOnly, serve: func(x *exchange) {
			x.reply(200, "application/json", `{"errors":[{"message":"Forbidden resource","extensions":{"code":"FORBIDDEN","response":{"statusCode":403,"message":"Forbidden resource"}}}],"data":null}`)
		}},
		{number: "39", name: "part of a batch refused", member: true, only: []string{opSend}, times: onlyEvery},
		{number: "40", name: "one address not mentioned", only: []string{opSend}, serve: (*exchange).forgetOne},
		{number: "41", name: "data and errors", only: graphQLOnly, serve: (*exchange).addAnError},
		{number: "42", name: "one byte a second", serve: (*exchange).trickle},
		{number: "43", name: "gzip bomb", serve: (*exchange).bomb},
		{number: "44", name: "caller cancels in flight", never: []string{opToken}, times: onlyFirst, serve: func(x *exchange) {
			x.process()
			x.cancel(x.request.Header.Get("X-Request-Id"))
			x.hang()
		}},
		{number: "45", name: "token endpoint down", tokens: true, serve: func(x *exchange) { x.reply(503, "", "") }},
		{number: "46", name: "the list lags behind the write", only: []string{opSend},
			serve: func(x *exchange) { x.process() }, read: (*exchange).emptyList},
		{number: "48", name: "one invite refused with INTERNAL_ERROR, and made", only: []string{opSend}, serve: (*exchange).crashOne},
		{number: "49", name: "answered with another invite's id", only: []string{opResend, opCancel, opAccept}, serve: (*exchange).answerAnother},
		{number: "50", name: "many rows without an id", only: graphQLOnly, serve: (*exchange).emptyRows},
		{number: "51a", name: "404 with a gateway's page", serve: says(404, "text/html", "<html>default backend</html>")},
		{number: "51b", name: "403 with a gateway's JSON", serve: says(403, "application/json", `{"message":"Forbidden"}`)},
		{number: "47a", name: "two callers, same invite, processed, then closed", shared: true, only: []string{opSend, opResend, opCancel, opAccept},
			serve: func(x *exchange) { x.process() }},
		{number: "47b", name: "two callers, same invite, closed before processing or after", shared: true, only: []string{opSend, opResend, opCancel, opAccept},
			serve: (*exchange).maybe},
	}
}

// doubled are two faults at once, which the matrix does not hold: a 429 is taken
// for not processed once the list does not show the contrary.
func doubled() []*fault {
	return []*fault{
		{number: "30+46", name: "processed, answered 429, and the list lags", only: []string{opSend},
			serve: func(x *exchange) {
				x.process()
				x.reply(429, "", "")
			}, read: (*exchange).emptyList},
		{number: "30+17", name: "answered 429, and processed late", only: []string{opSend, opResend},
			serve: func(x *exchange) {
				x.reply(429, "", "", "Connection", "close")
				<-time.After(late)
				x.process()
			}},
	}
}
