package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"fob/internal/plan"
)

// Clock is a time of day as a person reads it, in the local zone: 15:04, with the
// day of the week when it is not today.
func Clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("Mon 15:04")
}

// Left is the time until end, in whole minutes, or in seconds when it is less than
// one: "2h 13m".
func Left(d time.Duration) string {
	if d >= time.Minute {
		d = d.Truncate(time.Minute)
	}
	return plan.Duration(max(d, 0).Truncate(time.Second))
}

// Age is how long ago something was made, in whole days: "41 days", "today".
func Age(d time.Duration) string {
	days := int(d.Hours() / 24)
	if days < 1 {
		return "today"
	}
	return Count(days, "day")
}

// Old is how old something is: "41 days old", "made today".
func Old(d time.Duration) string {
	if age := Age(d); age != "today" {
		return age + " old"
	}
	return "made today"
}

// Ago is how long ago something was: "just now", "3h 5m ago", "41 days ago".
func Ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < 48*time.Hour:
		return Left(d) + " ago"
	}
	return Age(d) + " ago"
}

// ParseAge reads an age as Age has it, 90d, or a duration such as 12h.
func ParseAge(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if _, number := strconv.Atoi(text); err != nil || d < 0 || number == nil { // 0 has no unit either
		return 0, fmt.Errorf("invalid age %q; use 90d or 12h", text)
	}
	return d, nil
}

// Count is a number of things: "1 key", "2 keys".
func Count(n int, noun string) string { return fmt.Sprintf("%d %s", n, Plural(n, noun)) }

// Plural is a noun for n things.
func Plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// List joins names for a sentence and cuts a long list.
func List(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// Session is what a shell's session is called: "dev, account 111111111111, until
// 15:04". Unknown parts are left out.
func Session(profile, account string, until, now time.Time) string {
	text := profile
	if account != "" {
		text += ", account " + account
	}
	if !until.IsZero() {
		text += ", until " + Clock(until, now)
	}
	return text
}
