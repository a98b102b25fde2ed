// Package dbusguard keeps other packages from dialling D-Bus before main runs.
//
// The init functions of github.com/99designs/keyring connect to the session
// bus: on a bus that does not answer they hang for ever, and without a bus they
// start a dbus-daemon that nobody stops. So the address is pointed at nothing
// before they run, and main calls Restore first of all, for the sake of the
// programs it will start.
//
// That this package comes first is a promise of the language and not luck: Go
// initialises, of the packages whose imports are ready, the one whose path sorts
// first. This one imports nothing but os, which the library needs too, and
// "fob/" sorts before "github.com/". So it must import nothing more, ever.
//
// In fob's hidden child (ChildArg) the bus is wanted and the address is left as
// it is. The argument decides, not a variable: variables are inherited.
package dbusguard

import "os"

// ChildArg is the only argument of the hidden child, which may use D-Bus.
const ChildArg = "__keyring"

const variable = "DBUS_SESSION_BUS_ADDRESS"

// Nowhere is an address without a bus: no transport is called that, so godbus
// refuses it before it opens a socket or starts a program.
const Nowhere = "fob-no-dbus:"

// Written by init only.
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

// Restore puts the environment back as the program found it.
func Restore() {
	if set {
		os.Setenv(variable, address)
	} else {
		os.Unsetenv(variable)
	}
}

// Address is the session bus the program was given; empty if none.
func Address() string { return address }
