package host

import (
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

func processOf(pid int) process {
	all, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return process{}
	}
	defer windows.CloseHandle(all)
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(all, &entry); err == nil; err = windows.Process32Next(all, &entry) {
		if int(entry.ProcessID) == pid {
			return process{
				name:   strings.TrimSuffix(windows.UTF16ToString(entry.ExeFile[:]), ".exe"),
				parent: int(entry.ParentProcessID),
			}
		}
	}
	return process{}
}
