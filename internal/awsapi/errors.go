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

// maxWords is far above any message of STS, but for those that repeat the request.
const maxWords = 1 << 10

// RefusedError: AWS answered no. Code and Message are AWS's own, on one line;
// they are not safe for a terminal before they are cleaned.
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
		what += " of " + e.Role
	}
	what += ": " + e.Code + ": " + e.Message
	if e.Resent && e.BadCode() {
		what += " (" + LostAnswer + ")"
	}
	return what
}

// LostAnswer says why AWS refuses a code that was right.
const LostAnswer = "AWS's first answer was lost, and it takes each code once"

// BadCode reports whether AWS refused the MFA code, rather than the device. There
// is no error code for it.
func (e *RefusedError) BadCode() bool {
	return e.Code == "AccessDenied" && strings.Contains(e.Message, "invalid MFA one time pass code")
}

// UnknownDevice reports whether AWS does not know the MFA device, or not yet.
func (e *RefusedError) UnknownDevice() bool {
	return e.Code == "AccessDenied" && strings.Contains(e.Message, "unable to validate MFA code")
}

// UnreachableError: no answer, or one that says to try later.
type UnreachableError struct {
	Host    string
	Problem string
	// Sent: a request went out, and AWS may have carried it out.
	Sent bool
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("AWS not reached at %s: %s", e.Host, e.Problem)
}

// AnswerError: the answer is not from AWS, or makes no sense.
type AnswerError struct {
	Action, Host, Problem string
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("the answer of %s to %s %s", e.Host, e.Action, e.Problem)
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

// oneLine keeps AWS's words on one line; cleaning them for a terminal is up to
// whoever prints them.
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

// explain turns the SDK's errors into this package's: AWS refused, AWS was not
// reached, or something answered that is not AWS.
func (c *Client) explain(ctx context.Context, r *request, err error) error {
	var api smithy.APIError
	// The SDK invents the code UnknownError where the answer has none.
	named := errors.As(err, &api) && api.ErrorCode() != "" && api.ErrorCode() != "UnknownError"
	cause := context.Cause(ctx)
	switch {
	case named && (r.status >= 500 || isThrottle(api.ErrorCode())):
		return r.unreachable("AWS answers " + r.words(api.ErrorCode()))
	case named && r.status >= 400:
		return &RefusedError{Action: r.action, Role: r.role, KeyID: r.with.ID, Code: r.words(api.ErrorCode()),
			Message: r.words(api.ErrorMessage()), Skew: c.Skew(), Resent: r.lost}
	case cause != nil && !errors.Is(cause, context.DeadlineExceeded):
		return cause
	case cause != nil || r.status == 0 || r.broken:
		return r.unreachable(reason(ctx, err))
	case r.status >= 500:
		return r.unreachable(fmt.Sprintf("it answers HTTP status %d", r.status))
	case r.status >= 300 && r.status < 400:
		return r.notAWS("is a redirect, which AWS never sends (a sign-in page of this network?)")
	case strings.Contains(r.contentType, "html"):
		return r.notAWS("is a web page, not AWS's (a sign-in page of this network?)")
	}
	return r.notAWS("is not one of AWS's")
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
