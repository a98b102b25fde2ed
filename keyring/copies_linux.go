package keyring

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The unlocked copies are in the user's kernel keyring (@u). That is memory which
// is not swapped, which only root and this user's processes can reach, and which
// has a time-out.

const (
	// All rights for a process that possesses the key, none for any other, not even
	// with the same user ID.
	possessorOnly = 0x3f000000

	thread = unix.KEY_SPEC_THREAD_KEYRING
	user   = unix.KEY_SPEC_USER_KEYRING
)

// possessing runs f on a thread that possesses @u. With a session keyring of its own
// (systemd's KeyringMode=private, "su -"), a process does not possess it. Keyrings
// belong to threads since Linux 3.8, so f must stay on its thread.
func possessing(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := keyctl(unix.KEYCTL_LINK, user, thread); err != nil {
		return err
	}
	return f()
}

// CanHold reports whether the kernel here can keep a store unlocked. Docker forbids that.
func CanHold() bool { return possessing(func() error { return nil }) == nil }

func keyctl(cmd, a, b int) error {
	_, err := unix.KeyctlInt(cmd, a, b, 0, 0)
	return err
}

// loadCopy returns a copy, or nil if it cannot be read for any reason: then the
// store opens as if there were none.
func loadCopy(name string) []byte {
	id, err := unix.KeyctlSearch(user, "user", name, 0)
	if err != nil {
		return nil
	}
	key := make([]byte, copySize+1)
	read := func() error {
		n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, key, 0)
		key = key[:max(0, min(n, len(key)))]
		return err
	}
	// Usually this process possesses @u already, and needs no link.
	if err = read(); errors.Is(err, unix.EACCES) {
		key = key[:cap(key)]
		err = possessing(read)
	}
	if err != nil {
		return nil
	}
	return key
}

// saveCopy keeps a copy for ttl, and replaces one of the same name. The copy is made
// in the thread's own keyring, and linked to @u only when its limits are set.
func saveCopy(name string, key []byte, ttl time.Duration) error {
	return possessing(func() error {
		id, err := unix.AddKey("user", name, key, thread)
		if err != nil {
			return err
		}
		defer keyctl(unix.KEYCTL_UNLINK, id, thread)
		if err := keyctl(unix.KEYCTL_SETPERM, id, possessorOnly); err != nil {
			return err
		}
		seconds := int(min(math.Ceil(ttl.Seconds()), math.MaxInt32))
		if err := keyctl(unix.KEYCTL_SET_TIMEOUT, id, seconds); err != nil {
			return err
		}
		return keyctl(unix.KEYCTL_LINK, id, user)
	})
}

// dropCopies removes this user's copies whose names begin with prefix, but not those
// whose names begin with except, unless that is empty.
func dropCopies(prefix, except string) (int, error) {
	count := 0
	err := possessing(func() error {
		ids, err := members(user)
		for _, id := range ids {
			// "type;uid;gid;permissions;description". An error means that the key is
			// not ours, or has expired.
			about, descErr := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
			fields := strings.SplitN(about, ";", 5)
			if descErr != nil || len(fields) != 5 || fields[0] != "user" || !strings.HasPrefix(fields[4], prefix) ||
				except != "" && strings.HasPrefix(fields[4], except) {
				continue
			}
			if dropped := keyctl(unix.KEYCTL_INVALIDATE, id, 0); dropped != nil {
				err = errors.Join(err, dropped)
			} else {
				count++
			}
		}
		return err
	})
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return 0, nil // no kernel keyrings here (a container), so no copies
	}
	return count, err
}

// members returns the keys in a keyring.
func members(ring int) ([]int, error) {
	buf := make([]byte, 4096)
	for {
		n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, ring, buf, 0)
		if err != nil {
			return nil, err
		}
		if n > len(buf) {
			buf = make([]byte, n)
			continue
		}
		ids := make([]int32, n/4)
		err = binary.Read(bytes.NewReader(buf[:n]), binary.NativeEndian, ids)
		list := make([]int, len(ids))
		for i, id := range ids {
			list[i] = int(id)
		}
		return list, err
	}
}
