package awsvault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/creds"
	"fob/keyring/backend"
)

// aws-vault's names for what it makes, in every backend that needs one.
const service = "aws-vault"

// keyring is a backend of aws-vault's in which the system, the desktop or gpg keeps keys.
type keyring struct {
	kind string
	// where is where aws-vault keeps its items there.
	where func(World) (backend.Foreign, error)
	// named is an item there, for people.
	named func(f backend.Foreign, item string) string
	// wrapped: the data is in an item that says whose it is.
	wrapped bool
}

// keyrings are in the order in which aws-vault takes the first that this system has.
func keyrings() []keyring {
	return []keyring{
		{"wincred", inCredentialManager, func(_ backend.Foreign, item string) string {
			return fmt.Sprintf("%q in the Windows Credential Manager", service+":"+service+":"+item)
		}, false},
		{"keychain", inKeychain, func(f backend.Foreign, item string) string {
			return fmt.Sprintf("%q in the macOS keychain %q", item, f.Place)
		}, false},
		{"secret-service", inCollection, func(f backend.Foreign, item string) string {
			return fmt.Sprintf("%q in the desktop keyring %q", item, f.Place)
		}, true},
		{"kwallet", inWallet, func(f backend.Foreign, item string) string {
			return fmt.Sprintf("%q in the KDE wallet %q", item, f.Place)
		}, true},
		{"pass", inPass, func(f backend.Foreign, item string) string {
			return fmt.Sprintf("%q in pass", filepath.ToSlash(filepath.Join(f.Folder, item)))
		}, true},
	}
}

func inCredentialManager(World) (backend.Foreign, error) {
	return backend.Foreign{Folder: service}, nil
}

func inKeychain(w World) (backend.Foreign, error) {
	return backend.Foreign{Place: cmp.Or(w.getenv("AWS_VAULT_KEYCHAIN_NAME"), service), Folder: service}, nil
}

func inCollection(w World) (backend.Foreign, error) {
	name := w.getenv("AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME")
	// One of another name holds the passwords of other programs, too.
	return backend.Foreign{Place: cmp.Or(name, "awsvault"), Shared: name != "" && name != "awsvault"}, nil
}

func inWallet(World) (backend.Foreign, error) {
	return backend.Foreign{Place: service, Folder: service}, nil
}

// inPass: without a prefix, aws-vault's keys lie among all of its user's passwords.
func inPass(w World) (f backend.Foreign, err error) {
	dir, err := w.dir("~/.password-store", "AWS_VAULT_PASS_PASSWORD_STORE_DIR", "PASSWORD_STORE_DIR")
	prefix := w.getenv("AWS_VAULT_PASS_PREFIX")
	return backend.Foreign{Place: dir, Folder: prefix, Program: w.getenv("AWS_VAULT_PASS_CMD"), Shared: filepath.Join(prefix) == ""}, err
}

func (k keyring) list(ctx context.Context, w World) (entries []Entry, err error) {
	f, err := k.where(w)
	if err != nil || k.kind == "pass" && !exists(f.Place) {
		return nil, err // as for nearly everybody who has no password store
	}
	b, _ := backend.Of(k.kind)
	names, err := b.Names(ctx, w.World, f, w.Profiles, false)
	if locked(err) && w.Prompt {
		names, err = b.Names(ctx, w.World, f, w.Profiles, true)
	}
	for _, name := range names {
		if w.isKey(name) {
			entries = append(entries, Entry{Kind: k.kind, Place: k.named(f, name), Profile: name})
		}
	}
	used := w.chosen() == "" || w.chosen() == k.kind
	if err == nil && used && k.kind == "pass" && f.Shared && hasMore(f.Place, names) && b.Reachable(ctx, w.World, f) {
		err = errUnnamed
	}
	return entries, err
}

// errUnnamed is a password store without a prefix for aws-vault. Which of its items are keys
// only their content would tell, and most are somebody's passwords.
var errUnnamed = errors.New("pass: fob looked only for the names of your profiles")

// hasMore reports whether a password store has items beside these where aws-vault would put
// a key.
func hasMore(dir string, names []string) bool {
	entries, _ := os.ReadDir(dir) // it was read just now
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		name, ok := strings.CutSuffix(e.Name(), ".gpg")
		return ok && e.Type().IsRegular() && !slices.Contains(names, name)
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (k keyring) read(r *Reader, ctx context.Context, e Entry) (creds.Secret, error) {
	f, err := k.where(r.World)
	if err != nil {
		return creds.Secret{}, err
	}
	b, _ := backend.Of(k.kind)
	inside, data, err := b.Item(ctx, r.World.World, f, e.Profile, false)
	if locked(err) && r.World.Prompt {
		inside, data, err = b.Item(ctx, r.World.World, f, e.Profile, true)
	}
	switch {
	case err != nil:
		return creds.Secret{}, failure(e, err)
	case k.wrapped && data.IsZero():
		return creds.Secret{}, &ReadError{e, notVaults}
	case k.wrapped && inside != e.Profile:
		return creds.Secret{}, misplaced(e, inside)
	}
	return data, nil
}

// failure names the entry, and hides that fob has the same kind of keyring for its own
// store: what is wrong is not wrong with that.
func failure(e Entry, err error) error {
	if locked, ok := errors.AsType[*backend.LockedError](err); ok {
		return &LockedError{e, locked.Reason, locked.Fix, locked.Advice, locked.Declined}
	}
	if _, ok := errors.AsType[*backend.LostError](err); ok {
		return &ReadError{e, "it is not there any more"}
	}
	if broken, ok := errors.AsType[*backend.Error](err); ok {
		return &ReadError{e, broken.Reason}
	}
	return err
}

func locked(err error) bool {
	_, ok := errors.AsType[*backend.LockedError](err)
	return ok
}

// reachable reports whether aws-vault's items can be looked for in a backend.
func (w World) reachable(ctx context.Context, b backend.Backend) bool {
	for _, k := range keyrings() {
		if f, err := k.where(w); k.kind == b.Kind && err == nil {
			return b.Reachable(ctx, w.World, f)
		}
	}
	return false
}

// chosen is the backend that the user has set for aws-vault; "" for none.
func (w World) chosen() string { return w.getenv("AWS_VAULT_BACKEND") }

// places are aws-vault's backends, and the user's choice first.
func (w World) places() []place {
	var all []place
	for _, k := range keyrings() {
		if b, ok := backend.Of(k.kind); ok && b.Here() {
			all = append(all, place{k.kind, k.list, k.read})
		}
	}
	all = append(all, place{"file", listFiles, (*Reader).readFile})
	slices.SortStableFunc(all, func(a, b place) int {
		return map[bool]int{true: 1}[b.kind == w.chosen()] - map[bool]int{true: 1}[a.kind == w.chosen()]
	})
	return all
}
