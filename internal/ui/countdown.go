package ui

import (
	"context"
	"fmt"
	"os"
	"time"

	"fob/internal/term"
)

// Countdown waits until the next MFA code can be made. On a terminal it counts the
// seconds on one line; elsewhere it says once for what it waits.
func (p *Printer) Countdown(ctx context.Context, d time.Duration, what string) error {
	live := !p.Quiet && isTerminal(p.Err)
	if !live {
		p.Note("waiting %d s for %s", ceilSeconds(d), what)
	}
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if live {
			fmt.Fprintf(p.Err, "\r%-50s\r", "") // no escape sequences: any terminal takes this
		}
		if left <= 0 {
			return nil
		}
		if live {
			// Kept under 50 columns so that the next line can erase it.
			fmt.Fprintf(p.Err, "fob: next MFA code in %d s", ceilSeconds(left))
		}
		select {
		case <-time.After(min(left, (left-1)%time.Second+1)):
		case <-ctx.Done():
			if live {
				fmt.Fprintln(p.Err)
			}
			return context.Cause(ctx)
		}
	}
}

func ceilSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(f)
}
