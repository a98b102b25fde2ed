package awsapi

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"fob/internal/plan"
)

// maxWords is far above any message of STS, except those that repeat the request.
const maxWords = 1 << 10

// RefusedError says that AWS refused the call. Code and Message are AWS's own, on
// one line; clean them before they reach a terminal.
type RefusedError struct {
	Action  string // GetSessionToken
	KeyID   string // who asked
	Role    string // the role asked for, if any
	Code    string
	Message string
	// Skew is how far this computer's clock is ahead of AWS's; 0 if under 5 minutes.
	Skew time.Duration
	// Resent: an earlier try may have been carried out, but its answer was lost. It
	// has then used up the MFA code.
	Resent bool
}

func (e *RefusedError) Error() string {
	what := "AWS refused " + e.Action
	if e.Role != "" {
		what += " for " + e.Role
	}
	what += ": " + e.Code + ": " + e.Message
	if e.Resent && e.BadCode() {
		what += " (" + LostAnswer + ")"
	}
	return what
}

// LostAnswer is why AWS refused a code that was right.
const LostAnswer = "the first answer was lost, and AWS takes each code once"

// BadCode reports whether AWS refused the MFA code rather than the device. There
// is no error code for that.
func (e *RefusedError) BadCode() bool {
	return e.Code == "AccessDenied" && strings.Contains(e.Message, "invalid MFA one time pass code")
}

// UnknownDevice reports whether AWS does not know the MFA device, or does not know
// it yet.
func (e *RefusedError) UnknownDevice() bool {
	return e.Code == "AccessDenied" && strings.Contains(e.Message, "unable to validate MFA code")
}

// UnreachableError says that AWS did not answer, or only to try later.
type UnreachableError struct {
	Host    string
	Problem string
	// Sent: a request was sent, and AWS may have carried it out.
	Sent bool
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("could not reach AWS at %s: %s", e.Host, e.Problem)
}

// UnsentError is why a call failed of which no byte left this computer: AWS has not
// seen its MFA code.
type UnsentError struct{ Err error }

func (e *UnsentError) Error() string { return e.Err.Error() }
func (e *UnsentError) Unwrap() error { return e.Err }

// AnswerError says that the answer is not from AWS, or makes no sense.
type AnswerError struct {
	Action, Host, Problem string
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("unexpected response to %s from %s: %s", e.Action, e.Host, e.Problem)
}

// Ahead says how far a clock is off, for a person.
func Ahead(skew time.Duration) string {
	// Dates have seconds and take time to arrive: 19m59.6s are 20 minutes.
	d := skew.Abs().Round(time.Second)
	if d > time.Minute {
		d = skew.Abs().Round(time.Minute)
	}
	if skew < 0 {
		return plan.Duration(d) + " behind AWS's"
	}
	return plan.Duration(d) + " ahead of AWS's"
}

// oneLine puts a message on one line. It does not clean it for a terminal.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// outcome is how a call ended, for the log.
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

// explain turns the SDK's errors into this package's.
func (c *Client) explain(ctx context.Context, r *request, err error) error {
	err = c.translate(ctx, r, err)
	if !r.connected {
		err = &UnsentError{err}
	}
	return err
}

func (c *Client) translate(ctx context.Context, r *request, err error) error {
	var api smithy.APIError
	// The SDK invents the code UnknownError where the answer has none.
	named := errors.As(err, &api) && api.ErrorCode() != "" && api.ErrorCode() != "UnknownError"
	cause := context.Cause(ctx)
	switch {
	case named && (r.status >= 500 || isThrottle(api.ErrorCode())):
		return r.unreachable("AWS answered " + r.words(api.ErrorCode()))
	case named && r.status >= 400:
		return &RefusedError{Action: r.action, Role: r.role, KeyID: r.with.ID, Code: r.words(api.ErrorCode()),
			Message: r.words(api.ErrorMessage()), Skew: c.Skew(), Resent: r.lost}
	case cause != nil && !errors.Is(cause, context.DeadlineExceeded):
		return cause
	case cause != nil || r.status == 0 || r.broken:
		return r.unreachable(reason(ctx, err))
	case r.status >= 500:
		return r.unreachable(fmt.Sprintf("the server answered HTTP status %d", r.status))
	case r.status >= 300 && r.status < 400:
		return r.notAWS("a redirect, which AWS never sends (does this network have a sign-in page?)")
	case strings.Contains(r.contentType, "html"):
		return r.notAWS("a web page (does this network have a sign-in page?)")
	}
	return r.notAWS("not an AWS response")
}

func isThrottle(code string) bool {
	_, ok := retry.DefaultThrottleErrorCodes[code]
	return ok
}

// reason is the innermost cause that means something to a person.
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
		return fmt.Sprintf("cannot resolve %s", dns.Name)
	case errors.As(err, &unknown):
		return "this computer does not trust the server's certificate (behind a proxy? set AWS_CA_BUNDLE to the proxy's CA certificate)"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired: // or not yet valid
		return "the server's certificate has expired or is not valid yet (is the clock right?)"
	case errors.As(err, &host), errors.As(err, &invalid):
		return "the server's certificate is not valid for this host"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was complete"
	case errors.As(err, &op):
		return oneLine(op.Err.Error())
	case errors.As(err, &web):
		return oneLine(web.Err.Error())
	}
	return "no usable answer"
}
