package host

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

func processOf(pid int) process {
	read := func(name string) string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(text))
	}
	p := process{name: read("comm"), args: strings.Split(strings.TrimSuffix(read("cmdline"), "\x00"), "\x00")}
	// "PID (NAME) STATE PARENT ..."; the name may hold anything.
	stat := read("stat")
	if fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]); len(fields) > 1 {
		p.parent, _ = strconv.Atoi(fields[1]) // 0 if it is not a number
	}
	return p
}
