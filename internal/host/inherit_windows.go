package host

import "golang.org/x/sys/windows"

// KeepFromChildren keeps a handle from programs that this one starts.
func KeepFromChildren(fd int) {
	// An error means that there is no such handle, and the reader says so.
	_ = windows.SetHandleInformation(windows.Handle(fd), windows.HANDLE_FLAG_INHERIT, 0)
}
