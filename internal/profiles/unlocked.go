package profiles

import (
	"strings"
	"time"

	"fob/internal/ui"
	"fob/keyring"
)

// Unlocked is what the kernel keeps open, and for how long; "" if nothing.
func Unlocked(d keyring.Description, now time.Time) string {
	var open []string
	for _, kind := range []keyring.Kind{keyring.KindSession, keyring.KindKey} {
		if end := d.Unlocked[kind]; !end.IsZero() {
			open = append(open, string(kind)+"s for "+ui.Left(end.Sub(now)))
		}
	}
	return strings.Join(open, ", ")
}
