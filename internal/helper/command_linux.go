package helper

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func dieWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// widen makes a pipe as wide as any user may have it, so that a program that prints much
// does not wait for each 64 KiB to be read. Where that fails it is only slower.
func widen(pipe *os.File) {
	conn, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 1<<20) })
}
