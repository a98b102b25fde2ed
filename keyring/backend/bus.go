package backend

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// probeTime is how long a look at a desktop keyring may take. It answers in
// milliseconds, and a bus that does not answer must not delay the first fob add.
const probeTime = 400 * time.Millisecond

// BusState is what a probe found on the session bus.
type BusState int

// What a probe can find.
const (
	BusNone         BusState = iota // there is no bus
	BusDead                         // nothing listens at its address
	BusSilent                       // no answer in time
	BusAbsent                       // the service does not exist
	BusActivatable                  // the service is not running; a call would start it
	BusNoCollection                 // it is running, and has no collection for new items
	BusForgets                      // it would keep new items until the person logs out
	BusLocked
	BusUnlocked
)

func (b BusState) reason(service string) string {
	switch b {
	case BusNone:
		return "there is no session bus"
	case BusDead:
		return "the session bus cannot be reached"
	case BusSilent:
		return fmt.Sprintf("no answer for %v", probeTime)
	case BusAbsent:
		return service + " is not there"
	case BusActivatable:
		return service + " is installed and not running"
	case BusNoCollection:
		return service + " has no default collection"
	case BusForgets:
		return service + " would forget it when you log out: its default collection is only in memory"
	case BusLocked:
		return service + " is locked"
	}
	return service + " is unlocked"
}

// of is the state of the backend that the service is. A locked one is ready where
// a person can be asked.
func (b BusState) of(service string, w World) State {
	return State{Ready: b == BusUnlocked || b == BusLocked && w.Display, Reason: b.reason(service)}
}

// probe looks at the session bus for at most probeTime. It starts nothing, and
// look must not start anything either.
func probe(ctx context.Context, address string, look func(context.Context, *dbus.Conn) BusState) BusState {
	// Other transports run a program, or are not used for session buses.
	if !strings.HasPrefix(address, "unix:") {
		return BusNone
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	answer := make(chan BusState, 1)
	go func() {
		defer cancel()
		conn, err := dbus.Connect(address, dbus.WithContext(ctx))
		if err != nil {
			answer <- BusDead
			return
		}
		defer conn.Close()
		answer <- look(ctx, conn)
	}()
	<-ctx.Done()
	select {
	case state := <-answer:
		if state == BusDead && ctx.Err() == context.DeadlineExceeded {
			return BusSilent
		}
		return state
	default:
		return BusSilent
	}
}

func hasOwner(ctx context.Context, conn *dbus.Conn, name string) (running bool, err error) {
	err = conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, name).Store(&running)
	return running, err
}
