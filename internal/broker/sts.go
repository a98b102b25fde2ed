package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"fob/internal/creds"
	"fob/internal/plan"
)

const (
	// maxAnswer is far above any answer of STS (a few KiB).
	maxAnswer = 1 << 20
	// maxWords is far above any message of STS, but for those that repeat the request.
	maxWords = 1 << 10
	// maxSkew is how far AWS lets a request's time be off before it refuses the
	// signature (Signature Version 4 documentation: 5 minutes).
	maxSkew = 5 * time.Minute
)

// limits bound a call.
type limits struct {
	dial    time.Duration // to connect, and as much again for TLS
	answer  time.Duration // until an answer begins
	call    time.Duration // for all of the SDK's three tries
	backoff time.Duration // between two of them
}

// Identity is what GetCallerIdentity says of a key.
type Identity struct{ Account, ARN string }

// Client calls STS. All calls share one HTTP client, so a chain uses one
// connection. It is not safe for concurrent use.
type Client struct {
	endpoint plan.Endpoint
	sts      *sts.Client
	http     *http.Client
	wire     *wire
	limits   limits
	log      func(format string, args ...any)
}

// NewClient makes a client for an endpoint; it connects on the first call. An
// unreadable CA bundle is an error.
func NewClient(e plan.Endpoint, log func(format string, args ...any)) (*Client, error) {
	return newClient(e, limits{dial: 5 * time.Second, answer: 10 * time.Second, call: 30 * time.Second, backoff: 2 * time.Second}, log)
}

func newClient(e plan.Endpoint, l limits, log func(format string, args ...any)) (*Client, error) {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: l.dial}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   l.dial,
		ResponseHeaderTimeout: l.answer,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if e.CABundle != "" {
		pem, err := os.ReadFile(e.CABundle)
		if err != nil {
			return nil, fmt.Errorf("CA bundle: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA bundle %s holds no certificate", e.CABundle)
		}
	}
	c := &Client{endpoint: e, limits: l, log: log, wire: &wire{next: transport}}
	c.http = &http.Client{
		Transport:     c.wire,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	o := sts.Options{
		Region:     e.Region,
		HTTPClient: c.http,
		Retryer:    retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = l.backoff }),
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

// Skew is how far this computer's clock is ahead of AWS's, by the last answer;
// 0 when they agree well enough for AWS.
func (c *Client) Skew() time.Duration {
	if c.Clock().Abs() < maxSkew {
		return 0
	}
	return c.Clock()
}

// Clock is Skew however small it is: a second of it may be the way here.
func (c *Client) Clock() time.Duration { return c.wire.skew }

// Identity asks GetCallerIdentity.
func (c *Client) Identity(ctx context.Context, with creds.Session) (Identity, error) {
	r := request{action: "GetCallerIdentity", with: with}
	out, err := call(ctx, c, r, &sts.GetCallerIdentityInput{}, c.sts.GetCallerIdentity)
	if err != nil {
		return Identity{}, err
	}
	if !printable(out.Account) || !printable(out.Arn) {
		return Identity{}, c.notAWS(r, "holds no identity")
	}
	return Identity{Account: *out.Account, ARN: *out.Arn}, nil
}

// SessionToken carries out a plan's step; code is the MFA code when it needs one.
func (c *Client) SessionToken(ctx context.Context, with creds.Session, step plan.SessionToken, code string) (creds.Session, error) {
	in := &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(int32(step.DurationSeconds))}
	if step.MFASerial != "" {
		in.SerialNumber, in.TokenCode = aws.String(step.MFASerial), aws.String(code)
	}
	r := request{action: "GetSessionToken", with: with, codes: []string{code}}
	out, err := call(ctx, c, r, in, c.sts.GetSessionToken)
	if err != nil {
		return creds.Session{}, err
	}
	return c.session(r, out.Credentials, with.AccountID)
}

// AssumeRole carries out a plan's step; code is the MFA code when it needs one.
func (c *Client) AssumeRole(ctx context.Context, with creds.Session, step plan.AssumeRole, code string) (creds.Session, error) {
	in := &sts.AssumeRoleInput{
		RoleArn:           aws.String(step.RoleARN),
		RoleSessionName:   aws.String(step.RoleSessionName),
		DurationSeconds:   aws.Int32(int32(step.DurationSeconds)),
		ExternalId:        optional(step.ExternalID),
		SourceIdentity:    optional(step.SourceIdentity),
		Policy:            optional(step.Policy),
		TransitiveTagKeys: step.TransitiveTagKeys,
	}
	for k, v := range step.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	for _, arn := range step.PolicyARNs {
		in.PolicyArns = append(in.PolicyArns, types.PolicyDescriptorType{Arn: aws.String(arn)})
	}
	if step.MFASerial != "" {
		in.SerialNumber, in.TokenCode = aws.String(step.MFASerial), aws.String(code)
	}
	r := request{action: "AssumeRole", role: step.RoleARN, with: with, codes: []string{code}}
	out, err := call(ctx, c, r, in, c.sts.AssumeRole)
	if err != nil {
		return creds.Session{}, err
	}
	return c.session(r, out.Credentials, strings.Split(step.RoleARN, ":")[4])
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// session checks what AWS handed out before anything trusts it.
func (c *Client) session(r request, got *types.Credentials, account string) (creds.Session, error) {
	switch {
	case got == nil:
		return creds.Session{}, c.notAWS(r, "holds no credentials")
	case !printable(got.AccessKeyId) || !printable(got.SecretAccessKey) || !printable(got.SessionToken):
		return creds.Session{}, c.notAWS(r, "holds malformed credentials")
	case got.Expiration == nil || !got.Expiration.After(time.Now().Add(-c.Skew())): // by AWS's clock: ours may be wrong
		return creds.Session{}, c.notAWS(r, "holds credentials that have already expired")
	}
	return creds.Session{
		Key:   creds.Key{ID: *got.AccessKeyId, Secret: creds.NewSecret(*got.SecretAccessKey)},
		Token: creds.NewSecret(*got.SessionToken),
		// On a clock that is behind, they would seem to live on after their end. On
		// one that is ahead they seem to end early, which does no harm.
		Expires:   got.Expiration.Add(min(0, c.Skew())).UTC(),
		AccountID: account,
	}, nil
}

// printable: it goes into environments, documents and terminals, where a line
// break would be another variable.
func printable(s *string) bool {
	return aws.ToString(s) != "" && !strings.ContainsFunc(*s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (c *Client) notAWS(r request, problem string) error {
	return &AnswerError{Action: r.action, Host: c.wire.host, Problem: problem}
}

// request is what errors are about.
type request struct {
	action, role string
	with         creds.Session
	codes        []string
}

// words are AWS's, on one line and without what they quote of the request: a
// malformed code, or the token in a "canonical string".
func (r request) words(s string) string {
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

type operation[In, Out any] func(context.Context, *In, ...func(*sts.Options)) (*Out, error)

// call does one operation, and once more in the partition's home region where a
// key or a region is unknown to a regional endpoint.
func call[In, Out any](ctx context.Context, c *Client, r request, in *In, do operation[In, Out]) (*Out, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.call)
	defer cancel()
	out, err := callIn(ctx, c, c.endpoint.Region, r, in, do)
	var refused *RefusedError
	if c.endpoint.URL != "" || c.endpoint.Region == c.endpoint.Home || !errors.As(err, &refused) ||
		refused.Code != "InvalidClientTokenId" && refused.Code != "RegionDisabledException" {
		return out, err
	}
	c.log("sts:%s in %s: %s; asking %s", r.action, c.endpoint.Region, refused.Code, c.endpoint.Home)
	out, atHome := callIn(ctx, c, c.endpoint.Home, r, in, do)
	if atHome == nil || errors.As(atHome, &refused) {
		return out, atHome
	}
	return nil, err
}

func callIn[In, Out any](ctx context.Context, c *Client, region string, r request, in *In, do operation[In, Out]) (*Out, error) {
	c.wire.exchange = exchange{host: "STS in " + region} // until it is known
	started := time.Now()
	out, err := do(ctx, in, func(o *sts.Options) {
		o.Region = region
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: r.with.ID, SecretAccessKey: r.with.Secret.Reveal(), SessionToken: r.with.Token.Reveal()}, nil
		})
	})
	c.log("sts:%s in %s with %s: %s, %d ms", r.action, region, r.with.ID, r.words(outcome(err)), time.Since(started).Milliseconds())
	if err != nil {
		return nil, c.explain(ctx, r, err)
	}
	return out, nil
}

func outcome(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return "no answer"
}

// explain turns the SDK's errors into this package's: AWS refused, AWS was not
// reached, or something answered that is not AWS.
func (c *Client) explain(ctx context.Context, r request, err error) error {
	var api smithy.APIError
	x := c.wire.exchange
	// The SDK invents the code UnknownError where the answer has none.
	named := errors.As(err, &api) && api.ErrorCode() != "" && api.ErrorCode() != "UnknownError"
	cause := context.Cause(ctx)
	switch {
	case named && (x.status >= 500 || isThrottle(api.ErrorCode())):
		return &UnreachableError{Host: x.host, Problem: "AWS answers " + r.words(api.ErrorCode()), Tries: x.sent, Sent: x.silent || x.lost}
	case named && x.status >= 400:
		return &RefusedError{Action: r.action, Role: r.role, KeyID: r.with.ID, Code: r.words(api.ErrorCode()),
			Message: r.words(api.ErrorMessage()), Skew: c.Skew(), resent: x.lost}
	case cause != nil && !errors.Is(cause, context.DeadlineExceeded):
		return cause
	case cause != nil || x.status == 0 || x.broken:
		return &UnreachableError{Host: x.host, Problem: reason(ctx, err), Tries: x.sent, Sent: x.silent || x.lost}
	case x.status >= 500:
		return &UnreachableError{Host: x.host, Problem: fmt.Sprintf("it answers HTTP status %d", x.status), Tries: x.sent, Sent: x.silent || x.lost}
	case x.status >= 300 && x.status < 400:
		return c.notAWS(r, "is a redirect, which AWS never sends (a sign-in page of this network?)")
	case strings.Contains(x.contentType, "html"):
		return c.notAWS(r, "is a web page, not AWS's (a sign-in page of this network?)")
	}
	return c.notAWS(r, "is not one of AWS's")
}

func isThrottle(code string) bool {
	_, ok := retry.DefaultThrottleErrorCodes[code]
	return ok
}

// reason is the innermost cause that says something to a person.
func reason(ctx context.Context, err error) string {
	var (
		dns     *net.DNSError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		timeout net.Error
		op      *net.OpError
		web     *url.Error
	)
	switch {
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s is not found", dns.Name)
	case errors.As(err, &unknown):
		return "its certificate is signed by an authority this computer does not trust (a proxy? AWS_CA_BUNDLE names its certificate)"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired: // or not begun
		return "its certificate is not valid at this computer's time (is the clock right?)"
	case errors.As(err, &host), errors.As(err, &invalid):
		return "its certificate is not valid for it"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed in the middle"
	case errors.As(err, &op):
		return oneLine(op.Err.Error())
	case errors.As(err, &web):
		return oneLine(web.Err.Error())
	}
	return "no usable answer"
}

// oneLine keeps AWS's words on one line; the terminal's safety is report's.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// wire is the transport, with an eye on what comes back: how large, when by
// AWS's clock, and from whom.
type wire struct {
	next http.RoundTripper
	skew time.Duration // our clock less the server's
	exchange
}

// exchange is what happened in one operation, in up to three tries.
type exchange struct {
	host        string // who was asked
	sent        int    // requests so far
	lost        bool   // one before the last may have been carried out, but its answer was not heard
	status      int    // of the last answer; 0 without one
	contentType string
	broken      bool // its body ended too early
	silent      bool // the last one would be lost if there were another
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.exchange = exchange{host: r.URL.Host, sent: w.sent + 1, lost: w.lost || w.silent, silent: true}
	r = r.Clone(r.Context())
	// Without its WriteTo: once the answer is here, the SDK's fails, and net/http,
	// if it is not quite done with it, gives up the connection.
	r.Body = struct{ io.ReadCloser }{r.Body}
	answer, err := w.next.RoundTrip(r)
	if err != nil {
		var op *net.OpError
		w.silent = !errors.As(err, &op) || op.Op != "dial"
		return nil, err
	}
	w.status, w.contentType = answer.StatusCode, answer.Header.Get("Content-Type")
	w.silent = w.status < 400 || w.status >= 500
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		w.skew = time.Since(date)
	}
	answer.Body = &body{ReadCloser: answer.Body, left: maxAnswer, wire: w}
	return answer, nil
}

type body struct {
	io.ReadCloser
	left int64
	wire *wire
}

var errTooLong = errors.New("the answer is longer than any of AWS's")

func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil && err != io.EOF {
		b.wire.broken = true
	}
	return n, err
}
