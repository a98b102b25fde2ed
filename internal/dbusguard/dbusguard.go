// Package dbusguard keeps other packages from dialing D-Bus before main runs.
//
// The init functions of github.com/99designs/keyring connect to the session bus:
// if the bus does not answer, they hang forever, and without a bus they start a
// dbus-daemon that nobody stops. So this package points the address at nothing
// before they run. main calls Restore first, for the programs that it starts.
//
// The Go language guarantees that this package comes first: of the packages whose
// imports are ready, Go initializes the one whose path sorts first. This package
// imports only os, which the library needs too, and "fob/" sorts before
// "github.com/". So this package must never import anything else.
//
// fob's hidden child (ChildArg) needs the bus and keeps the address. An argument
// marks the child, not a variable, because other programs inherit variables.
package dbusguard

import "os"

// ChildArg is the only argument of the hidden child, which may use D-Bus.
const ChildArg = "__keyring"

const variable = "DBUS_SESSION_BUS_ADDRESS"

// Nowhere is an address without a bus. There is no transport of this name, so
// godbus refuses the address before it opens a socket or starts a program.
const Nowhere = "fob-no-dbus:"

// Only init writes these.
var (
	address string
	set     bool
)

func init() {
	address, set = os.LookupEnv(variable)
	if !isChild(os.Args) {
		os.Setenv(variable, Nowhere)
	}
}

func isChild(args []string) bool { return len(args) == 2 && args[1] == ChildArg }

// Restore sets the environment back to what the program started with.
func Restore() {
	if set {
		os.Setenv(variable, address)
	} else {
		os.Unsetenv(variable)
	}
}
