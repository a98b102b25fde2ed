//go:build unix

package host

import (
	"cmp"
	"os"
	"os/user"
	"strconv"
)

const (
	homeVariable = "HOME"
	separators   = "/" // of a path
)

// lookUpSelf is the account of this process's user. If there is none, os/user built
// without cgo answers with USER and HOME instead. Nothing is lost by that: a HOME that is
// not an absolute path is refused from there, too.
func lookUpSelf() (*user.User, error) { return user.LookupId(strconv.Itoa(os.Getuid())) }

// PlaceVariable is the variable that says where the store is.
func (h Host) PlaceVariable() string { return "XDG_DATA_HOME" }

func (h Host) storePath() (string, error) { return h.xdg("XDG_DATA_HOME", ".local/share", "fob") }

// User is the login name; "" if it is not known. The account comes first: a shell, a
// cron job and a service of one user have different variables.
func (h Host) User() string {
	login, _ := h.account()
	return cmp.Or(login, h.Getenv("LOGNAME"), h.Getenv("USER"))
}
