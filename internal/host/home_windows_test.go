package host

import (
	"path/filepath"
	"strings"
	"testing"
)

// Without the variables, the store is still in the user's own directory.
func TestWindowsPaths(t *testing.T) {
	account := func() (login, home string) { return "jo", `C:\Users\account` }
	none := func() (login, home string) { return "", "" }
	for _, c := range []struct {
		env            []string
		account        func() (login, home string)
		store, aws     string // "?" is any absolute path that ends in \fob
		login, expands string
	}{
		{[]string{`LOCALAPPDATA=D:\local`, `USERPROFILE=C:\Users\jo`, "USERNAME=jo"}, account, `D:\local\fob`, `C:\Users\jo\.aws\config`, "jo", `C:\Users\jo\x`},
		{[]string{`USERPROFILE=C:\Users\jo`}, account, "?", `C:\Users\jo\.aws\config`, "jo", `C:\Users\jo\x`},
		{[]string{"LOCALAPPDATA=.", "USERPROFILE=."}, account, "?", `C:\Users\account\.aws\config`, "jo", `C:\Users\account\x`},
		{[]string{`LOCALAPPDATA=\local`, `USERPROFILE=\jo`}, account, "?", `C:\Users\account\.aws\config`, "jo", `C:\Users\account\x`},
		{[]string{`USERPROFILE=C:\Users\jo`, `AWS_CONFIG_FILE=~\c`}, account, "?", `C:\Users\jo\c`, "jo", `C:\Users\jo\x`},
		{[]string{`USERPROFILE=C:\Users\jo`, `AWS_CONFIG_FILE=~/c`}, account, "?", `C:\Users\jo\c`, "jo", `C:\Users\jo\x`},
		{nil, none, "?", "", "", ""},
	} {
		h := Host{Getenv: Lookup(c.env), Account: c.account}
		store := h.StorePath()
		if c.store == "?" && filepath.IsAbs(store) && strings.HasSuffix(store, `\fob`) {
			store = "?"
		}
		expanded, err := h.Expand(`~\x`)
		if store != c.store || h.ConfigPath() != c.aws || h.User() != c.login || expanded != c.expands || (err == nil) != (c.expands != "") {
			t.Errorf("%q: %q, %q, %q, %q, %v", c.env, store, h.ConfigPath(), h.User(), expanded, err)
		}
	}
}
