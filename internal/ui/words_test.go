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
