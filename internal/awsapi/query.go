package awsapi

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"fob/internal/creds"
)

// Query is a call to a service that speaks STS's protocol, made without the SDK's
// package for it: the one for IAM costs 680 allocations and 72 KB whenever fob
// starts, a third of what fob allows itself, for commands that are run once a year.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/programming.html
type Query struct {
	Service string // as signatures name it
	Version string // of its API
	Action  string
	Params  url.Values
	// Codes are the MFA codes in Params, to keep them out of messages.
	Codes []string
	// Again: the call does no harm if AWS carries it out twice.
	Again bool
}

// Query does a call at the client's endpoint, which must have a URL, and decodes
// the document into answer. After an AnswerError, or an UnreachableError with
// Sent, nobody knows whether AWS carried out the call.
func (c *Client) Query(ctx context.Context, with creds.Session, q Query, answer any) error {
	ctx, end := c.begin(ctx)
	defer end()
	form := url.Values{"Action": {q.Action}, "Version": {q.Version}}
	for name, values := range q.Params {
		form[name] = values
	}
	body := []byte(form.Encode())
	r := &request{action: q.Action, with: with, secrets: q.Codes}
	return c.try(ctx, r, attempt{
		service: q.Service, again: q.Again,
		build: func(ctx context.Context, _ time.Time) (*http.Request, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.endpoint.URL, "/")+"/", bytes.NewReader(body))
			if err == nil {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			}
			return req, err
		},
		body: body,
		read: func(res *http.Response, text []byte) error { return readQuery(res, text, q.Action, answer) },
	})
}

func readQuery(res *http.Response, text []byte, action string, answer any) error {
	if res.StatusCode == http.StatusOK {
		return decodeAnswer(text, action, answer)
	}
	var refusal struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if err := xml.Unmarshal(text, &refusal); err != nil {
		return err
	}
	return &smithy.GenericAPIError{Code: refusal.Code, Message: refusal.Message}
}

// decodeAnswer checks the document's name first: a network's sign-in page would
// pass for an answer that has no content.
func decodeAnswer(text []byte, action string, answer any) error {
	var root struct{ XMLName xml.Name }
	if err := xml.Unmarshal(text, &root); err != nil {
		return err
	}
	if want := action + "Response"; root.XMLName.Local != want {
		return fmt.Errorf("the document is a %s, not a %s", root.XMLName.Local, want)
	}
	return xml.Unmarshal(text, answer)
}
