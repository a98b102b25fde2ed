package term

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// lookAtConsole is the console that this process is attached to. The name is one
// that no other console of the computer has.
func lookAtConsole() (name string, c console) {
	handle, _, _ := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetConsoleWindow").Call()
	hwnd := windows.HWND(handle)
	c.service = Service()
	c.programs = consolePrograms()
	switch {
	case hwnd == 0:
		c.window = noWindow
	case windows.NewLazySystemDLL("user32.dll").Load() != nil || !windows.IsWindow(hwnd):
		c.window = unknownWindow
	default:
		c.window = someWindow
		var class [256]uint16
		_, _ = windows.GetClassName(hwnd, &class[0], int32(len(class))) // an error means that the window is gone
		c.class = windows.UTF16ToString(class[:])
		c.shown = windows.IsWindowVisible(hwnd) && onDesktop(hwnd)
	}
	return fmt.Sprintf("console %x", handle), c
}

// onDesktop reports whether a window is on the desktop of this process, rather than
// on one that nobody sees.
func onDesktop(hwnd windows.HWND) (found bool) {
	compare := syscall.NewCallback(func(other windows.HWND, _ uintptr) uintptr {
		found = found || other == hwnd
		if found {
			return 0 // no more
		}
		return 1
	})
	windows.EnumChildWindows(0, compare, nil) // of no window: of the desktop
	return found
}

// consolePrograms are the programs on this console, as far as the system tells.
func consolePrograms() (names []string) {
	pids := make([]uint32, 64) // more programs do not share a console
	n, _, _ := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetConsoleProcessList").Call(uintptr(unsafe.Pointer(&pids[0])), uintptr(len(pids)))
	for _, pid := range pids[:min(int(n), len(pids))] {
		process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
		if err != nil {
			continue // another user's
		}
		var path [windows.MAX_LONG_PATH]uint16
		size := uint32(len(path))
		if windows.QueryFullProcessImageName(process, 0, &path[0], &size) == nil {
			names = append(names, strings.ToLower(filepath.Base(windows.UTF16ToString(path[:size]))))
		}
		windows.CloseHandle(process)
	}
	return names
}

// Service reports whether nobody sees this process's windows, because its desktop is
// a service's or that of a task that runs whether or not its user is logged on.
func Service() bool {
	user32 := windows.NewLazySystemDLL("user32.dll")
	if user32.Load() != nil {
		return true // a system without windows
	}
	station, _, _ := user32.NewProc("GetProcessWindowStation").Call()
	var flags struct {
		inherit, reserved int32
		flags             uint32
	}
	const objectFlags, visible = 1, 1 // UOI_FLAGS, WSF_VISIBLE
	ok, _, _ := user32.NewProc("GetUserObjectInformationW").Call(station, objectFlags,
		uintptr(unsafe.Pointer(&flags)), unsafe.Sizeof(flags), 0)
	return ok != 0 && flags.flags&visible == 0
}
