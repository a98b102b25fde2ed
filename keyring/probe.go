package keyring

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// probeTime is what a look at a desktop's keyring may take. An answer takes some
// milliseconds; a bus that has none must not hold up the first fob add.
const probeTime = 400 * time.Millisecond

// busState is what a probe found on the session bus.
type busState int

const (
	busNone        busState = iota // there is no bus
	busDead                        // nobody listens there
	busSilent                      // it does not answer in time
	busAbsent                      // there is no such service
	busActivatable                 // it does not run; a call would start it
	busHomeless                    // it runs, and has no place for new items
	busLocked
	busUnlocked
)

func (b busState) reason(service string) string {
	switch b {
	case busNone:
		return "there is no session bus"
	case busDead:
		return "the session bus cannot be reached"
	case busSilent:
		return fmt.Sprintf("no answer for %v", probeTime)
	case busAbsent:
		return service + " is not there"
	case busActivatable:
		return service + " is installed and does not run"
	case busHomeless:
		return service + " runs and has no default keyring"
	case busLocked:
		return service + " is locked"
	}
	return service + " is unlocked"
}

// probe looks at the session bus for at most probeTime. It starts nothing: look
// must not either.
func probe(ctx context.Context, address string, look func(context.Context, *dbus.Conn) busState) busState {
	// Other transports run a program, or are not for a session.
	if !strings.HasPrefix(address, "unix:") {
		return busNone
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	answer := make(chan busState, 1)
	go func() {
		defer cancel()
		conn, err := dbus.Connect(address, dbus.WithContext(ctx))
		if err != nil {
			answer <- busDead
			return
		}
		defer conn.Close()
		answer <- look(ctx, conn)
	}()
	<-ctx.Done()
	select {
	case state := <-answer:
		if state == busDead && ctx.Err() == context.DeadlineExceeded {
			return busSilent
		}
		return state
	default:
		return busSilent
	}
}

func hasOwner(ctx context.Context, conn *dbus.Conn, name string) (running bool, err error) {
	err = conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, name).Store(&running)
	return running, err
}
