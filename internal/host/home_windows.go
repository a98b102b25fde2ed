package host

import (
	"os/user"
	"path/filepath"

	"golang.org/x/sys/windows"
)

const (
	homeVariable = "USERPROFILE"
	separators   = `\/` // of a path
)

func lookUpSelf() (*user.User, error) { return user.Current() }

// PlaceVariable is the variable that says where the store is.
func (h Host) PlaceVariable() string { return "LOCALAPPDATA" }

// storePath is below the directory that does not roam between machines.
func (h Host) storePath() (string, error) {
	if dir := h.Getenv("LOCALAPPDATA"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "fob"), nil
	}
	if dir, err := windows.KnownFolderPath(windows.FOLDERID_LocalAppData, 0); err == nil && filepath.IsAbs(dir) {
		return filepath.Join(dir, "fob"), nil
	}
	return h.inHome("AppData", "Local", "fob")
}

// User is the login name; "" if it is not known. The variable comes first: the
// account may be a question to a domain controller, which is slow from elsewhere.
func (h Host) User() string {
	if name := h.Getenv("USERNAME"); name != "" {
		return name
	}
	login, _ := h.account()
	return login
}
