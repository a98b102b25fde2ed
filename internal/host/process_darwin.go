package host

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

func processOf(pid int) process {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return process{}
	}
	terminal := ""
	if device := info.Eproc.Tdev; device != -1 {
		terminal = fmt.Sprintf("ttys%03d", unix.Minor(uint64(uint32(device))))
	}
	return process{
		name:     unix.ByteSliceToString(info.Proc.P_comm[:]),
		parent:   int(info.Eproc.Ppid),
		args:     processArgs(pid),
		terminal: terminal,
	}
}

// processArgs reads KERN_PROCARGS2 (sysctl(3)): the number of arguments, the path of
// the program, zeros, the arguments, and more.
func processArgs(pid int) []string {
	raw, err := unix.SysctlRaw("kern.procargs2", pid)
	if err != nil || len(raw) < 4 {
		return nil
	}
	n := int(binary.NativeEndian.Uint32(raw))
	_, rest, _ := bytes.Cut(raw[4:], []byte{0})
	args := strings.Split(string(bytes.TrimLeft(rest, "\x00")), "\x00")
	return args[:min(n, len(args))]
}
