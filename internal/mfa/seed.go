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
	// minKey is the length of the shortest accepted key, in bytes: the 80 bits of
	// the oldest authenticator apps. AWS's have 320. Less is a typing error.
	minKey = 10
	// maxKey is the length of the longest, a block of SHA-512. HMAC does not become
	// stronger with more.
	maxKey = 128
	// maxSeedText is the length of the longest text that is read, in bytes. A QR
	// code holds less.
	maxSeedText = 4096
	// defaultPeriod and defaultDigits are what AWS and RFC 6238 use.
	defaultPeriod = 30 * time.Second
	defaultDigits = 6
	// maxPeriod is the longest accepted step, because people wait for its end.
	maxPeriod = 5 * time.Minute
)

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// SeedError is a seed that cannot be used. It never quotes the seed.
type SeedError struct {
	Problem string // completes the sentence "the MFA secret ...": "is too short"
}

func (e *SeedError) Error() string { return "the MFA secret " + e.Problem }

// ParseSeed reads a seed: base32 as people copy it (in any case, with spaces,
// dashes and padding), or the otpauth://totp/ URI of a QR code.
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

// parseURI follows the key URI format of Google Authenticator. The parser of
// package otp uses a default for every value it does not understand, and would
// then make codes that AWS refuses.
func parseURI(text string) (creds.Seed, error) {
	var none creds.Seed
	// The errors of net/url quote the URI, so they would show the seed.
	u, err := url.Parse(text)
	if err != nil || !strings.EqualFold(u.Scheme, "otpauth") {
		return none, &SeedError{"is not an otpauth:// URI"}
	}
	switch strings.ToLower(u.Host) {
	case "totp":
	case "hotp":
		return none, &SeedError{"makes counter-based codes (hotp), but AWS expects time-based ones (totp)"}
	default:
		return none, &SeedError{"is not an otpauth://totp/ URI"}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return none, &SeedError{"is a malformed URI"}
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
		return none, &SeedError{"has an unknown algorithm; use SHA1, SHA256 or SHA512"}
	}
	if s := query.Get("digits"); s != "" {
		if seed.Digits, err = strconv.Atoi(s); err != nil || seed.Digits != 6 && seed.Digits != 8 {
			return none, &SeedError{"must make codes of 6 or 8 digits"}
		}
	}
	if s := query.Get("period"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > int(maxPeriod/time.Second) {
			return none, &SeedError{"must have a period of 1 to 300 seconds"}
		}
		seed.Period = time.Duration(n) * time.Second
	}
	return seed, nil
}

// parseSecret returns the key in the spelling of creds.Seed.
func parseSecret(text string) (creds.Secret, error) {
	bare := strings.NewReplacer("-", "", " ", "", "\t", "", "\n", "", "\r", "", "\u00a0", "").Replace(text)
	bare = strings.TrimRight(bare, "=")
	if bare == "" {
		return creds.Secret{}, &SeedError{"is empty"}
	}
	// Before ToUpper, which turns the letter \u017f (long s) into an S.
	if strings.Trim(bare, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz234567") != "" {
		return creds.Secret{}, &SeedError{"is not base32 (letters and the digits 2 to 7)"}
	}
	if n := len(bare) % 8; n == 1 || n == 3 || n == 6 {
		return creds.Secret{}, &SeedError{"is incomplete"} // not the length of whole bytes
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
		return "", &SeedError{"must make codes of 6 or 8 digits"}
	}
	if seed.Secret.IsZero() { // HMAC would accept it
		return "", &SeedError{"is empty"}
	}
	code, err := hotp.GenerateCodeCustom(seed.Secret.Reveal(), uint64(step),
		hotp.ValidateOpts{Digits: otp.Digits(seed.Digits), Algorithm: algorithm})
	if err != nil {
		return "", &SeedError{"is not base32"} // otp's error may change, and may quote the seed
	}
	return code, nil
}

// Step returns the number of the time step of seed at t, counted from 1970.
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
