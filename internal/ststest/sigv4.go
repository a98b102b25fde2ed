package ststest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signature Version 4, from the specification and not with an SDK's signer, so that
// this check of an SDK's signature is independent:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	// amzTime is the form of X-Amz-Date.
	amzTime = "20060102T150405Z"
	// maxSkew is how wrong AWS allows the caller's clock to be.
	maxSkew = 5 * time.Minute
)

// A signature is what a call's Authorization header claims.
type signature struct {
	key           string
	date          string // YYYYMMDD
	region        string
	service       string
	terminator    string
	signedHeaders []string // lower case
	hex           string
	stamp         string // X-Amz-Date as sent
	at            time.Time
}

// readSignature parses the claim and does not verify it.
func readSignature(h http.Header) (signature, error) {
	auth := h.Get("Authorization")
	if auth == "" {
		return signature{}, refuse(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	scheme, rest, _ := strings.Cut(auth, " ")
	if scheme != algorithm {
		return signature{}, incomplete("Unsupported AWS 'algorithm': '" + scheme + "' (only AWS4-HMAC-SHA256 for now). ")
	}
	parts := make(map[string]string)
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[name] == "" {
			return signature{}, incomplete("Authorization header requires '" + name + "' parameter.")
		}
	}
	scope := strings.Split(parts["Credential"], "/")
	if len(scope) != 5 {
		return signature{}, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term")
	}
	sig := signature{
		key: scope[0], date: scope[1], region: scope[2], service: scope[3], terminator: scope[4],
		signedHeaders: strings.Split(strings.ToLower(parts["SignedHeaders"]), ";"),
		hex:           parts["Signature"],
		stamp:         h.Get("X-Amz-Date"),
	}
	var err error
	if sig.at, err = time.Parse(amzTime, sig.stamp); err != nil {
		return signature{}, incomplete("Date must be in ISO-8601 'basic format'. Got '" + sig.stamp + "'. See http://en.wikipedia.org/wiki/ISO_8601")
	}
	return sig, nil
}

// check reports whether the claim fits the called service and the clock.
func (sig signature) check(service string, now time.Time) error {
	var problems []string
	if sig.region == "" {
		problems = append(problems, "Credential should be scoped to a valid region. ")
	}
	if sig.service != service {
		problems = append(problems, "Credential should be scoped to correct service: '"+service+"'. ")
	}
	if sig.terminator != terminator {
		problems = append(problems, "Credential should be scoped with a valid terminator: 'aws4_request', not '"+sig.terminator+"'. ")
	}
	if day, _, _ := strings.Cut(sig.stamp, "T"); day != sig.date {
		problems = append(problems, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '"+
			sig.date+"' != '"+day+"', from '"+sig.stamp+"'.")
	}
	for _, name := range []string{"host", "x-amz-date"} {
		if !slices.Contains(sig.signedHeaders, name) {
			problems = append(problems, "'"+name+"' must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	if problems != nil {
		return mismatch(strings.Join(problems, ""))
	}
	if early := now.Add(-maxSkew); sig.at.Before(early.Truncate(time.Second)) {
		return mismatch("Signature expired: " + sig.stamp + " is now earlier than " + early.Format(amzTime) +
			" (" + now.Format(amzTime) + " - 5 min.)")
	}
	if late := now.Add(maxSkew); sig.at.After(late) {
		return mismatch("Signature not yet current: " + sig.stamp + " is still later than " + late.Format(amzTime) +
			" (" + now.Format(amzTime) + " + 5 min.)")
	}
	return nil
}

// verify reports whether secret signed r with this body.
func (sig signature) verify(r *http.Request, body []byte, secret string) error {
	canonical := strings.Join([]string{
		r.Method,
		canonicalPath(r.URL),
		canonicalQuery(r.URL.Query()),
		sig.canonicalHeaders(r),
		strings.Join(sig.signedHeaders, ";"),
		hexHash(body),
	}, "\n")
	scope := strings.Join([]string{sig.date, sig.region, sig.service, sig.terminator}, "/")
	toSign := strings.Join([]string{algorithm, sig.stamp, scope, hexHash([]byte(canonical))}, "\n")

	key := []byte("AWS4" + secret)
	for _, part := range []string{sig.date, sig.region, sig.service, sig.terminator} {
		key = mac(key, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(mac(key, toSign))), []byte(sig.hex)) {
		return mismatch("The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

// canonicalPath encodes each segment of the sent path again: only S3 encodes once.
func canonicalPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	segments := strings.Split(path, "/")
	for i := range segments {
		segments[i] = escape(segments[i])
	}
	return strings.Join(segments, "/")
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// canonicalHeaders ends in an empty line, as the specification has it.
func (sig signature) canonicalHeaders(r *http.Request) string {
	var b strings.Builder
	for _, name := range sig.signedHeaders {
		values := r.Header.Values(name)
		switch name { // what net/http removes from the header
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		b.WriteString(name + ":")
		for i, value := range values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strings.Join(strings.Fields(value), " "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// escape percent-encodes all but RFC 3986's unreserved characters.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func mismatch(message string) error {
	return refuse(http.StatusForbidden, "SignatureDoesNotMatch", message)
}

func incomplete(message string) error {
	return refuse(http.StatusBadRequest, "IncompleteSignature", message)
}
