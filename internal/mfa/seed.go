package mfa

import (
	"encoding/base32"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fob/internal/creds"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

const (
	// minKey is the shortest key taken, in bytes: the 80 bits of the oldest
	// authenticator apps. AWS's have 320. Less is a slip of the hand.
	minKey = 10
	// maxKey is the longest: the block of SHA-512, beyond which HMAC gains nothing.
	maxKey = 128
	// maxSeedText bounds the text looked at, in bytes: a QR code holds less.
	maxSeedText = 4096
	// defaultPeriod and defaultDigits are what AWS and RFC 6238 use.
	defaultPeriod = 30 * time.Second
	defaultDigits = 6
	// maxPeriod is the longest step taken. A person waits for a step to end.
	maxPeriod = 5 * time.Minute
)

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// SeedError is a seed that cannot be used. It never quotes the seed.
type SeedError struct {
	Problem string // what is wrong with it: "is too short"
}

func (e *SeedError) Error() string { return "the seed " + e.Problem }

// ParseSeed reads a seed: base32 as a person copies it (in any case, with
// spaces, dashes and padding), or the otpauth://totp/ URI that a QR code holds.
// The error is a *SeedError.
func ParseSeed(text string) (creds.Seed, error) {
	if len(text) > maxSeedText {
		return creds.Seed{}, &SeedError{"is too long"}
	}
	text = strings.TrimSpace(text)
	if strings.Contains(text, "://") {
		return parseURI(text)
	}
	secret, err := parseSecret(text)
	if err != nil {
		return creds.Seed{}, err
	}
	return creds.Seed{Secret: secret, Algorithm: "SHA1", Digits: defaultDigits, Period: defaultPeriod}, nil
}

// parseURI follows the key URI format of Google Authenticator. otp's own parser
// takes the default for every value it does not understand, and so would make
// codes that AWS refuses.
func parseURI(text string) (creds.Seed, error) {
	var none creds.Seed
	// The errors of net/url quote what they parse: the seed.
	u, err := url.Parse(text)
	if err != nil || !strings.EqualFold(u.Scheme, "otpauth") {
		return none, &SeedError{"is no otpauth:// URI"}
	}
	switch strings.ToLower(u.Host) {
	case "totp":
	case "hotp":
		return none, &SeedError{"is for codes by counter (hotp), AWS takes codes by time (totp)"}
	default:
		return none, &SeedError{"is no otpauth://totp/ URI"}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return none, &SeedError{"is a URI with a broken query"}
	}
	for _, name := range []string{"secret", "algorithm", "digits", "period"} {
		if len(query[name]) > 1 {
			return none, &SeedError{"is a URI with more than one " + name}
		}
	}
	seed := creds.Seed{Digits: defaultDigits, Period: defaultPeriod}
	if seed.Secret, err = parseSecret(query.Get("secret")); err != nil {
		return none, err
	}
	if seed.Algorithm = algorithmName(query.Get("algorithm")); seed.Algorithm == "" {
		return none, &SeedError{"has an unknown algorithm, not SHA1, SHA256 or SHA512"}
	}
	if s := query.Get("digits"); s != "" {
		if seed.Digits, err = strconv.Atoi(s); err != nil || seed.Digits != 6 && seed.Digits != 8 {
			return none, &SeedError{"is for codes of neither 6 nor 8 digits"}
		}
	}
	if s := query.Get("period"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > int(maxPeriod/time.Second) {
			return none, &SeedError{"has a period that is not from 1 to 300 seconds"}
		}
		seed.Period = time.Duration(n) * time.Second
	}
	return seed, nil
}

// parseSecret returns the key in the one spelling that creds.Seed has.
func parseSecret(text string) (creds.Secret, error) {
	bare := strings.NewReplacer("-", "", " ", "", "\t", "", "\n", "", "\r", "", "\u00a0", "").Replace(text)
	bare = strings.TrimRight(bare, "=")
	if bare == "" {
		return creds.Secret{}, &SeedError{"is empty"}
	}
	// Before ToUpper, which makes an S of the long s of old print.
	if strings.Trim(bare, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz234567") != "" {
		return creds.Secret{}, &SeedError{"is not base32 (letters, and digits from 2 to 7)"}
	}
	if n := len(bare) % 8; n == 1 || n == 3 || n == 6 {
		return creds.Secret{}, &SeedError{"is cut short"} // no number of bytes has this length
	}
	key, err := encoding.DecodeString(strings.ToUpper(bare))
	switch {
	case err != nil:
		return creds.Secret{}, &SeedError{"is not base32"}
	case len(key) < minKey:
		return creds.Secret{}, &SeedError{"is too short"}
	case len(key) > maxKey:
		return creds.Secret{}, &SeedError{"is too long"}
	}
	return creds.NewSecret(encoding.EncodeToString(key)), nil
}

func algorithmName(s string) string {
	switch s = strings.ToUpper(s); s {
	case "":
		return "SHA1"
	case "SHA1", "SHA256", "SHA512":
		return s
	}
	return ""
}

// Code returns the code of seed for a step. The error is a *SeedError.
func Code(seed creds.Seed, step int64) (string, error) {
	algorithms := map[string]otp.Algorithm{
		"SHA1": otp.AlgorithmSHA1, "SHA256": otp.AlgorithmSHA256, "SHA512": otp.AlgorithmSHA512,
	}
	algorithm, ok := algorithms[seed.Algorithm]
	if !ok {
		return "", &SeedError{"has an unknown algorithm"}
	}
	if seed.Digits != 6 && seed.Digits != 8 {
		return "", &SeedError{"is for codes of neither 6 nor 8 digits"}
	}
	if seed.Secret.IsZero() { // HMAC would take it
		return "", &SeedError{"is empty"}
	}
	code, err := hotp.GenerateCodeCustom(seed.Secret.Reveal(), uint64(step),
		hotp.ValidateOpts{Digits: otp.Digits(seed.Digits), Algorithm: algorithm})
	if err != nil {
		return "", &SeedError{"is not base32"} // what otp says may change, and may quote
	}
	return code, nil
}

// Step returns the number of the step of seed that holds t: steps since 1970.
func Step(seed creds.Seed, t time.Time) int64 { return t.UnixNano() / period(seed) }

// StepEnd returns when a step of seed ends and the next begins, in UTC.
func StepEnd(seed creds.Seed, step int64) time.Time {
	return time.Unix(0, (step+1)*period(seed)).UTC()
}

func period(seed creds.Seed) int64 {
	if seed.Period <= 0 {
		return int64(defaultPeriod)
	}
	return int64(seed.Period)
}
