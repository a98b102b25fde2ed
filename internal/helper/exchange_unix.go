//go:build unix

package helper

import (
	"context"
	"errors"
	"os"
	"runtime"
	"syscall"

	"fob/internal/input"
)

// ExchangeFD is the file descriptor of the socket that Exchange gives to a program.
const ExchangeFD = 3

// Exchange runs a program, sends it text over a socket and returns what the
// program answers there; more than limit bytes do not count as one. Its standard output and standard error
// are discarded. The error is the context's, or says why there was no program; one
// that fails answers nothing. The program has ended when Exchange returns.
func Exchange(ctx context.Context, p Program, text []byte, limit int64) ([]byte, error) {
	// The program's death signal is tied to the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	cmd := command(ctx, p.Path, p.Args, true)
	cmd.Env = whole(p.Environ)
	cmd.ExtraFiles = []*os.File{theirs} // ExchangeFD
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return nil, err
	}
	// A process that still holds the program's end must not keep us waiting.
	defer context.AfterFunc(ctx, func() { ours.Close() })()
	// If the program died before it read this, its answer is missing below.
	ours.Write(text)
	closeWrite(ours)
	answer, err := input.All(ours, limit)
	cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, input.TooLargeError{Limit: limit}):
		err = nil
	case errors.Is(err, syscall.ECONNRESET): // it ended without reading everything
		err = nil
	}
	return []byte(answer), err
}

// socketPair returns two connected sockets. Reading from ours ends when it is closed.
func socketPair() (ours, theirs *os.File, err error) {
	// Not every system can make sockets that close on exec, so forks are held off.
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	if err := syscall.SetNonblock(fds[0], true); err != nil { // Go's poller needs it
		syscall.Close(fds[0])
		syscall.Close(fds[1])
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "fob"), os.NewFile(uintptr(fds[1]), "program"), nil
}

// closeWrite tells the other end that nothing more comes.
func closeWrite(socket *os.File) error {
	conn, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	if controlErr := conn.Control(func(fd uintptr) { err = syscall.Shutdown(int(fd), syscall.SHUT_WR) }); controlErr != nil {
		return controlErr
	}
	return err
}
