package host

import (
	"errors"
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
				name:   baseName(windows.UTF16ToString(entry.ExeFile[:])),
				parent: int(entry.ParentProcessID),
				args:   processArgs(pid),
			}
		}
	}
	return process{}
}

// processArgs are a process's arguments; none if the system does not tell.
func processArgs(pid int) []string {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return nil
	}
	defer windows.CloseHandle(h)
	buf := make([]windows.NTUnicodeString, 1<<16/unsafe.Sizeof(windows.NTUnicodeString{})+1) // the text follows
	size := uint32(len(buf)) * uint32(unsafe.Sizeof(buf[0]))
	if windows.NtQueryInformationProcess(h, windows.ProcessCommandLineInformation, unsafe.Pointer(&buf[0]), size, &size) != nil {
		return nil
	}
	args, err := windows.DecomposeCommandLine(buf[0].String())
	if err != nil {
		return nil
	}
	return args
}

// watch returns a function that reports whether one of the processes is gone: each is
// the parent of the one before it, and the first is ours. It keeps a handle on each
// until this process ends, because Windows gives an orphan no other parent, and the
// parent's number to another process.
func watch(pids []int) (gone func() bool) {
	child := createdAt(windows.CurrentProcess())
	var handles []windows.Handle
	ended := false
	for _, pid := range pids {
		h, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
		if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			break // another user's, as after runas: nobody can watch it
		}
		created := createdAt(h)
		if err != nil || created > child {
			ended = true
			break
		}
		handles, child = append(handles, h), created
	}
	return func() bool {
		for _, h := range handles {
			event, err := windows.WaitForSingleObject(h, 0)
			ended = ended || err == nil && event == windows.WAIT_OBJECT_0
		}
		return ended
	}
}

// createdAt is when a process was created, in the system's unit.
func createdAt(h windows.Handle) int64 {
	var created, other windows.Filetime
	if windows.GetProcessTimes(h, &created, &other, &other, &other) != nil {
		return 0
	}
	return created.Nanoseconds()
}
