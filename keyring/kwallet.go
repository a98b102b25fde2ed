package keyring

import (
	"context"
	"slices"

	"github.com/godbus/dbus/v5"
)

// The library knows this service only; Plasma 6 has another, whose secrets are
// reached by the Secret Service.
const (
	walletService = "org.kde.kwalletd5"
	walletPath    = "/modules/kwalletd5"
	// walletName is the wallet that KDE makes for its user. Opening one that is
	// not there would start the assistant that makes wallets.
	walletName = "kdewallet"
	walletApp  = "fob"
)

func walletCall(conn *dbus.Conn, method string, args ...any) *dbus.Call {
	return conn.Object(walletService, walletPath).Call("org.kde.KWallet."+method, dbus.FlagNoAutoStart, args...)
}

// locateWallet finds the wallet open, or has it opened. The connection stays: a
// person's "allow once" is for as long as somebody called fob has the wallet open.
func locateWallet(r request) (string, error) {
	fail := func(reason string) (string, error) { return "", &BackendError{r.Kind, reason} }
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
		return fail("no kwalletd5 runs on the session bus")
	}
	if walletCall(conn, "isEnabled").Store(&enabled) != nil ||
		walletCall(conn, "wallets").Store(&wallets) != nil ||
		walletCall(conn, "isOpen", walletName).Store(&open) != nil {
		return fail("kwalletd5 does not answer as it should")
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

// syncWallet has the wallet written to disk. By itself it does so seconds later,
// and what was stored is gone if it is killed before.
func syncWallet(r request) error {
	conn, err := dbus.Connect(r.Address)
	if err != nil {
		return &BackendError{r.Kind, "the session bus cannot be reached"}
	}
	defer conn.Close()
	handle, err := openWallet(conn, r)
	if err != nil {
		return err
	}
	if err := walletCall(conn, "sync", handle, walletApp).Err; err != nil {
		return &BackendError{r.Kind, "it does not write what it was given"}
	}
	return nil
}

func walletReady(ctx context.Context, s *Store) (bool, string) {
	state := probe(ctx, s.opts.DBusAddress, func(ctx context.Context, conn *dbus.Conn) busState {
		switch running, err := hasOwner(ctx, conn, walletService); {
		case err != nil:
			return busSilent
		case !running:
			return busAbsent
		}
		var open bool
		call := conn.Object(walletService, walletPath).CallWithContext(ctx, "org.kde.KWallet.isOpen", dbus.FlagNoAutoStart, walletName)
		if call.Store(&open) != nil {
			return busSilent
		}
		if open {
			return busUnlocked
		}
		return busLocked
	})
	return state == busUnlocked || state == busLocked && s.opts.Display, state.reason("kwalletd5")
}
