package keyring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"fob/keyring/backend"
)

// SlotError says which slot stood in the way of a new vault key. The store is as it was.
type SlotError struct {
	Slot string
	Err  error
	// Only: without it nothing would open the store.
	Only bool
}

func (e *SlotError) Error() string { return fmt.Sprintf("cannot use %s: %v", e.Slot, e.Err) }
func (e *SlotError) Unwrap() error { return e.Err }

// LastSlotError says that without Slot nothing would open the store.
type LastSlotError struct{ Slot string }

func (e *LastSlotError) Error() string {
	return fmt.Sprintf("%s is the only way to open the store", e.Slot)
}

// SlotExistsError says that Slot is there and as it should be.
type SlotExistsError struct{ Slot string }

func (e *SlotExistsError) Error() string { return fmt.Sprintf("%s already opens the store", e.Slot) }

// UnfinishedError says that Dir has a vault key that another machine is making, or was
// making when it stopped.
type UnfinishedError struct{ Dir string }

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("%q belongs to another machine, which is changing what opens this store", e.Dir)
}

// BeforeRekeyError joins the errors of items that a new vault key would lose: they
// must be repaired or removed first.
type BeforeRekeyError struct{ Err error }

func (e *BeforeRekeyError) Error() string { return "cannot change the vault key: " + e.Err.Error() }
func (e *BeforeRekeyError) Unwrap() error { return e.Err }

// RecipientError says why Text cannot be a recipient of an age slot.
type RecipientError struct{ Text, Problem string }

func (e *RecipientError) Error() string { return fmt.Sprintf("recipient %q: %s", e.Text, e.Problem) }

// IdentityError says why the file of age identities cannot be used. Without a file Path
// is empty, and Problem says it all.
type IdentityError struct{ Path, Problem string }

func (e *IdentityError) Error() string {
	if e.Path == "" {
		return e.Problem
	}
	return fmt.Sprintf("%q %s", e.Path, e.Problem)
}

// PluginError says that the program of an age plugin is missing.
type PluginError struct{ Program string }

func (e *PluginError) Error() string { return fmt.Sprintf("no program %q in PATH", e.Program) }

// NotFoundError says that the store does not have the item.
type NotFoundError struct {
	Kind Kind
	Name string
}

func (e *NotFoundError) Error() string {
	stored := "stored"
	if e.Kind == KindSession {
		stored = "cached"
	}
	return fmt.Sprintf("no %s is %s for %q", e.Kind.noun(), stored, e.Name)
}

// MissingError says that there is no store in Dir and that this machine never saw one there.
type MissingError struct{ Dir string }

func (e *MissingError) Error() string { return fmt.Sprintf("no store in %q yet", e.Dir) }

// DamagedError says that File, an item's or one named by its path below the
// store's directory, does not have the content that fob wrote.
type DamagedError struct{ File, Problem string }

func (e *DamagedError) Error() string {
	what := strconv.Quote(e.File)
	if kind, name, ok := e.Item(); ok {
		what = fmt.Sprintf("the %s of %q", kind.noun(), name)
	}
	return what + " is damaged: " + e.Problem
}

// Item is the item whose file is damaged; not ok if it is another file.
func (e *DamagedError) Item() (kind Kind, name string, ok bool) {
	kind, parts, ok := parseFileName(e.File)
	if !ok {
		return "", "", false
	}
	return kind, parts[0], true
}

// FutureError says that File was written by a newer fob.
type FutureError struct{ File string }

func (e *FutureError) Error() string { return fmt.Sprintf("%q was written by a newer fob", e.File) }

// ErrWrongPassphrase matches a *WrongPassphraseError, for errors.Is.
var ErrWrongPassphrase = errors.New("wrong passphrase")

// WrongPassphraseError says that the passphrase does not open the store in Dir, which
// the slots in Others open as well. A damaged salt looks the same: scrypt cannot tell.
type WrongPassphraseError struct {
	Dir    string
	Others []string
}

func (e *WrongPassphraseError) Error() string {
	return fmt.Sprintf("wrong passphrase for %q", e.Dir)
}

func (e *WrongPassphraseError) Is(target error) bool { return target == ErrWrongPassphrase }

// PassphraseError says why a passphrase is not accepted at all: "the passphrase is
// empty".
type PassphraseError struct{ Problem string }

func (e *PassphraseError) Error() string { return e.Problem }

// UnsafeError says that others could read or change Path, or put it there.
type UnsafeError struct {
	Path, Problem string
	// Fix is the command that fixes it; empty if there is none.
	Fix string
}

func (e *UnsafeError) Error() string { return fmt.Sprintf("%q %s", e.Path, e.Problem) }

// TrustError says that the store in Dir is not the one this machine knows.
type TrustError struct {
	Dir, Problem string
	// Fingerprint is that of the store's vault key; "" if the store was not opened.
	Fingerprint string
	// Proof is a slot that would prove who made the store; "" if there is none.
	Proof string
}

func (e *TrustError) Error() string { return fmt.Sprintf("the store in %q %s", e.Dir, e.Problem) }

// Errors of package backend, some of which other slots have too.
type (
	LockedError  = backend.LockedError
	LostError    = backend.LostError
	BackendError = backend.Error
)

// UnansweredError says that a keyring showed its prompt, and that nobody answered in
// time. It is a context.DeadlineExceeded.
type UnansweredError struct{ Slot string }

func (e *UnansweredError) Error() string {
	return "nobody answered the prompt of " + e.Slot + " in time"
}
func (e *UnansweredError) Unwrap() error { return context.DeadlineExceeded }

// NoLocksError says that the file system of the store in Dir cannot lock files, and
// that there is no directory in its place; Instead would be one, "" where there is none.
type NoLocksError struct{ Dir, Instead string }

func (e *NoLocksError) Error() string {
	text := fmt.Sprintf("the file system of %q cannot lock files", e.Dir)
	if e.Instead != "" {
		text += fmt.Sprintf(", and %q is not there to do it", e.Instead)
	}
	return text
}

// Holder is a process that others wait for. What it asks a person, it has written
// itself, into a file that this user's programs can write.
type Holder struct {
	PID      int    `json:"pid"`
	Command  string `json:"command,omitempty"`  // of fob: exec
	Terminal string `json:"terminal,omitempty"` // pts/3
	Asking   string `json:"asking,omitempty"`   // "the passphrase"; "" if it asks nobody
	Doing    string `json:"-"`                  // "opening the store"; "" if it asks
}

// String is who it is and what it does: "fob exec (pid 4711, on pts/3): it asks for the
// passphrase", which fits 80 columns behind "fob: waiting for".
func (h Holder) String() string {
	if h.PID == 0 {
		if h.Doing == "" {
			return "another fob"
		}
		return "another fob, which is " + h.Doing
	}
	about := fmt.Sprintf("pid %d", h.PID)
	if h.Terminal != "" {
		about += ", on " + h.Terminal
	}
	text := strings.TrimSpace("fob "+h.Command) + " (" + about + ")"
	if h.Asking != "" {
		text += ": it asks for " + h.Asking
	}
	return text
}

// BusyError says that there was no more time to wait for another process. It is a
// context.DeadlineExceeded.
type BusyError struct {
	Holder
	Cause error
}

func (e *BusyError) Error() string { return "waited too long for " + e.Holder.String() }
func (e *BusyError) Unwrap() error { return e.Cause }

// UnknownBackendError says that fob knows nothing called Name that opens a store.
type UnknownBackendError struct{ Name string }

func (e *UnknownBackendError) Error() string { return fmt.Sprintf("unknown backend %q", e.Name) }

// NoSlotError says that the store cannot be opened with Backend. Slots are the
// names of the slots that it has.
type NoSlotError struct {
	Backend string
	Slots   []string
}

func (e *NoSlotError) Error() string {
	do := "does"
	if len(e.Slots) > 1 {
		do = "do"
	}
	return fmt.Sprintf("%s does not open this store; %s %s", e.Backend, strings.Join(e.Slots, " and "), do)
}

// ChoiceError says that several slots could open the store here, and that the user
// has to choose one.
type ChoiceError struct{ Slots []string }

func (e *ChoiceError) Error() string {
	return fmt.Sprintf("several slots could open the store here: %s", strings.Join(e.Slots, ", "))
}

// NameError says why Name cannot be the name of an item.
type NameError struct{ Name, Problem string }

func (e *NameError) Error() string { return fmt.Sprintf("name %q %s", e.Name, e.Problem) }

// CreateError says that a directory of fob's does not exist and cannot be made.
type CreateError struct {
	Dir string
	Err error // names the directory above it that stands in the way
}

func (e *CreateError) Error() string { return fmt.Sprintf("cannot create %q: %v", e.Dir, e.Err) }
func (e *CreateError) Unwrap() error { return e.Err }

// FullError says that there is no space in Dir. Old versions of files are intact.
type FullError struct{ Dir string }

func (e *FullError) Error() string {
	return fmt.Sprintf("no space to write to %q; nothing that was stored is lost", e.Dir)
}

// WriteError says that this user may not change Dir, or that nobody may. The names of
// the files in it would say nothing to the user.
type WriteError struct {
	Dir string
	Err error // fs.ErrPermission or syscall.EROFS
}

func (e *WriteError) Error() string { return fmt.Sprintf("cannot write to %q: %v", e.Dir, e.Err) }
func (e *WriteError) Unwrap() error { return e.Err }

// absent reports whether err means that a file or the store does not exist, rather
// than that something is wrong.
func absent(err error) bool {
	var missing *MissingError
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &missing)
}

// damagedItem reports whether err is about the file of one item, so that the rest
// of the store can be used.
func damagedItem(err error) bool {
	var damaged *DamagedError
	var future *FutureError
	var file string
	if errors.As(err, &damaged) {
		file = damaged.File
	} else if errors.As(err, &future) {
		file = future.File
	}
	return strings.Contains(file, "+") && !strings.ContainsAny(file, `/\`)
}
