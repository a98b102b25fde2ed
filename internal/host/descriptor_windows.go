package host

import (
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/windows"
)

// takeDescriptor takes a handle.
func takeDescriptor(number string) (*os.File, error) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 {
		return nil, errNotNumber
	}
	// fob's own handles are not inherited.
	var flags uint32
	handle := windows.Handle(n)
	get := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetHandleInformation")
	if ok, _, _ := get.Call(uintptr(handle), uintptr(unsafe.Pointer(&flags))); ok == 0 || flags&windows.HANDLE_FLAG_INHERIT == 0 {
		return nil, errNotOpen
	}
	if err := windows.SetHandleInformation(handle, windows.HANDLE_FLAG_INHERIT, 0); err != nil {
		return nil, os.NewSyscallError("SetHandleInformation", err)
	}
	return os.NewFile(uintptr(handle), "descriptor "+number), nil
}
