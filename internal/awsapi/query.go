package awsapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"

	"fob/internal/creds"
	"fob/internal/input"
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

// queryTries is how often a call is tried, as often as the SDK does.
const queryTries = 3

// Query does a call at the client's endpoint, which must have a URL, and decodes
// the document into answer. After an AnswerError, or an UnreachableError with
// Sent, nobody knows whether AWS carried out the call.
func (c *Client) Query(ctx context.Context, with creds.Session, q Query, answer any) error {
	ctx, end := c.begin(ctx)
	defer end()
	r := &request{action: q.Action, with: with, codes: q.Codes}
	ctx = r.begin(ctx, c.endpoint.URL)
	for try := 1; ; try++ {
		skew := c.Skew()
		started := time.Now()
		err := c.query(ctx, with, q, skew, answer)
		c.log("%s:%s with %s: %s, %d ms", q.Service, q.Action, with.ID, r.words(outcome(err)), time.Since(started).Milliseconds())
		if err == nil {
			return nil
		}
		err = c.explain(ctx, r, err)
		var refused *RefusedError
		var unreachable *UnreachableError
		switch {
		case try == queryTries:
			return err
		case errors.As(err, &refused) && refused.Code == "SignatureDoesNotMatch" && (c.Skew()-skew).Abs() >= maxSkew:
			continue // our clock was wrong when we signed it, and now we know by how much
		case !errors.As(err, &unreachable) || unreachable.Sent && !q.Again:
			return err
		}
		select {
		case <-time.After(c.limits.Backoff / 4 * time.Duration(try)):
		case <-ctx.Done():
			return err
		}
	}
}

func (c *Client) query(ctx context.Context, with creds.Session, q Query, skew time.Duration, answer any) error {
	form := url.Values{"Action": {q.Action}, "Version": {q.Version}}
	for name, values := range q.Params {
		form[name] = values
	}
	body := form.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.endpoint.URL, "/")+"/", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	hash := sha256.Sum256([]byte(body))
	key := aws.Credentials{AccessKeyID: with.ID, SecretAccessKey: with.Secret.Reveal(), SessionToken: with.Token.Reveal()}
	if err := v4.NewSigner().SignHTTP(ctx, key, r, hex.EncodeToString(hash[:]), q.Service, c.endpoint.Region, c.limits.Now().Add(-skew)); err != nil {
		return err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answered, err := input.All(res.Body, maxAnswer)
	if err != nil {
		return err
	}
	text := []byte(answered)
	if res.StatusCode == http.StatusOK {
		return decodeAnswer(text, q.Action, answer)
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
