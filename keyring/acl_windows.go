package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/windows"
)

// openToOthers says whom a file's access list lets in that its owner cannot know, and
// the command that shuts them out; "" if nobody. Below the top directory, what a file
// inherits is that directory's problem.
func openToOthers(path string, fi fs.FileInfo, top bool) (problem, fix string) {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return "", "" // a file that cannot be looked at cannot be read either
	}
	who, err := letsIn(sd, top)
	if err != nil || who == "" {
		return "", ""
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", ""
	}
	rights := "F"
	if fi.IsDir() {
		rights = "(OI)(CI)F"
	}
	return "is open to " + who, fmt.Sprintf(`icacls "%s" /inheritance:r /grant:r "*%s:%s"`, path, user.User.Sid, rights)
}

// letsIn is a group of many that may read or change a file.
func letsIn(sd *windows.SECURITY_DESCRIPTOR, inherited bool) (who string, err error) {
	const rights = windows.FILE_READ_DATA | windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.DELETE |
		windows.WRITE_DAC | windows.WRITE_OWNER | windows.GENERIC_READ | windows.GENERIC_WRITE | windows.GENERIC_ALL
	list, _, err := sd.DACL()
	if list == nil && (err == nil || errors.Is(err, windows.ERROR_OBJECT_NOT_FOUND)) {
		return everybody("S-1-1-0"), nil // as on a memory stick, which has no lists
	}
	if err != nil {
		return "", err
	}
	for i := range uint32(list.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &ace); err != nil {
			return "", err
		}
		switch flags := ace.Header.AceFlags; {
		case ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || ace.Mask&rights == 0:
			continue
		case flags&windows.INHERIT_ONLY_ACE != 0 || flags&windows.INHERITED_ACE != 0 && !inherited:
			continue
		}
		if who := everybody((*windows.SID)(unsafe.Pointer(&ace.SidStart)).String()); who != "" {
			return who, nil
		}
	}
	return "", nil
}
