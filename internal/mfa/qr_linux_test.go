package mfa

import (
	"bytes"
	"image/png"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
)

// awsSeed is as long as AWS's: 64 characters.
const awsSeed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// Another program reads the seed from the picture.
func TestQRIsRead(t *testing.T) {
	if _, err := exec.LookPath("zbarimg"); err != nil {
		if os.Getenv("FOB_TEST_REQUIRE") != "" {
			t.Fatal("no zbarimg")
		}
		t.Skip("NOT TESTED: no zbarimg")
	}
	for _, c := range []struct {
		seed creds.Seed
		uri  string
	}{
		{creds.Seed{Secret: creds.NewSecret(awsSeed), Algorithm: "SHA1", Digits: 6, Period: 30 * time.Second},
			"otpauth://totp/AWS:jo@111111111111?secret=" + awsSeed},
		{creds.Seed{Secret: creds.NewSecret(awsSeed), Algorithm: "SHA512", Digits: 8, Period: time.Minute},
			"otpauth://totp/AWS:jo@111111111111?secret=" + awsSeed + "&algorithm=SHA512&digits=8&period=60"},
	} {
		q, err := NewQR(c.seed, "AWS", "jo@111111111111")
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("zbarimg", "--raw", "-q", "-")
		cmd.Stdin = bytes.NewReader(q.PNG())
		out, err := cmd.Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != c.uri {
			t.Errorf("read %q, %v; want %q", got, err, c.uri)
		}
		if got, err := ParseSeed(c.uri); err != nil || got.Secret.Reveal() != awsSeed || got.Algorithm != c.seed.Algorithm || got.Digits != c.seed.Digits || got.Period != c.seed.Period {
			t.Errorf("%+v, %v, want %+v", got, err, c.seed)
		}
	}
}

// The text has the same modules as the picture and fits into a terminal.
func TestQRText(t *testing.T) {
	q, err := NewQR(creds.Seed{Secret: creds.NewSecret(awsSeed), Algorithm: "SHA1", Digits: 6, Period: 30 * time.Second}, "AWS", "jo@111111111111")
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(q.PNG()))
	if err != nil {
		t.Fatal(err)
	}
	black := func(x, y int) bool {
		r, _, _, _ := img.At(x*pixels+pixels/2, y*pixels+pixels/2).RGBA()
		return r == 0 && y < q.side
	}
	lines := strings.Split(strings.TrimSuffix(q.Text(), "\n"), "\n")
	if len(lines) > 23 || q.side > 79 {
		t.Errorf("%d lines of %d", len(lines), q.side)
	}
	for i, line := range lines {
		line, ok := strings.CutPrefix(line, "\x1b[38;5;16;48;5;231m")
		line, end := strings.CutSuffix(line, "\x1b[0m")
		if !ok || !end || len([]rune(line)) != q.side {
			t.Fatalf("line %d: %q", i, line)
		}
		for x, r := range []rune(line) {
			want := map[[2]bool]rune{{true, true}: '█', {true, false}: '▀', {false, true}: '▄', {false, false}: ' '}[[2]bool{black(x, 2*i), black(x, 2*i+1)}]
			if r != want {
				t.Fatalf("line %d, column %d: %c, want %c", i, x, r, want)
			}
		}
	}
}

func TestQRTooLong(t *testing.T) {
	seed := creds.Seed{Secret: creds.NewSecret(awsSeed), Algorithm: "SHA1", Digits: 6, Period: 30 * time.Second}
	if _, err := NewQR(seed, "AWS", strings.Repeat("jo", 4000)); err == nil || strings.Contains(err.Error(), awsSeed) {
		t.Errorf("%v", err)
	}
}
