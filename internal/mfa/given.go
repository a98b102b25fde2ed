package mfa

import (
	"sync"

	"fob/internal/creds"
)

// Given is a code from a flag or variable. It is used once, by one device, however
// many ladders share it.
type Given struct {
	Code creds.Secret
	// Serial is the device that it is for; "" for the first one that needs a code.
	Serial string

	mu   sync.Mutex // guards the field below
	gave bool
}

// For reports whether there is a code for a device, used or not. A nil Given has
// none.
func (g *Given) For(serial string) bool {
	return g != nil && !g.Code.IsZero() && (g.Serial == "" || g.Serial == serial)
}

// take returns the code if it is for the device and not used. One that check refuses
// is not used up.
func (g *Given) take(serial string, check func(string) (string, error)) (code string, ok bool, err error) {
	if !g.For(serial) {
		return "", false, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gave {
		return "", false, nil
	}
	if code, err = check(g.Code.Reveal()); err != nil {
		return "", false, err
	}
	g.gave = true
	return code, true, nil
}
