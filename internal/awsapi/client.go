// Package awsapi calls AWS: STS through its SDK, and services with STS's
// protocol (IAM) or with JSON (Identity Center and others) by hand.
//
// Every call ends within Limits.Call. Answers are checked before anything trusts
// them, a wrong clock on this computer is corrected by AWS's, and no error or log
// line repeats a secret or an MFA code. A call fails in one of three ways: AWS
// refused it (RefusedError), AWS could not be reached (UnreachableError), or
// something else answered (AnswerError). The package knows nothing of profiles,
// stores nothing and asks nobody.
package awsapi

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"fob/internal/input"
	"fob/internal/plan"
)

// maxSkew is how far a request's time may be off before AWS refuses its
// signature (Signature Version 4 documentation: 5 minutes).
const maxSkew = 5 * time.Minute

// Limits are the time limits of a call, and the clock that it goes by. A zero field
// is the default.
type Limits struct {
	Dial    time.Duration    // to connect, and as much again for TLS
	Answer  time.Duration    // until an answer begins
	Call    time.Duration    // for all three tries
	Backoff time.Duration    // the longest wait between two tries
	Now     func() time.Time // this computer's clock
}

func (l Limits) orDefault() Limits {
	l.Dial = cmp.Or(l.Dial, 5*time.Second)
	l.Answer = cmp.Or(l.Answer, 10*time.Second)
	l.Call = cmp.Or(l.Call, MaxCall)
	l.Backoff = cmp.Or(l.Backoff, 2*time.Second)
	if l.Now == nil {
		l.Now = time.Now
	}
	return l
}

// maxBundle is ten times what all public certificate authorities take, in bytes.
const maxBundle = 4 << 20

// MaxCall is how long a call may take by default.
const MaxCall = 30 * time.Second

// Client calls AWS at one endpoint. All calls share one HTTP client, so a chain
// of roles uses one connection. It is safe for several goroutines if its log is.
type Client struct {
	// Waiting is called when a call begins, and what it returns when it has ended; nil for
	// nothing. It is set before the first call.
	Waiting func() (done func())

	endpoint  plan.Endpoint
	sts       *sts.Client
	http      *http.Client
	transport *transport
	limits    Limits
	log       func(format string, args ...any)
}

// NewClient makes a client for an endpoint; it connects on the first call. An
// unreadable CA bundle is an error.
func NewClient(l Limits, e plan.Endpoint, log func(format string, args ...any)) (*Client, error) {
	otherClock := l.Now != nil
	l = l.orDefault()
	next := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: l.Dial}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   l.Dial,
		ResponseHeaderTimeout: l.Answer,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if e.CABundle != "" {
		pem, err := input.Read(e.CABundle, maxBundle)
		if err != nil {
			return nil, fmt.Errorf("CA bundle: %w", err)
		}
		next.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !next.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			return nil, fmt.Errorf("CA bundle %s contains no certificate", e.CABundle)
		}
	}
	c := &Client{endpoint: e, limits: l, log: log, transport: &transport{next: next, now: l.Now}}
	c.http = &http.Client{
		Transport:     c.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	o := sts.Options{
		Region:     e.Region,
		HTTPClient: c.http,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxBackoff = l.Backoff
			// The SDK's own limiter takes tries from one call because others failed.
			o.RateLimiter = ratelimit.None
		}),
	}
	if otherClock {
		o.HTTPSignerV4 = signer{c}
	}
	if e.URL != "" {
		o.BaseEndpoint = aws.String(e.URL)
	}
	if e.FIPS {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if e.DualStack {
		o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	c.sts = sts.New(o)
	return c, nil
}

// begin begins a call: every one has a limit, and says that AWS is waited for.
func (c *Client) begin(ctx context.Context) (_ context.Context, end func()) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.Call)
	if c.Waiting == nil {
		return ctx, cancel
	}
	done := c.Waiting()
	return ctx, func() { done(); cancel() }
}

// Skew is how far this computer's clock is ahead of AWS's, by the last answer;
// 0 when they agree well enough for AWS.
func (c *Client) Skew() time.Duration {
	skew := c.RawSkew()
	if skew.Abs() < maxSkew {
		return 0
	}
	return skew
}

// now is AWS's time, as far as it matters to AWS.
func (c *Client) now() time.Time { return c.limits.Now().Add(-c.Skew()) }

// signer signs the SDK's requests by a clock that is not this computer's, which is
// the only one that the SDK knows.
type signer struct{ *Client }

// SignHTTP implements sts.HTTPSignerV4.
func (s signer) SignHTTP(ctx context.Context, key aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, with ...func(*v4.SignerOptions)) error {
	return v4.NewSigner().SignHTTP(ctx, key, r, hash, service, region, s.now(), with...)
}

// RawSkew is Skew however small it is; it includes network latency.
func (c *Client) RawSkew() time.Duration { return time.Duration(c.transport.skew.Load()) }
