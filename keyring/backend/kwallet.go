package backend

import (
	"context"
	"slices"

	ring "github.com/99designs/keyring"
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
	conn, there, open, err := lookAtWallet(r, walletName)
	switch {
	case err != nil:
		return "", err
	case !there:
		return "", &Error{Backend: r.Kind, Reason: "there is no wallet " + walletName}
	case !open && !r.Prompt:
		return "", closedWallet(r, walletName)
	}
	if r.Prompt {
		if _, err := openWallet(conn, r, walletName); err != nil {
			return "", err
		}
	}
	return walletName, nil
}

func closedWallet(r request, wallet string) error {
	return &LockedError{Slot: r.Kind, Reason: "the wallet " + wallet + " is closed"}
}

// lookAtWallet asks nobody, and starts nothing.
func lookAtWallet(r request, wallet string) (conn *dbus.Conn, there, open bool, err error) {
	fail := func(reason string) (*dbus.Conn, bool, bool, error) {
		return nil, false, false, &Error{Backend: r.Kind, Reason: reason}
	}
	conn, err = dbus.Connect(r.Address)
	if err != nil {
		return fail("the session bus cannot be reached")
	}
	var running, enabled bool
	var wallets []string
	if err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, walletService).Store(&running); err != nil {
		return fail("the session bus does not answer")
	}
	if !running {
		return fail("kwalletd5 is not running on the session bus")
	}
	if walletCall(conn, "isEnabled").Store(&enabled) != nil ||
		walletCall(conn, "wallets").Store(&wallets) != nil ||
		walletCall(conn, "isOpen", wallet).Store(&open) != nil {
		return fail("unexpected response from kwalletd5")
	}
	if !enabled {
		return fail("KWallet is turned off")
	}
	return conn, slices.Contains(wallets, wallet), open, nil
}

func openWallet(conn *dbus.Conn, r request, wallet string) (handle int32, err error) {
	if err := walletCall(conn, "open", wallet, int64(0), walletApp).Store(&handle); err != nil || handle < 0 {
		return 0, &LockedError{Slot: r.Kind, Reason: "the wallet " + wallet + " was not opened", Declined: r.Prompt}
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
	handle, err := openWallet(conn, r, walletName)
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

func walletForeign(f Foreign) ring.Config {
	return ring.Config{AllowedBackends: []ring.BackendType{ring.KWalletBackend}, ServiceName: f.Place, KWalletAppID: walletApp, KWalletFolder: f.Folder}
}

// walletNames are the entries of a folder. KDE asks a person whether a program may list
// them, even in a wallet that is open. Whether there was one of a name when the wallet was
// opened, it tells anybody.
func walletNames(r request) (names []string, err error) {
	conn, there, _, err := lookAtWallet(r, r.Foreign.Place)
	if err != nil || !there {
		return nil, err
	}
	if r.Prompt {
		var handle int32
		if handle, err = openWallet(conn, r, r.Foreign.Place); err == nil {
			if walletCall(conn, "entryList", handle, r.Foreign.Folder, walletApp).Store(&names) != nil {
				return nil, &Error{Backend: r.Kind, Reason: "unexpected response from kwalletd5"}
			}
			return names, nil
		}
	} else {
		err = closedWallet(r, r.Foreign.Place)
	}
	for _, name := range r.Wanted {
		var missing bool
		if walletCall(conn, "keyDoesNotExist", r.Foreign.Place, r.Foreign.Folder, name).Store(&missing) != nil {
			return nil, &Error{Backend: r.Kind, Reason: "unexpected response from kwalletd5"}
		}
		if !missing {
			names = append(names, name)
		}
	}
	return names, err
}

// openForeignWallet opens a wallet, and keeps the connection as locateWallet does.
func openForeignWallet(r request) error {
	conn, there, _, err := lookAtWallet(r, r.Foreign.Place)
	switch {
	case err != nil:
		return err
	case !there:
		return &LostError{r.Kind, r.Item}
	case !r.Prompt:
		return &LockedError{Slot: r.Kind, Reason: "KDE asks whether fob may read the wallet " + r.Foreign.Place}
	}
	_, err = openWallet(conn, r, r.Foreign.Place)
	return err
}
