package awsapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"fob/internal/input"
)

const (
	// tries is how often a call is tried, as often as the SDK does.
	tries = 3
	// throttledTries is how often if AWS only asks for patience: it has done nothing, and
	// many profiles at once share one rate. They take up to 8 s.
	throttledTries = 6
)

// attempt is a call that is made without the SDK, as often as it takes.
type attempt struct {
	service string
	again   bool // it does no harm if AWS carries it out twice
	proves  bool // the time counts although it is not signed
	// build makes the request for a moment of AWS's clock; body is what it sends.
	build func(ctx context.Context, now time.Time) (*http.Request, error)
	body  []byte
	// read reads an answer and its text. A refusal is a smithy.APIError.
	read func(res *http.Response, text []byte) error
}

// try carries out a call that has begun.
func (c *Client) try(ctx context.Context, r *request, a attempt) error {
	ctx = r.begin(ctx, c.endpoint.URL)
	for n := 1; ; n++ {
		skew := c.Skew()
		req, err := c.sign(ctx, r, a)
		if err != nil {
			return err
		}
		started := time.Now()
		err = c.send(req, a.read)
		c.log("%s:%s %s: %s, %d ms", a.service, r.action, r.by(), r.words(outcome(err)), time.Since(started).Milliseconds())
		if err == nil {
			return nil
		}
		err = c.explain(ctx, r, err)
		if n < tries && (c.Skew()-skew).Abs() >= maxSkew && a.wrongTime(r, err) {
			continue // our clock was wrong when we signed it, and now we know by how much
		}
		most := tries
		var unreachable *UnreachableError
		switch {
		case !errors.As(err, &unreachable) || unreachable.Sent && !a.again:
			return err
		case unreachable.Code != "" && !unreachable.Sent:
			most = throttledTries
		}
		if n == most {
			return err
		}
		wait := min(c.limits.Backoff/4<<(n-1), c.limits.Backoff)
		select {
		case <-time.After(wait/2 + rand.N(wait/2+1)): // a crowd must not come back as one
		case <-ctx.Done():
			return err
		}
	}
}

// wrongTime reports whether AWS refused a call for the time that it was signed at.
func (a attempt) wrongTime(r *request, err error) bool {
	var refused *RefusedError
	if !errors.As(err, &refused) {
		return false
	}
	return a.proves || r.with.ID != "" && slices.Contains(timeCodes, refused.Code)
}

// timeCodes are AWS's codes for a signature that is not valid at its time, which
// differ by protocol.
var timeCodes = []string{"SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"}

// sign makes the request, and signs it if somebody signs it.
func (c *Client) sign(ctx context.Context, r *request, a attempt) (*http.Request, error) {
	now := c.now()
	req, err := a.build(ctx, now)
	if err != nil || r.with.ID == "" {
		return req, err
	}
	hash := sha256.Sum256(a.body)
	key := aws.Credentials{AccessKeyID: r.with.ID, SecretAccessKey: r.with.Secret.Reveal(), SessionToken: r.with.Token.Reveal()}
	return req, v4.NewSigner().SignHTTP(ctx, key, req, hex.EncodeToString(hash[:]), a.service, c.endpoint.Region, now)
}

func (c *Client) send(req *http.Request, read func(*http.Response, []byte) error) error {
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := input.All(res.Body, limitOf(req.Context()))
	if err != nil {
		return err
	}
	return read(res, []byte(text))
}
