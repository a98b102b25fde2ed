package mfa

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"
	"fob/internal/prompt"
)

// A code is for one device, if it says so, and for the first one otherwise; a ladder
// does not send it to another one.
func TestGivenIsForOneDevice(t *testing.T) {
	const other = "arn:aws:iam::111111111111:mfa/other"
	for _, tt := range []struct {
		given         *Given
		jo, thenOther bool
	}{
		{nil, false, false},
		{&Given{}, false, false},
		{&Given{Code: creds.NewSecret("111111")}, true, false},
		{&Given{Code: creds.NewSecret("111111"), Serial: joSerial}, true, false},
		{&Given{Code: creds.NewSecret("111111"), Serial: other}, false, true},
	} {
		if got := tt.given.For(joSerial); got != tt.jo {
			t.Errorf("%+v is for jo: %v", tt.given, got)
		}
		for _, c := range []struct {
			serial string
			want   bool
		}{{joSerial, tt.jo}, {other, tt.thenOther}} {
			r := request
			r.Serial = c.serial
			a, err := (&Ladder{Given: tt.given}).Code(context.Background(), r)
			if (err == nil) != c.want || c.want && a.Code != "111111" {
				t.Errorf("%+v for %s: %+v, %v", tt.given, c.serial, a, err)
			}
		}
	}
}

// A quiet request runs no program and asks nobody.
func TestQuiet(t *testing.T) {
	jo := &person{name: "tty", answers: []string{"111111"}}
	ran := false
	l := &Ladder{Prompters: []prompt.Prompter{jo.prompter()}}
	quiet := request
	quiet.Quiet = true
	for _, process := range []func(context.Context) ([]byte, error){nil, func(context.Context) ([]byte, error) {
		ran = true
		return []byte("222222\n"), nil
	}} {
		l.Process = process
		a, err := l.Code(context.Background(), quiet)
		if nobody := (*prompt.NoPersonError)(nil); !errors.As(err, &nobody) || a.Code != "" || len(jo.asked) > 0 || ran {
			t.Errorf("%+v, %v; asked %v, ran %v", a, err, jo.asked, ran)
		}
	}
	l.Seed = seedOf(joSeed)
	l.Now = func() time.Time { return time.Unix(3000, 0) }
	if a, err := l.Code(context.Background(), quiet); err != nil || a.From != "seed" {
		t.Errorf("%+v, %v", a, err)
	}
}

// The first question says nothing of a refusal.
func TestFirstQuestion(t *testing.T) {
	if q := request.question(); q.Problem != "" {
		t.Error(q.Problem)
	}
	again := request
	again.Refused = "MultiFactorAuthentication failed"
	if q := again.question(); !strings.Contains(q.Problem, again.Refused) {
		t.Error(q.Problem)
	}
}

func TestSeedLimits(t *testing.T) {
	key := func(bytes int) string {
		return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(make([]byte, bytes))
	}
	uri := func(period int) string {
		return fmt.Sprintf("otpauth://totp/x?secret=%s&period=%d", key(20), period)
	}
	padded := func(length int) string { return key(20) + strings.Repeat(" ", length-len(key(20))) }
	for text, ok := range map[string]bool{
		key(minKey): true, key(minKey - 1): false,
		key(maxKey): true, key(maxKey + 1): false,
		uri(1): true, uri(0): false,
		uri(300): true, uri(301): false,
		padded(maxSeedText): true, padded(maxSeedText + 1): false,
		" \n" + uri(30) + "\n": true,
	} {
		if _, err := ParseSeed(text); (err == nil) != ok {
			t.Errorf("%.100q of %d characters: %v", text, len(text), err)
		}
	}
}
