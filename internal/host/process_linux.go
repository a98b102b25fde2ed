package host

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"fob/internal/input"
)

func processOf(pid int) process {
	read := func(name string) string {
		// The kernel's limit for arguments is smaller.
		text, err := input.Read(fmt.Sprintf("/proc/%d/%s", pid, name), 8<<20)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(text)
	}
	p := process{name: read("comm"), args: strings.Split(strings.TrimSuffix(read("cmdline"), "\x00"), "\x00")}
	// "PID (NAME) STATE PARENT GROUP SESSION TERMINAL ..."; the name may hold anything.
	stat := read("stat")
	if fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]); len(fields) > 4 {
		p.parent, _ = strconv.Atoi(fields[1]) // 0 if it is not a number
		device, _ := strconv.ParseUint(fields[4], 10, 32)
		p.terminal = terminalName(unix.Major(device), unix.Minor(device))
	}
	return p
}

// terminalName names a terminal by the numbers of its device
// (https://docs.kernel.org/admin-guide/devices.html).
func terminalName(major, minor uint32) string {
	switch {
	case major >= 136 && major <= 143:
		return fmt.Sprintf("pts/%d", (major-136)<<8|minor)
	case major == 4 && minor < 64:
		return fmt.Sprintf("tty%d", minor)
	}
	return ""
}
