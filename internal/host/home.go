package host

import (
	"fmt"
	"os/user"
	"path/filepath"
	"strings"
)

// HomeError means that nobody says where the user's home directory is. The current
// directory is never taken for it: it may be somebody else's, and a
// credential_process there would be run.
type HomeError struct {
	Variable string // would have said it
	Value    string // of Variable: "", or a path that depends on the current directory
	Path     string // begins with the home that is looked for; "" for the user's own
}

func (e *HomeError) Error() string {
	switch {
	case e.Path != "":
		return fmt.Sprintf("no home directory for %q", e.Path)
	case e.Value != "":
		return fmt.Sprintf("no home directory: %s=%s is not an absolute path, and this user has no account here", e.Variable, e.Value)
	}
	return fmt.Sprintf("no home directory: %s is not set, and this user has no account here", e.Variable)
}

// Home is the user's home directory: that of the environment or, as in the AWS SDKs,
// of the password database. Error: *HomeError.
func (h Host) Home() (string, error) {
	dir := h.Getenv(homeVariable)
	if filepath.IsAbs(dir) {
		return dir, nil
	}
	if _, home := h.account(); filepath.IsAbs(home) {
		return home, nil
	}
	return "", &HomeError{Variable: homeVariable, Value: dir}
}

func (h Host) account() (login, home string) {
	if h.Account != nil {
		return h.Account()
	}
	u, err := lookUpSelf()
	if err != nil {
		return "", "" // as in a container whose user was made up
	}
	// Windows puts the domain before the name.
	return u.Username[strings.LastIndexByte(u.Username, '\\')+1:], u.HomeDir
}

// Check returns a *HomeError if a place of fob's or of AWS's files is not known.
// The methods for those return "" then.
func (h Host) Check() error {
	for _, find := range []func() (string, error){h.storePath, h.statePath, h.configPath, h.credentialsPath} {
		if _, err := find(); err != nil {
			return err
		}
	}
	return nil
}

// SettingsPath is fob's config.toml; "" if nobody says where it could be.
func (h Host) SettingsPath() string {
	return known(h.xdg("XDG_CONFIG_HOME", ".config", "fob", "config.toml"))
}

// StorePath is the directory of the store.
func (h Host) StorePath() string { return known(h.storePath()) }

// StatePath is the directory of what fob remembers and no one else needs: no
// secrets.
func (h Host) StatePath() string { return known(h.statePath()) }

// ConfigPath is the AWS config file.
func (h Host) ConfigPath() string { return known(h.configPath()) }

// CredentialsPath is the AWS credentials file.
func (h Host) CredentialsPath() string { return known(h.credentialsPath()) }

func known(path string, _ error) string { return path }

func (h Host) statePath() (string, error) {
	return h.xdg("XDG_STATE_HOME", ".local/state", "fob")
}

func (h Host) configPath() (string, error) { return h.awsPath("AWS_CONFIG_FILE", "config") }

func (h Host) credentialsPath() (string, error) {
	return h.awsPath("AWS_SHARED_CREDENTIALS_FILE", "credentials")
}

// xdg follows the XDG Base Directory Specification: a relative path is ignored.
func (h Host) xdg(env, below string, names ...string) (string, error) {
	if dir := h.Getenv(env); filepath.IsAbs(dir) {
		return filepath.Join(append([]string{dir}, names...)...), nil
	}
	return h.inHome(append([]string{filepath.FromSlash(below)}, names...)...)
}

func (h Host) inHome(names ...string) (string, error) {
	home, err := h.Home()
	if err != nil {
		return "", err
	}
	return filepath.Join(append([]string{home}, names...)...), nil
}

// awsPath is relative to the current directory if the variable says so, as in every
// SDK.
func (h Host) awsPath(env, name string) (string, error) {
	if path := h.Getenv(env); path != "" {
		return h.Expand(path)
	}
	return h.inHome(".aws", name)
}

// Expand replaces ~ or ~LOGIN at the beginning of a path with a home directory, as
// shells do. Error: *HomeError.
func (h Host) Expand(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok {
		return path, nil
	}
	login, below := rest, ""
	if i := strings.IndexAny(rest, separators); i >= 0 {
		login, below = rest[:i], rest[i+1:]
	}
	if login == "" {
		return h.inHome(below)
	}
	u, err := user.Lookup(login)
	if err != nil || !filepath.IsAbs(u.HomeDir) {
		return "", &HomeError{Path: path}
	}
	return filepath.Join(u.HomeDir, below), nil
}

// Tilde shortens a path for a person: the opposite of Expand.
func (h Host) Tilde(path string) string {
	if home, err := h.Home(); err == nil && home != "/" && !h.FullPaths {
		if rest, ok := strings.CutPrefix(path, home+string(filepath.Separator)); ok {
			return "~" + string(filepath.Separator) + rest
		}
	}
	return path
}
