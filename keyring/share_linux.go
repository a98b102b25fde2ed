package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// shareSocket is in locksDir.
const shareSocket = "derive.sock"

// A socket's path has at most 107 bytes, and a store's directory may have more: so the
// path goes through the directory that is open.

// listen listens in the store's directory. The caller has the derive lock, so a socket
// that is there is nobody's. remove removes it.
func (s *Store) listen() (listener *net.UnixListener, remove func(), err error) {
	path, locks, err := s.shareSocket()
	if err != nil {
		return nil, nil, err
	}
	if err = os.Remove(path); err == nil || errors.Is(err, fs.ErrNotExist) {
		listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	}
	if err != nil {
		locks.Close()
		return nil, nil, err
	}
	listener.SetUnlinkOnClose(false) // it would ignore an error
	return listener, func() {
		if err := os.Remove(path); err != nil {
			s.logf("%v", err)
		}
		locks.Close()
	}, nil
}

// dial connects to who listens.
func (s *Store) dial() (*net.UnixConn, error) {
	path, locks, err := s.shareSocket()
	if err != nil {
		return nil, err
	}
	defer locks.Close()
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
}

func (s *Store) shareSocket() (path string, locks *os.File, err error) {
	d, err := openDir(s.opts.Dir)
	if err != nil {
		return "", nil, err
	}
	defer d.Close()
	if locks, err = d.Open(locksDir); err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", locks.Fd(), shareSocket), locks, nil
}

// sameUser reports whether the process at the other end is this user's.
func sameUser(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var peer *unix.Ucred
	var got error
	err = raw.Control(func(fd uintptr) { peer, got = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	return err == nil && got == nil && int(peer.Uid) == os.Geteuid()
}
