package backend

import (
	"context"
	"slices"

	"github.com/godbus/dbus/v5"
)

// The library knows only this service. Plasma 6 has another one, whose secrets
// are reached through the Secret Service.
const (
	walletService = "org.kde.kwalletd5"
	walletPath    = "/modules/kwalletd5"
	// walletName is the wallet that KDE makes for its user. Opening a wallet that
	// does not exist would start KDE's wallet assistant.
	walletName = "kdewallet"
	walletApp  = "fob"
)

func walletCall(conn *dbus.Conn, method string, args ...any) *dbus.Call {
	return conn.Object(walletService, walletPath).Call("org.kde.KWallet."+method, dbus.FlagNoAutoStart, args...)
}

// locateWallet checks that the wallet is open, or has it opened. It keeps the
// connection: "allow once" lasts only while an application called fob has the
// wallet open.
func locateWallet(r request) (string, error) {
	fail := func(reason string) (string, error) { return "", &Error{Backend: r.Kind, Reason: reason} }
	conn, err := dbus.Connect(r.Address)
	if err != nil {
		return fail("the session bus cannot be reached")
	}
	var running, enabled, open bool
	var wallets []string
	if err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, walletService).Store(&running); err != nil {
		return fail("the session bus does not answer")
	}
	if !running {
		return fail("kwalletd5 is not running on the session bus")
	}
	if walletCall(conn, "isEnabled").Store(&enabled) != nil ||
		walletCall(conn, "wallets").Store(&wallets) != nil ||
		walletCall(conn, "isOpen", walletName).Store(&open) != nil {
		return fail("unexpected response from kwalletd5")
	}
	switch {
	case !enabled:
		return fail("KWallet is turned off")
	case !slices.Contains(wallets, walletName):
		return fail("there is no wallet " + walletName)
	case !open && !r.Prompt:
		return "", &LockedError{Slot: r.Kind, Reason: "the wallet " + walletName + " is closed"}
	}
	if r.Prompt {
		if _, err := openWallet(conn, r); err != nil {
			return "", err
		}
	}
	return walletName, nil
}

func openWallet(conn *dbus.Conn, r request) (handle int32, err error) {
	if err := walletCall(conn, "open", walletName, int64(0), walletApp).Store(&handle); err != nil || handle < 0 {
		return 0, &LockedError{Slot: r.Kind, Reason: "the wallet " + walletName + " was not opened", Declined: r.Prompt}
	}
	return handle, nil
}

// syncWallet has the wallet written to disk. KWallet does that by itself only
// seconds later, and loses the new item if it is killed before.
func syncWallet(r request) error {
	conn, err := dbus.Connect(r.Address)
	if err != nil {
		return &Error{Backend: r.Kind, Reason: "the session bus cannot be reached"}
	}
	defer conn.Close()
	handle, err := openWallet(conn, r)
	if err != nil {
		return err
	}
	if err := walletCall(conn, "sync", handle, walletApp).Err; err != nil {
		return &Error{Backend: r.Kind, Reason: "it did not write the item to disk"}
	}
	return nil
}

func walletState(ctx context.Context, w World) State {
	state := probe(ctx, w.DBusAddress, func(ctx context.Context, conn *dbus.Conn) BusState {
		switch running, err := hasOwner(ctx, conn, walletService); {
		case err != nil:
			return BusSilent
		case !running:
			return BusAbsent
		}
		var open bool
		call := conn.Object(walletService, walletPath).CallWithContext(ctx, "org.kde.KWallet.isOpen", dbus.FlagNoAutoStart, walletName)
		if call.Store(&open) != nil {
			return BusSilent
		}
		if open {
			return BusUnlocked
		}
		return BusLocked
	})
	return state.of("kwalletd5", w)
}
