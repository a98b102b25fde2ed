package mfa

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
)

// jo's seed, as AWS would show it.
const joSeed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// RFC 6238, appendix B, with the errata: each algorithm has a key of its own.
func TestCodeRFC6238(t *testing.T) {
	digits := "1234567890"
	keys := map[string]string{
		"SHA1":   strings.Repeat(digits, 2),
		"SHA256": strings.Repeat(digits, 3) + "12",
		"SHA512": strings.Repeat(digits, 6) + "1234",
	}
	for _, c := range []struct {
		unix                 int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		for algorithm, want := range map[string]string{"SHA1": c.sha1, "SHA256": c.sha256, "SHA512": c.sha512} {
			seed := creds.Seed{
				Secret:    creds.NewSecret(encoding.EncodeToString([]byte(keys[algorithm]))),
				Algorithm: algorithm, Digits: 8, Period: 30 * time.Second,
			}
			// not Step: 20000000000 is after 2262, where int64 nanoseconds end
			if got, err := Code(seed, c.unix/30); got != want || err != nil {
				t.Errorf("%s at %d: %q, %v; want %q", algorithm, c.unix, got, err, want)
			}
			seed.Digits = 6
			if got, _ := Code(seed, c.unix/30); got != want[2:] {
				t.Errorf("%s at %d: %q, want %q", algorithm, c.unix, got, want[2:])
			}
		}
	}
}

func TestCodeOfBrokenSeed(t *testing.T) {
	good := creds.Seed{Secret: creds.NewSecret(joSeed), Algorithm: "SHA1", Digits: 6, Period: 30 * time.Second}
	if _, err := Code(good, 1); err != nil {
		t.Fatal(err)
	}
	for name, breakIt := range map[string]func(*creds.Seed){
		"no secret":   func(s *creds.Seed) { s.Secret = creds.Secret{} },
		"not base32":  func(s *creds.Seed) { s.Secret = creds.NewSecret("0189") },
		"algorithm":   func(s *creds.Seed) { s.Algorithm = "MD5" },
		"digits":      func(s *creds.Seed) { s.Digits = 7 },
		"zero digits": func(s *creds.Seed) { s.Digits = 0 },
	} {
		seed := good
		breakIt(&seed)
		var bad *SeedError
		if code, err := Code(seed, 1); !errors.As(err, &bad) || code != "" {
			t.Errorf("%s: %q, %v", name, code, err)
		}
	}
}

func TestStep(t *testing.T) {
	for _, c := range []struct {
		period time.Duration
		at     string
		step   int64
		end    string
	}{
		{30 * time.Second, "1970-01-01T00:00:29.999Z", 0, "1970-01-01T00:00:30Z"},
		{30 * time.Second, "1970-01-01T00:00:30Z", 1, "1970-01-01T00:01:00Z"},
		{0, "1970-01-01T00:00:59Z", 1, "1970-01-01T00:01:00Z"},
		{60 * time.Second, "2026-11-23T19:34:10+01:00", 29924314, "2026-11-23T18:35:00Z"},
		{time.Second, "1970-01-01T00:00:07.5Z", 7, "1970-01-01T00:00:08Z"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		seed := creds.Seed{Period: c.period}
		step := Step(seed, at)
		if end := StepEnd(seed, step).Format(time.RFC3339Nano); step != c.step || end != c.end {
			t.Errorf("%s by %s: step %d until %s, want %d until %s", c.at, c.period, step, end, c.step, c.end)
		}
	}
}

func TestParseSeed(t *testing.T) {
	long := strings.Repeat("A", 64)
	for _, c := range []struct {
		in        string
		secret    string
		algorithm string
		digits    int
		period    time.Duration
		problem   string
	}{
		{in: joSeed, secret: joSeed},
		{in: "  jbsw y3dp-ehpk 3pxp\tJBSW\u00a0Y3DP EHPK 3PXP\r\n", secret: joSeed},
		{in: "JBSWY3DPEHPK3PXPJBSWY3DPEE======", secret: "JBSWY3DPEHPK3PXPJBSWY3DPEE"},
		{in: "JBSWY3DPEHPK3PXPJBSWY3DPEF", secret: "JBSWY3DPEHPK3PXPJBSWY3DPEE"}, // unused bits
		{in: long, secret: long},
		{in: "otpauth://totp/AWS:jo@111111111111?secret=" + joSeed + "&issuer=Amazon", secret: joSeed},
		{in: "OTPAUTH://TOTP/jo?secret=jbsw+y3dp%20ehpk-3pxpJBSWY3DPEHPK3PXP", secret: joSeed},
		{in: "otpauth://totp/jo?secret=" + joSeed + "&algorithm=sha256&digits=8&period=60", secret: joSeed, algorithm: "SHA256", digits: 8, period: time.Minute},
		{in: "otpauth://totp/jo?secret=" + joSeed + "&algorithm=SHA512&period=1", secret: joSeed, algorithm: "SHA512", period: time.Second},
		{in: "otpauth://totp/?secret=" + joSeed + "&algorithm=&digits=&period=", secret: joSeed},

		{in: "", problem: "is empty"},
		{in: " - ==", problem: "is empty"},
		{in: "JBSWY3DPEHPK3PX1", problem: "is not base32 (letters and the digits 2 to 7)"},
		{in: "JBSWY3DP=EHPK3PXP", problem: "is not base32 (letters and the digits 2 to 7)"},
		{in: "ſBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", problem: "is not base32 (letters and the digits 2 to 7)"}, // ToUpper would make an S of it
		{in: "JBSWY3DPEHPK3PXPJ", problem: "is incomplete"},
		{in: "JBSWY3DPEHPK3", problem: "is too short"},
		{in: strings.Repeat("A", 216), problem: "is too long"},
		{in: strings.Repeat(" ", 5000), problem: "is too long"},
		{in: "https://example.com/?secret=" + joSeed, problem: "is not an otpauth:// URI"},
		{in: "otpauth://%zz/?secret=" + joSeed, problem: "is not an otpauth:// URI"},
		{in: "otpauth://steam/jo?secret=" + joSeed, problem: "is not an otpauth://totp/ URI"},
		{in: "otpauth://hotp/jo?counter=1&secret=" + joSeed, problem: "makes counter-based codes (hotp), but AWS expects time-based ones (totp)"},
		{in: "otpauth://totp/jo", problem: "is empty"},
		{in: "otpauth://totp/jo?secret=%zz" + joSeed, problem: "is a malformed URI"},
		{in: "otpauth://totp/jo?secret=" + joSeed + "&secret=" + long, problem: "is a URI with more than one secret"},
		{in: "otpauth://totp/jo?secret=" + joSeed + "&algorithm=MD5", problem: "has an unknown algorithm; use SHA1, SHA256 or SHA512"},
		{in: "otpauth://totp/jo?secret=" + joSeed + "&digits=7", problem: "must make codes of 6 or 8 digits"},
		{in: "otpauth://totp/jo?secret=" + joSeed + "&digits=six", problem: "must make codes of 6 or 8 digits"},
		{in: "otpauth://totp/jo?secret=" + joSeed + "&period=0", problem: "must have a period of 1 to 300 seconds"},
		{in: "otpauth://totp/jo?secret=" + joSeed + "&period=301", problem: "must have a period of 1 to 300 seconds"},
		{in: "otpauth://totp/jo?secret=" + joSeed + "&period=30s", problem: "must have a period of 1 to 300 seconds"},
	} {
		seed, err := ParseSeed(c.in)
		if c.problem != "" {
			var bad *SeedError
			if !errors.As(err, &bad) || bad.Problem != c.problem || seed != (creds.Seed{}) {
				t.Errorf("%.60q: %v, want %q", c.in, err, c.problem)
			}
			continue
		}
		if c.algorithm == "" {
			c.algorithm = "SHA1"
		}
		if c.digits == 0 {
			c.digits = 6
		}
		if c.period == 0 {
			c.period = 30 * time.Second
		}
		if err != nil || seed.Secret.Reveal() != c.secret || seed.Algorithm != c.algorithm || seed.Digits != c.digits || seed.Period != c.period {
			t.Errorf("%.60q: %s %s %d %s, %v", c.in, seed.Secret.Reveal(), seed.Algorithm, seed.Digits, seed.Period, err)
		}
	}
}

func FuzzParseSeed(f *testing.F) {
	f.Add(joSeed)
	f.Add("jbsw y3dp-ehpk 3pxp====")
	f.Add("otpauth://totp/AWS:jo?secret=" + joSeed + "&algorithm=SHA256&digits=8&period=60")
	f.Add("otpauth://hotp/x?secret=" + joSeed)
	f.Fuzz(func(t *testing.T, text string) {
		seed, err := ParseSeed(text)
		if err != nil {
			var bad *SeedError
			if !errors.As(err, &bad) || seed != (creds.Seed{}) {
				t.Fatalf("%q: %v with %v", text, err, seed)
			}
			return
		}
		if _, err := Code(seed, 1); err != nil {
			t.Errorf("%q is a seed without codes: %v", text, err)
		}
		again, err := ParseSeed(seed.Secret.Reveal())
		if err != nil || !again.Secret.Equal(seed.Secret) {
			t.Errorf("%q: %q is not canonical: %v", text, seed.Secret.Reveal(), err)
		}
	})
}
