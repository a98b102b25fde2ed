//go:build unix

package host

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

var (
	errOutput    = errors.New("is where fob writes; use 0, or 3 and above")
	errWriteOnly = errors.New("is open for writing only")
)

func takeDescriptor(number string) (*os.File, error) {
	fd, err := strconv.Atoi(number)
	if err != nil || fd < 0 {
		return nil, errNotNumber
	}
	// What fob and Go's runtime open, they close on exec; what was inherited is not.
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return nil, errNotOpen
	}
	if fd == 1 || fd == 2 {
		return nil, errOutput
	}
	if mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err == nil && mode&unix.O_ACCMODE == unix.O_WRONLY {
		return nil, errWriteOnly
	}
	if fd != 0 {
		unix.CloseOnExec(fd)
		return os.NewFile(uintptr(fd), "descriptor "+number), nil
	}
	if fd, err = unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: os.DevNull, Err: err}
	}
	defer unix.Close(null)
	if err := unix.Dup2(null, 0); err != nil {
		return nil, os.NewSyscallError("dup2", err)
	}
	return os.NewFile(uintptr(fd), "descriptor "+number), nil
}
