package host

import (
	"fmt"
	"strconv"
	"strings"

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
	// "PID (NAME) STATE PARENT ..."; the name may hold anything.
	stat := read("stat")
	if fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]); len(fields) > 1 {
		p.parent, _ = strconv.Atoi(fields[1]) // 0 if it is not a number
	}
	return p
}
