package importer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/awsvault"
	"fob/internal/creds"
	"fob/internal/input"
	"fob/internal/plan"
	"fob/internal/profiles"
	"fob/internal/wire"
	"fob/keyring"
)

// World is what Find looks at.
type World struct {
	Profiles *profiles.Profiles
	Files    profiles.Files
	Store    *keyring.Store
	// Program is this program as it was called.
	Program string
	// Home is the user's home directory; "" if nobody knows it.
	Home string
	// Vault is what aws-vault has.
	Vault []awsvault.Entry
}

// Find looks for keys in the AWS files and where browsers put the console's downloads, and
// adds aws-vault's. It calls nobody, and opens the store for nothing.
func (w World) Find() ([]Found, error) {
	var found []Found
	for _, credentials := range []bool{true, false} {
		path := w.Files.Config
		if credentials {
			path = w.Files.Credentials
		}
		found = append(found, w.inFile(w.Profiles.Config, path, credentials)...)
	}
	found = w.withVault(found)
	for _, path := range w.downloads() {
		text, err := input.Read(path, maxFile)
		if err != nil {
			continue // nobody has named it
		}
		if keys, ok := readCSV(text); ok {
			found = append(found, w.download(path, keys)...)
		}
	}
	return w.judge(found)
}

// maxFile is far more than a file with keys has, in bytes.
const maxFile = 1 << 20

// NotKeysError is a named file without any key.
type NotKeysError struct{ File string }

func (e *NotKeysError) Error() string {
	return e.File + " has no access key that fob recognizes: expected an AWS credentials file, the console's CSV file, or JSON with AccessKeyId and SecretAccessKey"
}

// FindIn looks for keys in the files that the user names.
func (w World) FindIn(paths []string) ([]Found, error) {
	var found []Found
	for _, path := range paths {
		text, err := input.Read(path, awsconfig.MaxSize)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err != nil {
			return nil, err
		}
		in, err := w.named(path, text)
		if err != nil {
			return nil, err
		}
		found = append(found, in...)
	}
	return w.judge(found)
}

// named reads a file in any of the forms that AWS's tools write.
func (w World) named(path, text string) ([]Found, error) {
	for _, aws := range []string{w.Files.Credentials, w.Files.Config} {
		if same(path, aws) {
			return w.inFile(w.Profiles.Config, aws, aws == w.Files.Credentials), nil
		}
	}
	if keys, ok := readCSV(text); ok {
		return w.download(path, keys), nil
	}
	if e, ok := (awsvault.World{Tilde: w.Files.Tilde}).File(path, text); ok {
		w.Vault = []awsvault.Entry{e}
		return w.withVault(nil), nil
	}
	shown := w.Files.Tilde(path)
	key, err := creds.ReadKey(creds.AWS, strings.NewReader(text))
	if err == nil {
		return w.download(path, []csvKey{{line: 1, id: key.ID, secret: key.Secret.Reveal()}}), nil
	}
	file := awsconfig.File{Path: shown, Text: text}
	none := &NotKeysError{shown}
	if !strings.Contains(text, "[") {
		return nil, none
	}
	credentials := !strings.Contains(text, "[profile ")
	config, err := awsconfig.Parse(file, awsconfig.File{})
	if credentials {
		config, err = awsconfig.Parse(awsconfig.File{}, file)
	}
	if err != nil {
		return nil, none
	}
	found := w.inFile(config, path, credentials)
	if len(found) == 0 {
		return nil, none
	}
	return found, nil
}

// same reports whether two paths are of one file.
func same(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// inFile finds the keys of the sections of one file.
func (w World) inFile(config *awsconfig.Config, path string, credentials bool) (found []Found) {
	kind := "profile"
	if credentials {
		kind = ""
	}
	for _, name := range config.Names() {
		if section, ok := config.InFile(credentials, name); ok {
			header, err := awsconfig.Header(kind, name)
			if f, ok := w.inSection(section, path, header); ok && err == nil {
				found = append(found, f)
			}
		}
	}
	for _, m := range config.Misplaced() {
		if m.InCredentials != credentials {
			continue
		}
		if f, ok := w.inSection(m.Section, path, m.Header); ok {
			f.Misplaced = true
			found = append(found, f)
		}
	}
	return found
}

// inSection is the key in a section of one file.
func (w World) inSection(section awsconfig.Profile, path, header string) (f Found, ok bool) {
	f = Found{Profile: section.Name, Place: Place{File: path, Shown: w.Files.Tilde(path), Header: header}}
	id, hasID := section.Own("aws_access_key_id")
	secret, hasSecret := section.Own("aws_secret_access_key")
	if hidden, ok := section.Hidden(); ok && !(hasID && hasSecret) {
		f.Line, f.Kind, f.Why = hidden.Line, Blocked, hiddenKey
		if hidden.Key == "aws_access_key_id" {
			f.Key.ID = hidden.Text
		}
		return f, true
	}
	if !hasID && !hasSecret {
		return f, false
	}
	f.Line, f.Key.ID = id.Line, strings.TrimSpace(id.Text)
	if !hasID {
		f.Line = secret.Line
	}
	static, err := plan.Static(section)
	if partial, ok := errors.AsType[*plan.PartialKeyError](err); ok {
		f.Kind, f.Why = Partial, "half a key: "+partial.Lacks+" is missing"
		return f, true
	}
	f.Lines = [][2]string{{"aws_access_key_id", id.Text}, {"aws_secret_access_key", secret.Text}}
	if static.Token.Text != "" || strings.HasPrefix(f.Key.ID, "ASIA") {
		f.Kind, f.Why = Session, "a session, which expires by itself"
		return f, true
	}
	w.check(&f, id.Text, secret.Text)
	return f, true
}

// hiddenKey is why a key stays that only some tools see.
const hiddenKey = "in a line that continues the one above, where only some SDKs see it; start the line in the first column"

// check reads the key, or says what is wrong with it.
func (w World) check(f *Found, id, secret string) {
	key, err := creds.NewKey(w.issuer(f.Profile), id, secret)
	switch {
	case errors.Is(err, creds.ErrSessionKey):
		f.Kind, f.Why = Session, "a session, which expires by itself"
	case err != nil:
		f.Kind, f.Why = Wrong, err.Error()
	default:
		f.Key = key
		if IsBait(key.ID) {
			f.Kind, f.Why = Bait, "a honeytoken: its account is known for them, and using it raises an alarm"
		}
	}
}

// issuer is who makes the keys of a profile: not AWS, if the profile has an endpoint of
// another server.
func (w World) issuer(profile string) creds.Issuer {
	if e, err := w.Profiles.STS(profile, ""); err == nil && !e.IsAWS() {
		return creds.Other
	}
	return creds.AWS
}

// download is the keys of a file that holds nothing else.
func (w World) download(path string, keys []csvKey) (found []Found) {
	if file, err := filepath.EvalSymlinks(path); err == nil {
		path = file // to delete a link would leave the keys where they are
	}
	info, err := os.Stat(path)
	base := strings.ToLower(filepath.Base(path))
	for _, k := range keys {
		f := Found{Place: Place{File: path, Shown: w.Files.Tilde(path), Line: k.line, Whole: true}, User: k.user, Profile: downloadName(path, k.user)}
		if err == nil {
			f.Created = info.ModTime()
		}
		f.Key.ID = k.id
		w.check(&f, k.id, k.secret)
		if f.Kind == LongLived && strings.HasPrefix(base, "rootkey") {
			f.Kind, f.Why = Root, rootKey
		}
		found = append(found, f)
	}
	return found
}

const rootKey = "a root user's key, which nothing can limit: delete it in AWS"

// downloadName is a name for the profile of a downloaded key; "" if nothing suggests one.
func downloadName(path, user string) string {
	if user == "" {
		base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		for _, end := range []string{"_accessKeys", "_credentials"} {
			if name, ok := strings.CutSuffix(base, end); ok {
				user = name
			}
		}
	}
	// Every tool that is told nothing else uses the default profile, so a file that a page
	// may have sent must not even suggest it.
	if _, err := awsconfig.Header("profile", user); err != nil || user == "default" {
		return ""
	}
	return user
}

// downloads are the files that are called like the console's, where browsers put them.
func (w World) downloads() (paths []string) {
	if w.Home == "" {
		return nil
	}
	for _, dir := range []string{"Downloads", "Desktop", ".aws", "."} {
		entries, _ := os.ReadDir(filepath.Join(w.Home, dir)) // not everybody has all of them
		for _, e := range entries {
			name := strings.ToLower(e.Name())
			isKeys := strings.Contains(name, "accesskeys") || strings.Contains(name, "credentials") || strings.HasPrefix(name, "rootkey")
			if e.Type().IsRegular() && isKeys && strings.HasSuffix(name, ".csv") {
				paths = append(paths, filepath.Join(w.Home, dir, e.Name()))
			}
		}
	}
	return paths
}

// judge blocks the keys that cannot be moved because of what is known beside them.
func (w World) judge(found []Found) ([]Found, error) {
	infos, err := w.Store.Infos(keyring.KindKey)
	if err != nil && len(infos) == 0 {
		return nil, err
	}
	for i := range found {
		f := &found[i]
		if foreign, err := input.IsForeign(f.File); f.File != "" && err == nil && foreign {
			f.Kind, f.Why = Foreign, "in a file of another user of this computer"
		}
		if f.Kind != LongLived && !creds.IsKeyID(f.Key.ID) {
			f.Key.ID = "" // it may be a secret in the wrong place
		}
		if f.Kind != LongLived {
			continue
		}
		if at := slices.IndexFunc(infos, func(i keyring.Info) bool { return i.KeyID == f.Key.ID }); f.Whole && at >= 0 {
			f.Profile = infos[at].Name // it is stored already; only the file is left
		}
		if f.Why = w.conflict(*f, found, infos); f.Why != "" {
			f.Kind = Blocked
		}
	}
	return found, nil
}

// conflict says why a key cannot be its profile's; "" if it can.
func (w World) conflict(f Found, found []Found, infos []keyring.Info) string {
	if f.Whole || f.Profile == "" {
		return "" // the profile is only suggested
	}
	if _, err := wire.Process(w.Program, f.Profile); err != nil {
		return err.Error()
	}
	for _, info := range infos {
		if info.Name == f.Profile && info.KeyID != "" && info.KeyID != f.Key.ID {
			return fmt.Sprintf("fob has another key for %s (%s)", f.Profile, info.KeyID)
		}
	}
	for _, o := range found {
		if o.Profile == f.Profile && !o.Whole && o.Vault == nil && o.Place.File != f.Place.File && o.Key.ID != f.Key.ID {
			return fmt.Sprintf("%s has another key at %s:%d, which would override this one", f.Profile, o.Shown, o.Line)
		}
	}
	if f.Vault != nil {
		return w.vaultUnused(f)
	}
	if why := w.foreignSection(f); why != "" {
		return why
	}
	return w.unused(f)
}

// unused says which credentials a profile has instead of its key; "" if it has that. fob
// would use the key once it is stored, and the profile would be another user's.
func (w World) unused(f Found) string {
	if f.File == "" || f.Misplaced || !same(f.File, w.Files.Credentials) && !same(f.File, w.Files.Config) {
		return ""
	}
	made, err := w.Profiles.Plan(f.Profile, plan.Options{Shown: true})
	if err != nil {
		return err.Error()
	}
	switch source := made.Steps[0].(type) {
	case plan.StoredKey:
		return ""
	case plan.PlaintextKey:
		if source.Profile == f.Profile {
			return ""
		}
	}
	return fmt.Sprintf("profile %s gets its credentials from %s, not from this key", f.Profile, made.Steps[0].Origin())
}

// foreignSection says why a key in a file that is not one of AWS's cannot get the profile
// of its section.
func (w World) foreignSection(f Found) string {
	if f.File == "" || !f.Misplaced && (same(f.File, w.Files.Credentials) || same(f.File, w.Files.Config)) {
		return ""
	}
	section, ok := w.Profiles.Config.Profile(f.Profile)
	if !ok {
		return ""
	}
	if id, ok := section.Own("aws_access_key_id"); ok && id.Text == f.Key.ID {
		return ""
	}
	if rivals := wire.Rivals(section); len(rivals) > 0 {
		return fmt.Sprintf("profile %s has other credentials (%s)", f.Profile, plan.At(rivals[0]))
	}
	return ""
}

// Taken reports whether a profile of that name has a key or credentials of its own
// already, so that a new key needs another name.
func (w World) Taken(profile string) bool {
	names, _ := w.Profiles.Names() // a damaged key has its name as well
	return slices.Contains(names, profile)
}
