package awsapi

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// maxAnswer is far above any answer of STS or IAM (a few KiB), in bytes. A call whose
// answers are longer says so.
const maxAnswer = 1 << 20

// maxRefusal is far more than an error document has.
const maxRefusal = 16 << 10

// transport notes what happens to the requests of each call, bounds the answers,
// and reads AWS's clock from them.
type transport struct {
	next http.RoundTripper
	now  func() time.Time // this computer's clock
	skew atomic.Int64     // our clock less the server's, by the last answer
}

// exchange is what happened in one call, in up to three tries.
type exchange struct {
	host        string // who was asked
	lost        bool   // AWS may have carried out an earlier try, but its answer did not arrive
	status      int    // of the last answer; 0 without one
	contentType string
	broken      bool   // the answer's body ended too early
	refusal     []byte // the body of an answer that is an error, up to maxRefusal
	silent      bool   // no clear answer to the last try: lost, if there is another
	connected   bool   // in one of the tries: something may have left this computer
}

// maybeDone reports whether AWS may have carried out the call, for all we know.
func (x *exchange) maybeDone() bool { return x.silent || x.lost }

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r.Context())
	*x = exchange{host: r.URL.Host, lost: x.lost || x.silent, connected: x.connected}
	// Before there is a connection (to AWS itself: through a proxy, and after TLS), no
	// byte of a request is sent. A dial continues when its call has ended, so what it
	// tells is kept from the exchange of the next try.
	var connected atomic.Bool
	r = r.Clone(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}))
	// Hide the body's WriteTo: once the answer is here, the SDK's WriteTo fails, and
	// net/http, if it is still writing, then closes the connection.
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	answer, err := t.next.RoundTrip(r)
	x.silent = connected.Load()
	x.connected = x.connected || x.silent
	if err != nil {
		return nil, err
	}
	x.status, x.contentType = answer.StatusCode, answer.Header.Get("Content-Type")
	x.silent = x.status < 400 || x.status >= 500
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		t.skew.Store(int64(t.now().Sub(date)))
	}
	answer.Body = &body{ReadCloser: answer.Body, left: limitOf(r.Context()), exchange: x}
	return answer, nil
}

// body is the body of an answer, up to the limit of the call.
type body struct {
	io.ReadCloser
	left     int64
	exchange *exchange
}

var errTooLong = errors.New("the answer is longer than AWS's ever are")

func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil && err != io.EOF {
		b.exchange.broken = true
	}
	if x := b.exchange; x.status >= 400 {
		x.refusal = append(x.refusal, p[:min(n, maxRefusal-len(x.refusal))]...)
	}
	return n, err
}
