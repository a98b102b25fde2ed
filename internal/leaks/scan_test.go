package leaks

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"fob/internal/creds"
)

const (
	testID     = "AKIA6RVFFB77RE7OLMKI"
	testSecret = "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"
	testSeed   = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ"
	testSerial = "arn:aws:iam::999999999999:mfa/jo"
)

func testSecrets() Secrets {
	return Secrets{
		Keys:  []Key{{"dev", creds.Key{ID: testID, Secret: creds.NewSecret(testSecret)}}},
		Seeds: []Seed{{testSerial, creds.NewSecret(testSeed)}},
	}
}

// shown are hits as text: kind, spelling and line.
func shown(hits []hit) string {
	var lines []string
	for _, h := range hits {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintf("%d %s %s %s", h.line, h.of.Kind, h.of.State, h.how), " "))
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

func wideText(text string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// wrapped is base64 in lines, as base64(1) and MIME have it.
func wrapped(text, lineEnd string) string {
	coded := base64.StdEncoding.EncodeToString([]byte(text))
	var lines []string
	for line := range slices.Chunk([]byte(coded), 76) {
		lines = append(lines, string(line))
	}
	return strings.Join(lines, lineEnd)
}

// The secret is found in what other programs make of it, and said to be spelled so. These
// are the encoders of others, not those of the package.
func TestSpellings(t *testing.T) {
	b := New(testSecrets()).buffer()
	for _, c := range []struct{ text, want string }{
		{testSecret, "1 secret-access-key stored"},
		{url.QueryEscape(testSecret), "1 secret-access-key stored URL-encoded"},
		{url.PathEscape(testSecret), "1 secret-access-key stored URL-encoded"},
		{strings.ToLower(url.QueryEscape("/")) + url.PathEscape(testSecret), "1 secret-access-key stored URL-encoded"},
		{url.QueryEscape(url.QueryEscape(testSecret)), "1 secret-access-key stored URL-encoded twice"},
		{strings.ReplaceAll(testSecret, "+", "%2b"), "1 secret-access-key stored URL-encoded"},
		{strings.ReplaceAll(testSecret, "/", `\/`), "1 secret-access-key stored JSON-escaped"},
		{strings.ReplaceAll(testSecret, "+", `\u002B`), "1 secret-access-key stored JSON-escaped"},
		{strings.ReplaceAll(testSecret, "+", "&#43;"), "1 secret-access-key stored HTML-escaped"},
		{wideText(testSecret, binary.LittleEndian), "1 secret-access-key stored UTF-16"},
		{wideText(testSecret, binary.BigEndian), "1 secret-access-key stored UTF-16"},
		{base64.StdEncoding.EncodeToString([]byte(testSecret)), "1 secret-access-key stored base64"},
		{base64.URLEncoding.EncodeToString([]byte("a" + testSecret)), "1 secret-access-key stored base64"},
		{base64.StdEncoding.EncodeToString([]byte("ab" + testSecret + "c")), "1 secret-access-key stored base64"},
		{base64.StdEncoding.EncodeToString([]byte(testID)), "1 access-key-id stored base64"},
		{"\n\n" + testSeed, "3 mfa-secret stored"},
		{"otpauth://totp/x?secret=" + strings.ToLower(testSeed), "1 mfa-secret stored"},
		{"JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXQ", "1 mfa-secret stored"},
		{testID + "\n" + testSecret, "1 access-key-id stored; 2 secret-access-key stored"},
		{testSecret[:39], ""},
		{testID[1:], ""},
	} {
		for _, around := range []string{"", "x", "key = ", "\x00"} {
			if strings.Contains(c.text, "\x00") && around != "" {
				continue // half a character
			}
			if got := shown(b.inMemory([]byte(around + c.text + around))); got != c.want {
				t.Errorf("%q: %s, want %s", around+c.text, got, c.want)
			}
		}
	}
	if html.UnescapeString(strings.ReplaceAll(testSecret, "+", "&#43;")) != testSecret {
		t.Error("that is not how HTML escapes a plus")
	}
}

// Base64 in lines has its breaks anywhere in a secret, also in a short one.
func TestWrappedBase64(t *testing.T) {
	secrets := testSecrets()
	short := []string{"aShortKeyOf16abc", "ANIDOFSIXTEENABC", "a-key-of-twenty-four-abc", "a-key-of-some-thirty-character"}
	for _, s := range short {
		secrets.Keys = append(secrets.Keys, Key{"p" + s, creds.Key{ID: s, Secret: creds.NewSecret(s + "x")}})
	}
	b := New(secrets).buffer()
	for kind, all := range map[Kind][]string{SecretKey: {testSecret, short[0] + "x", short[3] + "x"}, KeyID: append(short, testID), MFASecret: {testSeed}} {
		for _, secret := range all {
			for before := range 120 {
				for _, lineEnd := range []string{"\n", "\r\n", "\n  ", "\n    ", "\n      ", "\r\n\t"} {
					text := wrapped(strings.Repeat("#", before)+secret+"\nmore of the file, which goes on for a while", lineEnd)
					got := b.inMemory([]byte("data:" + lineEnd + text))
					got = slices.DeleteFunc(got, func(h hit) bool { return h.of.Kind != kind }) // an ID begins a secret here
					if len(got) != 1 || got[0].how != "base64" {
						t.Errorf("%s after %d bytes, with %q: %s in\n%s", secret, before, lineEnd, shown(got), text)
					}
				}
			}
		}
	}
	coded := base64.StdEncoding.EncodeToString([]byte(testSecret))
	for _, c := range []string{coded[:20] + " " + coded[20:], coded[:20] + "\n\n-\n" + coded[20:], coded[:20]} {
		if got := b.inMemory([]byte(c)); len(got) > 0 {
			t.Errorf("found in %q", c)
		}
	}
}

// A secret is found wherever it lies in a file, also where two pieces of it meet, once and
// in its line.
func TestAnywhere(t *testing.T) {
	b := New(testSecrets()).buffer()
	b.text = b.text[:5*b.reach] // pieces meet early
	text := make([]byte, 3*len(b.text)+1000)
	line := "a line of a log file, of which there are many\n"
	for i := range text {
		text[i] = line[i%len(line)]
	}
	secrets := []string{testSecret, testID, wideText(testSecret, binary.LittleEndian), wrapped("##"+testSecret+strings.Repeat("#", 60), "\n")}
	places := []int{0, 1, 7, 8, 12, 13, 14, len(text) - 200}
	for _, edge := range []int{len(b.text) - b.reach, len(b.text)} {
		for d := -130; d <= 130; d += 3 {
			places = append(places, edge+d)
		}
	}
	for _, secret := range secrets {
		for _, at := range places {
			with := slices.Concat(text[:at], []byte(secret), text[at:])
			want := 1 + bytes.Count(with[:at], []byte{'\n'})
			hits, n, err := b.search(iotest.HalfReader(bytes.NewReader(with)), int64(len(with)))
			if err != nil || n != int64(len(with)) || len(hits) != 1 || hits[0].line != want {
				t.Fatalf("%.12q at %d: %d bytes, %v, %s, want line %d", secret, at, n, err, shown(hits), want)
			}
		}
	}
}

// A file that grows is read to the size that it had, and one that shrinks to its end.
func TestSize(t *testing.T) {
	b := New(testSecrets()).buffer()
	text := "one\n" + testSecret
	for _, c := range []struct{ size, n, hits int }{{len(text), len(text), 1}, {10, 10, 0}, {100, len(text), 1}, {0, 0, 0}} {
		hits, n, err := b.search(strings.NewReader(text), int64(c.size))
		if err != nil || n != int64(c.n) || len(hits) != c.hits {
			t.Errorf("%d: %d bytes, %d hits, %v", c.size, n, len(hits), err)
		}
	}
}

// What is like a key of AWS's is told from what is not.
func TestForms(t *testing.T) {
	b := New(Secrets{}).buffer()
	const id, other = "AKIAY34FZKBOKMUTVV7A", "access-key-id other"
	near := id + "\nsecret = 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\n"
	for text, want := range map[string]string{
		id:                  other,
		"key=" + id + ",":   other,
		`"x\n` + id + `\n"`: other,
		"X-Amz-Credential%3D" + id + "%2F20260101": other,
		"AKIA_" + id + "_":                         other,
		"x" + id:                                   "",
		id + "x":                                   "",
		id + "7":                                   "",
		id[:19]:                                    "",
		strings.ToLower(id):                        "",
		"AKIAIOSFODNN7EXAMPLE":                     "",
		"AKIAI44QH8DHBEXAMPLE":                     "",
		"AKIAIOSFODNN7EXAMPLF":                     "",
		"AKIAXXXXXXXXXXXXXXXX":                     "",
		"AKIAABCDEFGHIJKLMNOP":                     "",
		"AKIA0123456789012345":                     "",
		"AKIAAAAAAAAAAAAAAAAB":                     "",
		"AROAY34FZKBOKMUTVV7A":                     "",
		"ASIAY34FZKBOKMUTVV7A":                     "", // of a session, alone
		"ASIA" + near[4:]:                          other,
		"\x00" + id:                                "", // in a binary file
		"ABSKQmVkcm9ja0FQSUtleS0" + strings.Repeat("Ab1", 40):                      "bedrock-api-key other",
		"ABSKQmVkcm9ja0FQSUtleS0...":                                               "",
		"bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t" + strings.Repeat("Ab1", 40): "bedrock-api-key other",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709":                                 "",
	} {
		got := ""
		for _, h := range b.inMemory([]byte(text)) {
			got += string(h.of.Kind) + " " + string(h.of.State)
			if strings.Contains(h.of.KeyID, id[4:16]) {
				t.Errorf("%q: the ID is shown", text)
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, with := range map[string]bool{
		near: true, "secret: Q9zrTyWqpL4mNbvCxZ0aSdFgHjKl/8uY+1iOePw2 id: " + id: true,
		id: false, id + " da39a3ee5e6b4b0d3255bfef95601890afd80709": false,
		id + " src/internal/Some/Path/To/A/File1/In/Go": false,
		id + strings.Repeat(" ", 400) + testSecret:      false,
	} {
		hits := b.inMemory([]byte(text))
		if len(hits) != 1 || hits[0].of.WithSecret != with {
			t.Errorf("%q: %v", text, hits)
		}
		if hits[0].of.Account != "609629065308" {
			t.Errorf("account %q", hits[0].of.Account)
		}
	}
}

// Before an ID or a secret there may be an escape or a color: both are found, and each in its
// place.
func TestBehindEscapes(t *testing.T) {
	const secret = "Q9zrTyWqpL4mNbvCxZ0aSdFgHjKl/8uY+1iOePw2"
	asked := 0
	b := New(Secrets{Retired: finder(testID, testSecret, &asked), Lengths: []int{20, 40}}).buffer()
	for _, escape := range []string{
		`\u003d`, `\u003D`, `\\u003d`, `\x3d`, `\x3D`, `\075`, `\U0000003d`, "%3D", "%3d", "%253D", "%253d", "%25253D", "=3D", `\n`, `\t`, `\"`, "&#61;", "&quot;",
		"\x1b[31m", "\x1b[1;31m", "\x1b[0m", "\x1b[38;5;196m", "\x1b[m", "\x1b[01;31m\x1b[K", `\u001b[31m`, `\e[32m`, `\033[32m`,
	} {
		for _, before := range []string{"", "key", "x ", "7", "K"} {
			all := before + escape + "ASIAY34FZKBOKMUTVV7A" + escape + "\n" + before + escape + secret + escape + "\n"
			hits := b.inMemory([]byte(all))
			if len(hits) != 1 || hits[0].of.State != IsOther || !hits[0].of.WithSecret || hits[0].start != len(before+escape) {
				t.Errorf("%q: %+v", all, hits)
			}
			all = before + escape + testID + escape + "\n" + before + escape + testSecret + escape + "\n"
			got := shown(b.inMemory([]byte(all)))
			if got = strings.TrimSuffix(got, " escaped"); got != "1 access-key-id retired; "+strings.TrimSpace(fmt.Sprint(2+strings.Count(before+escape+escape, "\n")))+" secret-access-key retired" {
				t.Errorf("%q: %s", all, got)
			}
		}
	}
	// A secret has the characters of an escape, and is written with escapes.
	for text, want := range map[string]bool{
		"ASIAY34FZKBOKMUTVV7A key=3Dz" + secret[3:]:                         true,
		"ASIAY34FZKBOKMUTVV7A " + url.QueryEscape(secret):                   true,
		"ASIAY34FZKBOKMUTVV7A " + strings.ReplaceAll(secret, "/", `\/`):     true,
		"ASIAY34FZKBOKMUTVV7A " + strings.ReplaceAll(secret, "+", `\u002B`): true,
		"ASIAY34FZKBOKMUTVV7A x" + secret:                                   false,
		"ASIAY34FZKBOKMUTVV7A " + secret[:39]:                               false,
		"m" + "ASIAY34FZKBOKMUTVV7A " + secret:                              false,
		"3D" + "ASIAY34FZKBOKMUTVV7A " + secret:                             false,
		"%3" + "ASIAY34FZKBOKMUTVV7A " + secret:                             false,
	} {
		if hits := b.inMemory([]byte(text)); len(hits) > 0 != want {
			t.Errorf("%q: %s", text, shown(hits))
		}
	}
}

// finder recognizes a retired key, as the keyring does, and counts what it is asked.
func finder(id, secret string, asked *int) func() func([]byte) (Retired, bool) {
	return func() func([]byte) (Retired, bool) {
		return func(text []byte) (Retired, bool) {
			*asked++
			is := string(text) == id || string(text) == secret
			return Retired{"old", time.Unix(0, 0), "AKIA...LMKI"}, is
		}
	}
}

// A key of which only hashes are known is found as a whole word.
func TestRetired(t *testing.T) {
	asked := 0
	b := New(Secrets{Retired: finder(testID, testSecret, &asked), Lengths: []int{20, 40}}).buffer()
	const secret = "secret-access-key retired"
	for text, want := range map[string]string{
		testSecret:                                                                    secret,
		"aws_secret_access_key=" + testSecret:                                         secret,
		"aws_secret_access_key = " + testSecret + "\r":                                secret,
		`{"s":"` + testSecret + `"}`:                                                  secret,
		"s3://" + testID + ":" + testSecret + "@bucket":                               "access-key-id retired; " + secret,
		"https://example.com/" + testSecret + "/x":                                    secret,
		url.QueryEscape(testSecret):                                                   secret + " escaped",
		"a=" + url.QueryEscape("k="+testSecret+"&b"):                                  secret + " escaped",
		strings.ReplaceAll(testSecret, "/", `\/`):                                     secret + " escaped",
		strings.ReplaceAll(testSecret, "/", `\x2f`):                                   secret + " escaped",
		url.QueryEscape(url.QueryEscape(testSecret)):                                  secret + " escaped",
		"x=3Dz" + testSecret:                                                          "",
		`"a\n` + testSecret + `\n"`:                                                   secret + " escaped",
		base64.StdEncoding.EncodeToString([]byte(testSecret)):                         secret + " base64",
		base64.StdEncoding.EncodeToString([]byte("user:" + testSecret)):               secret + " base64",
		base64.StdEncoding.EncodeToString([]byte("{\"k\":\"" + testSecret + "\"}x")):  secret + " base64",
		base64.StdEncoding.EncodeToString([]byte("a=" + url.QueryEscape(testSecret))): secret + " base64",
		"data:\n  " + wrapped("[default]\naws_access_key_id = "+testID+"\naws_secret_access_key = "+testSecret+"\n", "\n  "): secret + " base64",
		"\x00" + testSecret + "\x00": secret,
		// Behind and before lines that may be base64.
		strings.Repeat("da39a3ee5e6b4b0d", 4) + "\n" + testSecret + "\n" + strings.Repeat("da39a3ee5e6b4b0d", 4):                                                   secret,
		strings.Repeat("da39a3ee5e6b4b0d", 4) + "\n" + testSecret + "\nand":                                                                                        secret,
		strings.Repeat("da39a3ee5e6b4b0d", 4) + "\n" + base64.StdEncoding.EncodeToString([]byte(testSecret)) + "\n":                                                secret + " base64",
		strings.Repeat("AWFhYWFhYWFhYWFh", 4) + "\n" + base64.StdEncoding.EncodeToString([]byte(testSecret)) + "\n" + strings.Repeat("YWFhYWFhYWFhYWFh", 4) + "\n": secret + " base64",
		strings.Repeat("YSVhYWFhYWFhYWFh", 4) + "\n" + base64.StdEncoding.EncodeToString([]byte(testSecret+"aaaaa%2F")) + "\n":                                     "",
		strings.Repeat("YSVhYWFhYWFhYWFh", 4) + "\n" + base64.StdEncoding.EncodeToString([]byte(testSecret)) + "\n":                                                secret + " base64",
		testID:           "access-key-id retired",
		"x" + testSecret: "",
		testSecret + "x": "",
		testSecret[:39]:  "",
	} {
		got := ""
		for _, h := range b.inMemory([]byte(text)) {
			got += "; " + strings.TrimSpace(string(h.of.Kind)+" "+string(h.of.State)+" "+h.how)
		}
		if got = strings.TrimPrefix(got, "; "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	asked = 0
	b.inMemory([]byte(strings.Repeat("da39a3ee5e6b4b0d3255bfef95601890afd80709 in an ordinary sentence of some words\n", 1000)))
	if asked > 0 {
		t.Errorf("%d words of an ordinary text were hashed", asked)
	}
}

// The secret of a retired key is found wherever it is in a long text, also where two pieces
// of the file meet, once and in its line.
func TestRetiredAnywhere(t *testing.T) {
	asked := 0
	b := New(Secrets{Retired: finder(testID, testSecret, &asked), Lengths: []int{20, 40}}).buffer()
	b.text = b.text[:5*b.reach] // pieces meet early
	line := "exportVARIABLE/of/some/file\n"
	filler := strings.Repeat(line, 3*len(b.text)/len(line))
	lines := func(width int) func(string) string {
		return func(plain string) string {
			var all strings.Builder
			for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString([]byte(plain))), width) {
				all.Write(append(line, '\n'))
			}
			return all.String()
		}
	}
	for name, encode := range map[string]func(plain string) string{
		"as it is":   func(plain string) string { return plain },
		"one line":   func(plain string) string { return base64.StdEncoding.EncodeToString([]byte(plain)) },
		"76 columns": lines(76), "64 columns": lines(64), "60 columns": lines(60),
		"JSON":       func(plain string) string { return strings.ReplaceAll(plain, "\n", `\n`) },
		"address":    url.QueryEscape,
		"base64url":  func(plain string) string { return base64.URLEncoding.EncodeToString([]byte("\xff" + plain)) },
		"kubernetes": func(plain string) string { return "data: " + base64.StdEncoding.EncodeToString([]byte(plain)) + "\n" },
	} {
		ratio := float64(len(encode(filler))) / float64(len(filler))
		places := []int{0, 1, 2, 3, 10_000, 10_001, 10_002, len(filler) - 1}
		for _, edge := range []int{len(b.text) - b.reach, len(b.text)} {
			for d := -130; d <= 130; d += 13 {
				places = append(places, int(float64(edge+d)/ratio))
			}
		}
		for _, at := range places {
			before := filler[:at] + "\n"
			text := encode(before + testSecret + "\n" + filler[at:])
			hits, _, err := b.search(strings.NewReader(text), int64(len(text)))
			if err != nil || len(hits) != 1 || hits[0].of.KeyID != "AKIA...LMKI" {
				t.Fatalf("%s: at %d: %v, %s", name, at, err, shown(hits))
			}
			want := 1 + strings.Count(encode(before), "\n") // or one less, if the last line is not at its end
			if got := hits[0].line; got != want && (got != want-1 || name == "as it is") {
				t.Errorf("%s: at %d: line %d, want %d", name, at, got, want)
			}
		}
	}
}

// What is around a key counts, also where two pieces of a file meet.
func TestNearAnywhere(t *testing.T) {
	b := New(Secrets{}).buffer()
	const secret, id = "Q9zrTyWqpL4mNbvCxZ0aSdFgHjKl/8uY+1iOePw2", "ASIAY34FZKBOKMUTVV7A"
	for at := len(b.text) - b.reach - 300; at < len(b.text)-b.reach+50; at += 7 {
		for _, text := range []string{secret + strings.Repeat(" ", 180) + id, id + strings.Repeat(" ", 180) + secret} {
			all := strings.Repeat(".", at) + "\n" + text + strings.Repeat("\n", chunk)
			hits, _, err := b.search(strings.NewReader(all), int64(len(all)))
			if err != nil || len(hits) != 1 || !hits[0].of.WithSecret || hits[0].line != 2 {
				t.Fatalf("at %d: %v, %s", at, err, shown(hits))
			}
		}
	}
}

// Two Bedrock keys are told apart, and by nothing that gives one back; the same one is the
// same wherever it is.
func TestFingerprint(t *testing.T) {
	b := New(Secrets{}).buffer()
	key := func(name string) string {
		return "ABSK" + base64.StdEncoding.EncodeToString([]byte("BedrockAPIKey-"+name+"-at-111111111111:"+strings.Repeat("secret", 10)))
	}
	session := "bedrock-api-key-" + base64.StdEncoding.EncodeToString([]byte("bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Security-Token="+strings.Repeat("token", 300)))
	other := "bedrock-api-key-" + base64.StdEncoding.EncodeToString([]byte("bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Security-Token="+strings.Repeat("token", 299)+"tokem"))
	seen := map[string]string{}
	for _, key := range []string{key("abcd"), key("abce"), session, other} {
		for _, around := range []string{"%s", "x = %s\n", `{"key": "%s"}`, "export AWS_BEARER_TOKEN_BEDROCK='%s'", strings.Repeat(".", chunk+b.reach-50) + "\n%s " + strings.Repeat(".", chunk)} {
			text := fmt.Sprintf(around, key)
			hits, _, err := b.search(strings.NewReader(text), int64(len(text)))
			if err != nil || len(hits) != 1 || hits[0].of.Kind != BedrockKey || len(hits[0].of.Fingerprint) != 8 {
				t.Fatalf("%v, %s", err, shown(hits))
			}
			if was := seen[hits[0].of.Fingerprint]; was != "" && was != key {
				t.Errorf("%.60q... and %.60q... are both %s", was, key, hits[0].of.Fingerprint)
			}
			seen[hits[0].of.Fingerprint] = key
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d fingerprints", len(seen))
	}
}

// What is too short is said, and not searched for.
func TestShort(t *testing.T) {
	s := New(Secrets{Keys: []Key{{"minio", creds.Key{ID: "minioadmin", Secret: creds.NewSecret("minioadminminioadmin")}}}})
	if len(s.Short) != 1 || s.Short[0].Kind != KeyID {
		t.Errorf("%+v", s.Short)
	}
	if got := shown(s.buffer().inMemory([]byte("x\nminioadmin minioadminminioadmin"))); got != "2 secret-access-key stored" {
		t.Error(got)
	}
}

// The same secret in two profiles is one.
func TestSameSecret(t *testing.T) {
	s := testSecrets()
	s.Keys = append(s.Keys, Key{"copy", s.Keys[0].Key})
	hits := New(s).buffer().inMemory([]byte(testSecret))
	if len(hits) != 1 || !slices.Equal(hits[0].of.Profiles, []string{"dev", "copy"}) {
		t.Errorf("%v", hits)
	}
}

// No name in a report has a secret.
func TestHide(t *testing.T) {
	b := New(testSecrets()).buffer()
	for name, want := range map[string]string{
		"a/b.txt":                             "a/b.txt",
		"keys/" + testID + ".csv":             "keys/AKIA...LMKI.csv",
		testID + testSecret[:1]:               "AKIA...LMKI" + testSecret[:1],
		"x" + testSecret + "/" + testSecret:   "x(hidden)/(hidden)",
		url.QueryEscape(testSecret) + ".json": "(hidden).json",
	} {
		if got := b.hide(name); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

// Whatever is in a text, each secret is found, and nothing breaks.
func FuzzScan(f *testing.F) {
	f.Add([]byte("x = "), []byte(" # y"), uint8(0))
	f.Add([]byte("%2"), []byte("F\\u00"), uint8(3))
	f.Add([]byte("AKIA"), []byte("\n \t\r"), uint8(5))
	asked := 0
	s := testSecrets()
	s.Retired, s.Lengths = finder("", strings.Repeat("aB", 20), &asked), []int{40}
	b := New(s).buffer()
	forms := []string{testSecret, testID, url.QueryEscape(testSecret), wrapped("a"+testSecret, "\n"), wideText(testSecret, binary.LittleEndian), testSeed}
	f.Fuzz(func(t *testing.T, before, after []byte, form uint8) {
		text := slices.Concat(before, []byte(forms[int(form)%len(forms)]), after)
		hits := b.inMemory(text)
		if !slices.ContainsFunc(hits, func(h hit) bool { return h.of.State == IsStored }) {
			t.Errorf("not found in %q", text)
		}
		for _, h := range hits {
			if h.start < 0 || h.end > len(text) || h.start >= h.end || h.line != 1+bytes.Count(text[:h.start], []byte{'\n'}) {
				t.Errorf("%+v in %q", h, text)
			}
		}
		b.hide(string(text))
	})
}

// Random keys, of any letters, are found in random places.
func TestRandomKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	secrets := someSecrets(300)
	b := New(secrets).buffer()
	for range 2000 {
		k := secrets.Keys[r.IntN(len(secrets.Keys))]
		text := strings.Repeat(" ", r.IntN(50)) + k.Secret.Reveal() + strings.Repeat("-", r.IntN(50))
		hits := b.inMemory([]byte(text))
		if len(hits) != 1 || hits[0].of.KeyID != creds.ShortID(k.ID) {
			t.Fatalf("%d hits in %q", len(hits), text)
		}
	}
}
