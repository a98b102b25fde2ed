package doctor

import (
	"testing"
	"time"

	"fob/internal/rotate"
)

// Where fob rotate replaces the new key as well, one command has one meaning.
func TestDeletes(t *testing.T) {
	for age, want := range map[time.Duration]string{
		rotate.OldAge - time.Hour: "deletes it",
		rotate.OldAge:             "deletes it, and replaces the new key",
	} {
		if got := deletes(age); got != want {
			t.Errorf("%v: %q, want %q", age, got, want)
		}
	}
}
