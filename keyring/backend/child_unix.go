//go:build unix

package backend

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// runChild starts the child with env as its whole environment, sends it input and
// returns its answer. The child has ended when runChild returns.
func runChild(ctx context.Context, input []byte, env []string) ([]byte, error) {
	// The child's death signal is tied to this thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	exe, err := self()
	if err != nil {
		theirs.Close()
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, ChildArg)
	cmd.Env = env
	cmd.ExtraFiles = []*os.File{theirs} // childFD
	cmd.SysProcAttr = childAttr()
	// The child has its own process group, so that what it starts dies with it.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return nil, err
	}
	// A process that still holds the child's end must not keep us waiting.
	defer context.AfterFunc(ctx, func() { ours.Close() })()
	// If the child died before it read this, its answer is missing below.
	ours.Write(input)
	ours.CloseWrite()
	line, err := io.ReadAll(io.LimitReader(ours, maxChildLine))
	cmd.Wait()
	return line, err
}

func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	// Not every system can make sockets that close on exec, so fork is held off.
	syscall.ForkLock.RLock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	theirs = os.NewFile(uintptr(fds[1]), "child")
	f := os.NewFile(uintptr(fds[0]), "parent")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}
