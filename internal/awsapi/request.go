package awsapi

import (
	"context"
	"fmt"
	"strings"

	"fob/internal/creds"
)

// request is one call and what happened to it, as its errors tell. It travels in
// the call's context, because several calls can share the transport.
type request struct {
	action, role string
	with         creds.Session
	codes        []string
	foreign      bool // the server is not AWS
	exchange
}

type requestKey struct{}

// begin starts a call, or starts it again at another host. The host is a guess
// until the first try.
func (r *request) begin(ctx context.Context, host string) context.Context {
	r.exchange = exchange{host: host}
	return context.WithValue(ctx, requestKey{}, r)
}

// exchangeOf returns the exchange of the call that the context belongs to.
func exchangeOf(ctx context.Context) *exchange { return &ctx.Value(requestKey{}).(*request).exchange }

func (r *request) unreachable(problem string) error {
	return &UnreachableError{Host: r.host, Problem: problem, Sent: r.maybeDone()}
}

func (r *request) notAWS(problem string) error {
	if r.status >= 400 {
		problem = fmt.Sprintf("HTTP status %d, %s", r.status, problem)
	}
	return &AnswerError{Action: r.action, Host: r.host, Problem: problem, Unsupported: r.foreign && unsupported(r.status)}
}

// words puts AWS's message on one line and hides secrets of the request that it
// quotes: a malformed code, or the token in a "canonical string".
func (r *request) words(s string) string {
	for _, secret := range append([]string{r.with.Secret.Reveal(), r.with.Token.Reveal()}, r.codes...) {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "[hidden]")
		}
	}
	s = oneLine(s)
	if len(s) > maxWords {
		s = strings.ToValidUTF8(s[:maxWords], "") + "..."
	}
	return s
}
