package profiles

import (
	"slices"
	"time"

	"fob/internal/ui"
)

// Offer are the rows of profiles that can be used, those most likely wanted first: what
// was used last, then what has a session or is signed in, then by name.
func Offer(rows []Row, recent []string) []Row {
	usable := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Problem != nil })
	place := make(map[string]int, len(usable))
	for _, r := range usable {
		switch i := slices.Index(recent, r.Profile); {
		case i >= 0:
			place[r.Profile] = i
		case !r.Session.IsZero() || !r.SignedIn.IsZero() || r.SignIn.Renews:
			place[r.Profile] = len(recent)
		default:
			place[r.Profile] = len(recent) + 1
		}
	}
	slices.SortStableFunc(usable, func(a, b Row) int { return place[a.Profile] - place[b.Profile] })
	return usable
}

// Choice is what a person sees of a profile when picking one.
func (r Row) Choice(now time.Time) ui.Choice {
	state := r.State(now).Text
	if state == "-" {
		state = "" // a table has something in each cell
	}
	return ui.Choice{Name: r.Profile, Cells: []string{r.Route, r.Account, state}}
}
