package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.Local)
	for _, tt := range []struct{ got, want string }{
		{Clock(now.Add(3*time.Hour), now), "15:00"},
		{Clock(now.Add(13*time.Hour), now), "Tue 01:00"},
		{Clock(now.AddDate(1, 0, 0), now), "Tue 12:00"}, // the same day of another year
		{Left(2*time.Hour + 13*time.Minute + 59*time.Second), "2h 13m"},
		{Left(12 * time.Hour), "12h"},
		{Left(43*time.Minute + 59*time.Second), "43m"},
		{Left(59*time.Second + 999*time.Millisecond), "59s"},
		{Left(-time.Second), "0s"},
		{Age(23 * time.Hour), "today"},
		{Age(25 * time.Hour), "1 day"},
		{Age(41*24*time.Hour + time.Hour), "41 days"},
		{Count(0, "key"), "0 keys"},
		{Count(1, "key"), "1 key"},
		{List([]string{"a", "b"}), "a, b"},
		{List(strings.Split("abcdefghijklmno", "")), "a, b, c, d, e, f, g, h, i, j, k, l and 3 more"},
		{Session("dev", "", time.Time{}, now), "dev"},
		{Session("dev", "111111111111", now.Add(time.Hour), now), "dev, account 111111111111, until 13:00"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

// A question that nobody can be asked says which flag answers it.
func TestNobody(t *testing.T) {
	p := &Person{NoInput: true}
	err := p.Confirm(t.Context(), "--yes", "Remove %s?", "dev")
	if got, want := fmt.Sprint(err), "cannot ask for confirmation with --no-input; use --yes"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := p.AskSecret(t.Context(), "ask for the key", "Key: ", func(string) error { return nil }); fmt.Sprint(err) != "cannot ask for the key with --no-input" {
		t.Error(err)
	}
}

// An age is read as it is printed, and a number alone may be days or seconds.
func TestAges(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{"90d": 90 * day, "0d": 0, "12h": 12 * time.Hour, "90": -1, "0": -1, "-1d": -1, "-2h": -1, "d": -1, "": -1, "90 d": -1, "1w": -1} {
		got, err := ParseAge(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for d, want := range map[time.Duration][2]string{
		0: {"made today", "just now"}, time.Hour: {"made today", "1h ago"}, 30 * time.Hour: {"1 day old", "30h ago"}, 41 * day: {"41 days old", "41 days ago"},
	} {
		if got := [2]string{Old(d), Ago(d)}; got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
