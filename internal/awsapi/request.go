package awsapi

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fob/internal/creds"
)

// request is one call and what happened to it, as its errors tell. It travels in
// the call's context, because several calls can share the transport.
type request struct {
	action, role string
	with         creds.Session
	secrets      []string // of the request, besides those of with
	patience     []string // codes of refusals after which the SDK tries again
	foreign      bool     // the server is not AWS
	json         bool     // a service that speaks JSON
	reason       string   // of AWS's refusal, where its document has one
	maxAnswer    int64    // in bytes; 0 for the usual limit
	exchange
}

type requestKey struct{}

// begin starts a call, or starts it again at another host. The host is a guess
// until the first try.
func (r *request) begin(ctx context.Context, host string) context.Context {
	r.exchange = exchange{host: host}
	return context.WithValue(ctx, requestKey{}, r)
}

// by says who signed the call, for the log.
func (r *request) by() string {
	if r.with.ID == "" {
		return "unsigned"
	}
	return "with " + r.with.ID
}

// limitOf is how many bytes the answer to the call of the context may have.
func limitOf(ctx context.Context) int64 {
	return cmp.Or(ctx.Value(requestKey{}).(*request).maxAnswer, maxAnswer)
}

// exchangeOf returns the exchange of the call that the context belongs to.
func exchangeOf(ctx context.Context) *exchange { return &ctx.Value(requestKey{}).(*request).exchange }

func (r *request) unreachable(problem, code string) *UnreachableError {
	return &UnreachableError{Host: r.host, Problem: problem, Sent: r.maybeDone(), Code: code}
}

func (r *request) notAWS(problem string) error {
	if r.status >= 400 {
		problem = fmt.Sprintf("HTTP status %d, %s", r.status, problem)
	}
	return &AnswerError{Action: r.action, Host: r.host, Problem: problem, Unsupported: r.foreign && unsupported(r.status)}
}

// words puts AWS's message on one line and hides secrets of the request that it
// quotes: a malformed code, or the token in a "canonical string". What is quoted may
// be escaped.
func (r *request) words(s string) string {
	var forms []string
	for _, secret := range append([]string{r.with.Secret.Reveal(), r.with.Token.Reveal()}, r.secrets...) {
		if secret != "" {
			quoted, _ := json.Marshal(secret) // a string
			forms = append(forms, secret, url.QueryEscape(secret), url.PathEscape(secret), string(quoted[1:len(quoted)-1]))
		}
	}
	// The longest first, or the rest of one would stay that begins with another.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, form := range forms {
		pairs = append(pairs, form, "[hidden]")
	}
	// All of them at once: a server that gives fob the secret "d" could make a long text
	// grow with each form if what hides it were searched, too.
	s = oneLine(strings.NewReplacer(pairs...).Replace(s))
	if len(s) > maxWords {
		s = strings.ToValidUTF8(s[:maxWords], "") + "..."
	}
	return s
}
