package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/awsconfig"
	"fob/internal/creds"
	"fob/internal/profiles"
	"fob/keyring"
)

const (
	idA, idB = "AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE"
	secretA  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	secretB  = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"
)

// pair are the lines of a key.
func pair(id, secret string) string {
	return "aws_access_key_id = " + id + "\naws_secret_access_key = " + secret + "\n"
}

// home is a home directory with these AWS files, and a store.
func home(t testing.TB, config, credentials string) World {
	t.Helper()
	dir := t.TempDir()
	files := profiles.Files{
		Config: filepath.Join(dir, ".aws", "config"), Credentials: filepath.Join(dir, ".aws", "credentials"), State: filepath.Join(dir, "state"),
		Tilde: func(path string) string { return strings.Replace(path, dir, "~", 1) },
	}
	write(t, files.Config, config)
	write(t, files.Credentials, credentials)
	store := keyring.New(keyring.Options{
		Dir: filepath.Join(dir, "store"), StateDir: filepath.Join(dir, "state"), Backend: "file", WorkFactor: 10,
		Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret("correct horse battery staple"), true, nil },
	})
	w := World{Files: files, Store: store, Program: "/usr/local/bin/fob", Home: dir}
	parsed, err := files.Parse()
	if err != nil {
		t.Fatal(err)
	}
	w.Profiles = w.read(parsed)
	return w
}

func (w World) read(c *awsconfig.Config) *profiles.Profiles {
	return profiles.New(c, w.Store, profiles.World{
		Getenv: func(string) string { return "" }, User: func() string { return "jo" }, Program: "fob", Log: func(string, ...any) {},
	})
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if text == "" {
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func text(t testing.TB, path string) string {
	t.Helper()
	file, err := awsconfig.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return file.Text
}

// stored is the world with a key in the store.
func (w World) stored(t testing.TB, profile, id, secret string) {
	t.Helper()
	if exists, err := w.Store.Exists(); err != nil || !exists {
		if _, err := w.Store.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	old, _ := w.Store.KeyInfo(profile)
	if _, err := w.Store.SetKey(t.Context(), profile, creds.Key{ID: id, Secret: creds.NewSecret(secret)}, keyring.Info{Rev: old.Rev}); err != nil {
		t.Fatal(err)
	}
}

// What is found, as it is shown: which kind it is decides whether it can move.
func TestFind(t *testing.T) {
	const id, secret = "aws_access_key_id = ", "aws_secret_access_key = "
	for _, tt := range []struct {
		name, config, credentials, want string
		store                           [3]string
	}{
		{name: "nothing"},
		{name: "a key", credentials: "[dev]\n" + pair(idA, secretA), want: "~/.aws/credentials:2 dev moves"},
		{name: "in the config", config: "[profile dev]\n" + pair(idA, secretA) + "[default]\n" + pair(idB, secretB), want: "~/.aws/config:2 dev moves\n~/.aws/config:5 default moves"},
		{name: "in both files", config: "[profile dev]\n" + pair(idA, secretA), credentials: "[dev]\n" + pair(idA, secretA), want: "~/.aws/credentials:2 dev moves\n~/.aws/config:2 dev moves"},
		{
			name: "another in each file", config: "[profile dev]\n" + pair(idB, secretB), credentials: "[dev]\n" + pair(idA, secretA),
			want: "~/.aws/credentials:2 dev: dev has another key at ~/.aws/config:2, which would override this one\n~/.aws/config:2 dev: dev has another key at ~/.aws/credentials:2, which would override this one",
		},
		{name: "half a key", credentials: "[a]\n" + id + idA + "\n[b]\n" + secret + secretA + "\n", want: "~/.aws/credentials:2 a: half a key: aws_secret_access_key is missing\n~/.aws/credentials:4 b: half a key: aws_access_key_id is missing"},
		{
			name: "in lines that continue a value", credentials: "[dev]\nregion = x\n  " + id + idA + "\n  " + secret + secretA + "\n[half]\n" + id + idB + "\n  " + secret + secretB + "\n",
			want: "~/.aws/credentials:3 dev: " + hiddenKey + "\n~/.aws/credentials:7 half: " + hiddenKey,
		},
		{name: "a session", credentials: "[a]\n" + pair("ASIAIOSFODNN7EXAMPLE", secretA) + "[b]\n" + pair(idA, secretA) + "aws_session_token = x\n[c]\n" + pair(idA, secretA) + "aws_security_token = x\n",
			want: "~/.aws/credentials:2 a: a session, which expires by itself\n~/.aws/credentials:5 b: a session, which expires by itself\n~/.aws/credentials:9 c: a session, which expires by itself"},
		{name: "a honeytoken", credentials: "[aws-admin]\n" + pair("AKIASP2TPHJSQH3FJRUX", secretA), want: "~/.aws/credentials:2 aws-admin: a honeytoken: its account is known for them, and using it raises an alarm"},
		{name: "swapped", credentials: "[dev]\n" + pair(secretA, idA), want: "~/.aws/credentials:2 dev: ID and secret are swapped: the access key ID begins with AKIA, the secret is longer"},
		{name: "half a key, in the wrong place", credentials: "[dev]\n" + id + secretA + "\n", want: "~/.aws/credentials:2 dev: half a key: aws_secret_access_key is missing"},
		{name: "a placeholder", credentials: "[dev]\n" + pair("YOUR_KEY", "YOUR_SECRET"), want: "~/.aws/credentials:2 dev: not an access key ID; it looks like AKIAIOSFODNN7EXAMPLE"},
		{name: "continued", credentials: "[dev]\n" + id + idA + "\n" + secret + secretA + "\n  more\n", want: "~/.aws/credentials:2 dev: that is a whole line; enter only the secret"},
		{name: "a name that is shell code", credentials: "[a:b]\n" + pair(idA, secretA) + "[-x]\n" + pair(idB, secretB), want: "~/.aws/credentials:2 a:b moves\n" +
			`~/.aws/credentials:5 -x: the profile name "-x" cannot be used in credential_process: the AWS SDKs would not all read it the same way`},
		{name: "stored already", credentials: "[dev]\n" + pair(idA, secretA), store: [3]string{"dev", idA, secretA}, want: "~/.aws/credentials:2 dev moves"},
		{name: "another is stored", credentials: "[dev]\n" + pair(idA, secretA), store: [3]string{"dev", idB, secretB}, want: "~/.aws/credentials:2 dev: fob has another key for dev (" + idB + ")"},
		{name: "with a role of its own", config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = dev\n", credentials: "[dev]\n" + pair(idA, secretA), want: "~/.aws/credentials:2 dev moves"},
		{
			name: "behind another source", config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = other\n", credentials: "[dev]\n" + pair(idA, secretA) + "[other]\n" + pair(idB, secretB),
			want: "~/.aws/credentials:2 dev: profile dev gets its credentials from ~/.aws/credentials:5, not from this key\n~/.aws/credentials:5 other moves",
		},
		{name: "misplaced", config: "[dev]\n" + pair(idA, secretA), credentials: "[profile ops]\n" + pair(idB, secretB), want: "~/.aws/credentials:2 ops moves\n~/.aws/config:2 dev moves"},
		{name: "misplaced beside another", config: "[dev]\n" + pair(idA, secretA) + "[profile dev]\nrole_arn = x\n", want: "~/.aws/config:2 dev: profile dev has other credentials (~/.aws/config:5)"},
	} {
		w := home(t, tt.config, tt.credentials)
		if tt.store[0] != "" {
			w.stored(t, tt.store[0], tt.store[1], tt.store[2])
		}
		found, err := w.Find()
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := shown(found); got != tt.want {
			t.Errorf("%s:\n%s\nwant:\n%s", tt.name, got, tt.want)
		}
		for _, f := range found {
			if f.Key.ID == secretA {
				t.Errorf("%s: a secret is shown as the ID of a key", tt.name)
			}
		}
	}
}

func shown(found []Found) string {
	var lines []string
	for _, f := range found {
		line := fmt.Sprintf("%s:%d %s", f.Shown, f.Line, f.Profile)
		if f.Kind == LongLived {
			line += " moves"
		} else {
			line += ": " + f.Why
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// The console's CSV files, both forms, as they come and as programs leave them.
func TestReadCSV(t *testing.T) {
	utf16 := "\xff\xfe"
	for _, r := range "Access key ID,Secret access key\r\n" + idA + "," + secretA + "\r\n" {
		utf16 += string([]byte{byte(r), 0})
	}
	key := csvKey{2, "", idA, secretA}
	for _, tt := range []struct {
		name, text string
		want       []csvKey
		ok         bool
	}{
		{"a key", "Access key ID,Secret access key\n" + idA + "," + secretA + "\n", []csvKey{key}, true},
		{"BOM and CRLF", "\ufeffAccess key ID,Secret access key\r\n" + idA + "," + secretA + "\r\n", []csvKey{key}, true},
		{"UTF-16", utf16, []csvKey{key}, true},
		{"without a last line end", "Access key ID,Secret access key\n" + idA + "," + secretA, []csvKey{key}, true},
		{"any case and order", "SECRET ACCESS KEY , accessKeyId\n" + secretA + "," + idA, []csvKey{key}, true},
		{"quoted, with blank lines", "\n\"Access key ID\",\"Secret access key\"\n\n\"" + idA + "\", \"" + secretA + "\"\n\n", []csvKey{{4, "", idA, secretA}}, true},
		{"users", "User name,Password,Access key ID,Secret access key,Console login link\njo,\"a,\"\"b\"," + idA + "," + secretA + ",https://x\nlee,x,,,https://x\n kim ,x," + idB + "," + secretB + ",https://x\n",
			[]csvKey{{2, "jo", idA, secretA}, {4, "kim", idB, secretB}}, true},
		{"the CLI's own title", "User Name,Access key ID,Secret access key\njo," + idA + "," + secretA, []csvKey{{2, "jo", idA, secretA}}, true},
		{"half a row", "Access key ID,Secret access key\n" + idA, []csvKey{{2, "", idA, ""}}, true},
		{"no row", "Access key ID,Secret access key\n", nil, true},
		{"another table", "Date,Amount\n1,2\n", nil, false},
		{"empty", "", nil, false},
		{"torn", "Access key ID,Secret access key\n" + idA + "," + secretA + "\n\"" + idB, []csvKey{key}, false},
	} {
		got, ok := readCSV(tt.text)
		if ok != tt.ok || fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v, %v", tt.name, len(got), ok)
		}
	}
}

// A key that is in several places is one item, and moves from all of them; the same ID
// with another secret is another one, of which AWS will say that it is wrong.
func TestSort(t *testing.T) {
	w := home(t, "[profile dev]\n"+pair(idA, secretA), "[default]\n"+pair(idA, secretA)+"[ops]\n"+pair(idA, secretB)+"[half]\naws_access_key_id = x\n")
	write(t, filepath.Join(w.Home, "Downloads", "jo_accessKeys.csv"), "Access key ID,Secret access key\n"+idA+","+secretA+"\n"+idB+","+secretB+"\n")
	found, err := w.Find()
	if err != nil {
		t.Fatal(err)
	}
	items, left := Sort(found)
	var got []string
	for _, i := range items {
		got = append(got, fmt.Sprintf("%d places of %v", len(i.Found), i.Profiles))
	}
	if want := "[3 places of [default dev] 1 places of [ops] 1 places of [jo]]"; fmt.Sprint(got) != want || len(left) != 1 {
		t.Errorf("%v, %d left", got, len(left))
	}
}

// The plain text goes, line by line, and with it a section that is empty then.
func TestStrip(t *testing.T) {
	for _, tt := range []struct{ name, before, after string }{
		{"alone", "[dev]\n" + pair(idA, secretA), ""},
		{"others", "[a]\n" + pair(idB, secretB) + "\n[dev]\n" + pair(idA, secretA) + "\n[z]\nregion = x\n", "[a]\n" + pair(idB, secretB) + "\n[z]\nregion = x\n"},
		{"other settings", "[dev]\nregion = x\n" + pair(idA, secretA) + "output = json", "[dev]\nregion = x\noutput = json"},
		{"a comment of the user's", "# mine\n[dev] # dev\n" + pair(idA, secretA), "# mine\n[dev] # dev\n"},
		{"CRLF", strings.ReplaceAll("[dev]\n"+pair(idA, secretA)+"\n[z]\nregion = x\n", "\n", "\r\n"), "[z]\r\nregion = x\r\n"},
		{"spacing, case, quotes and comments", "[dev]\nAWS_ACCESS_KEY_ID=" + idA + "\t; jo\naws_secret_access_key =\"" + secretA + "\"\nregion = x\n", "[dev]\nregion = x\n"},
		{"twice", "[dev]\n" + pair(idA, secretA) + pair(idA, secretA) + "region = x\n", "[dev]\nregion = x\n"},
		{"no last line end", "[z]\nregion = x\n[dev]\n" + strings.TrimSuffix(pair(idA, secretA), "\n"), "[z]\nregion = x\n"},
		{"BOM", "\ufeff[dev]\n" + pair(idA, secretA), ""},
	} {
		w := home(t, "", tt.before)
		found, err := w.Find()
		if err != nil {
			t.Fatal(err)
		}
		items, left := Sort(found)
		if len(items) != 1 && tt.name != "others" || len(left) > 0 {
			t.Errorf("%s: %d items, %d left", tt.name, len(items), len(left))
			continue
		}
		item := items[len(items)-1]
		if got, err := item.strip(w.Files.Credentials, tt.before); err != nil || got != tt.after {
			t.Errorf("%s: %v:\n%q", tt.name, err, got)
		}
	}
}

// What becomes of the files. The plain text is in the config until it is stripped, and
// profiles that use the key ask fob, too.
func TestDraft(t *testing.T) {
	const line = "credential_process = /usr/local/bin/fob export --profile "
	for _, tt := range []struct {
		name, config, credentials, wired, bare, left string
		serials                                      Serials
		problem                                      string
	}{
		{name: "no section", credentials: "[dev]\n" + pair(idA, secretA), wired: "[profile dev]\n" + line + "dev\n"},
		{
			name: "in the config", config: "[profile dev]\nregion = x\n" + pair(idA, secretA), serials: Serials{"dev": "arn:aws:iam::111111111111:mfa/jo"},
			wired: "[profile dev]\nregion = x\n" + pair(idA, secretA) + "fob_mfa_serial = arn:aws:iam::111111111111:mfa/jo\n" + line + "dev\n",
			bare:  "[profile dev]\nregion = x\nfob_mfa_serial = arn:aws:iam::111111111111:mfa/jo\n" + line + "dev\n",
		},
		{
			name: "with users", config: "[profile dev]\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\n[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = dev\n[profile other]\nregion = x\n",
			credentials: "[dev]\n" + pair(idA, secretA),
			wired: "[profile dev]\n" + line + "dev\nfob_mfa_serial = arn:aws:iam::111111111111:mfa/jo\n[profile prod]\n" + line + "prod\nfob_role_arn = arn:aws:iam::222222222222:role/x\nfob_source_profile = dev\n" +
				"[profile other]\nregion = x\n",
		},
		{
			name: "a role on itself", config: "[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = dev\n", credentials: "[dev]\n" + pair(idA, secretA),
			wired: "[profile dev]\n" + line + "dev\nfob_role_arn = arn:aws:iam::222222222222:role/x\nfob_source_profile = dev\n",
		},
		{name: "misplaced", config: "[dev]\n" + pair(idA, secretA) + "region = x\n", wired: "[dev]\n" + pair(idA, secretA) + "region = x\n\n[profile dev]\n" + line + "dev\n", bare: "[dev]\nregion = x\n\n[profile dev]\n" + line + "dev\n"},
		{name: "hidden duplicate", credentials: "[dev]\n" + pair(idB, secretB) + pair(idA, secretA), problem: `profile "dev" has an access key in plain text (~/.aws/credentials:2), which every SDK uses first`},
	} {
		w := home(t, tt.config, tt.credentials)
		found, err := w.Find()
		if err != nil {
			t.Fatal(err)
		}
		items, _ := Sort(found)
		if len(items) != 1 {
			t.Errorf("%s: %d items: %s", tt.name, len(items), shown(found))
			continue
		}
		w.stored(t, "dev", idA, secretA)
		w.Profiles = w.read(w.Profiles.Config)
		d, err := w.Draft(items[0], tt.serials, w.read)
		if tt.problem != "" {
			if err == nil || err.Error() != tt.problem {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if d.Config.Before != tt.config || d.Config.After != tt.wired {
			t.Errorf("%s: config:\n%s", tt.name, d.Config.After)
		}
		for _, c := range d.Strip {
			want, before := tt.left, tt.credentials
			if c.Path == w.Files.Config {
				want, before = tt.bare, tt.wired
			}
			if c.Before != before || c.After != want {
				t.Errorf("%s: %s:\n%s", tt.name, c.Path, c.After)
			}
		}
		if len(d.Strip) != 1 {
			t.Errorf("%s: %d files lose the key", tt.name, len(d.Strip))
		}
	}
}

// A refusal names the line of the file that is on the disk, not of the text without the key.
func TestRefusedLines(t *testing.T) {
	w := home(t, "", "[dev]\n"+pair(idA, secretA)+"\n[x]\nregion = y\n[dev]\naws_secret_access_key = "+secretB+"\naws_secret_access_key = "+secretA+"\n")
	found, err := w.Find()
	if err != nil {
		t.Fatal(err)
	}
	items, _ := Sort(found)
	w.stored(t, "dev", idA, secretA)
	w.Profiles = w.read(w.Profiles.Config)
	_, err = w.Draft(items[0], nil, w.read)
	if err == nil || err.Error() != `profile "dev" has an access key in plain text (~/.aws/credentials:8), which every SDK uses first` {
		t.Error(err)
	}
	at := texts{w.Files, profiles.Texts{Config: "a\nb\n", Credentials: "x\ny\nz\n"}, profiles.Texts{Config: "b\nnew\n", Credentials: "z\n"}}
	if got := at.onDisk("~/.aws/config:1, ~/.aws/config:2, ~/.aws/credentials:1, other:1"); got != "~/.aws/config:2, ~/.aws/config, ~/.aws/credentials:3, other:1" {
		t.Error(got)
	}
	for _, tt := range []struct {
		disk, now string
		line      int
		want      int
	}{
		{"a\nb\nc\n", "b\nc\n", 2, 3},
		{"a\nb\nc\n", "b\nnew\nc\n", 2, 0},
		{"a\nb\nc\n", "b\nnew\nc\n", 3, 3},
		{"a\nx\na\ny\n", "a\ny\n", 2, 4},
		{"a\n", "a\n", 9, 0},
	} {
		if got := sameLine(tt.disk, tt.now, tt.line); got != tt.want {
			t.Errorf("line %d of %q is %d of %q, want %d", tt.line, tt.now, got, tt.disk, tt.want)
		}
	}
}

// journal is the journal of a world, with a clock that goes back.
func (w World) journal() Journal {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	return Journal{Store: w.Store, Files: w.Files, Now: func() time.Time {
		now = now.Add(-time.Hour)
		return now
	}}
}

// Imports that were killed after any of their writes, and those that finished them, are
// undone to the first byte, whatever the clock did.
func TestUndo(t *testing.T) {
	texts := []string{"[dev]\n" + pair(idA, secretA) + "[ops]\n" + pair(idB, secretB), "[ops]\n" + pair(idB, secretB), ""}
	for killed := range 8 {
		w := home(t, "", texts[0])
		w.stored(t, "old", idB, secretB)
		j := w.journal()
		key := func(name, id, secret string) {
			if _, err := j.Storing(t.Context(), id, name); err != nil {
				t.Fatal(err)
			}
			w.stored(t, name, id, secret)
		}
		// Each entry is made before its write: bit by bit, some kill came in between.
		change := func(id, before, after string, done bool) {
			_, err := j.Write(t.Context(), []string{id}, Change{Path: w.Files.Credentials, Before: before, After: after}, nil, func() error {
				if !done {
					return nil
				}
				return awsconfig.WriteFile(w.Files.Credentials, []byte(before), []byte(after))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		key("dev", idA, secretA)
		if killed&1 != 0 {
			change(idA, texts[0], texts[1], false)
		}
		change(idA, texts[0], texts[1], true)
		key("ops", idB, secretB)
		if killed&2 != 0 {
			change(idB, texts[1], texts[2], false)
		}
		if killed&4 == 0 {
			change(idB, texts[1], texts[2], true)
		}
		done, err := j.Undo(t.Context())
		if err != nil || text(t, w.Files.Credentials) != texts[0] {
			t.Errorf("%d: %v: %q", killed, err, text(t, w.Files.Credentials))
		}
		if fmt.Sprint(done.Removed) != "[ops dev]" || len(done.Files) != 1 {
			t.Errorf("%d: %+v", killed, done)
		}
		if names, err := w.read(w.Profiles.Config).Stored(); err != nil || fmt.Sprint(names) != "[old]" {
			t.Errorf("%d: stored: %v, %v", killed, names, err)
		}
		if keys, _, err := j.Keys(); err != nil || len(keys) > 0 {
			t.Errorf("%d: left: %v, %v", killed, keys, err)
		}
	}
}

// What somebody has written since stays, and where that is not possible nothing is lost.
func TestUndoAfterEdits(t *testing.T) {
	before := "[dev]\nregion = x\n" + pair(idA, secretA) + "output = json\n"
	after := "[dev]\nregion = x\noutput = json\n"
	for _, tt := range []struct{ name, now, want string }{
		{"more sections", after + "[new]\nregion = y\n", before + "[new]\nregion = y\n"},
		{"another line", strings.Replace(after, "[dev]", "# mine\n[dev]", 1), strings.Replace(before, "[dev]", "# mine\n[dev]", 1)},
		{"brought back by hand", before, before},
		{"the line beside it", strings.Replace(after, "region = x", "region = y", 1), "[dev]\n" + pair(idA, secretA) + "region = y\noutput = json\n"},
		{"another key of the profile", "[dev]\n" + pair(idB, secretB), ""},
		{"another key in a section of its own", "[dev]\nregion = x\noutput = json\n[ dev ]\n" + pair(idB, secretB), ""},
		{"a section that says less", "[dev]\nregion = x\n", "[dev]\n" + pair(idA, secretA) + "region = x\n"},
		{"only another section", "[new]\nregion = y\n", "[new]\nregion = y\n\n[dev]\n" + pair(idA, secretA)},
	} {
		w := home(t, "", before)
		w.stored(t, "old", idB, secretB)
		j := w.journal()
		if _, err := j.Storing(t.Context(), idA, "dev"); err != nil {
			t.Fatal(err)
		}
		w.stored(t, "dev", idA, secretA)
		_, err := j.Write(t.Context(), []string{idA}, Change{Path: w.Files.Credentials, Before: before, After: after}, nil, func() error {
			return awsconfig.WriteFile(w.Files.Credentials, []byte(before), []byte(tt.now))
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = j.Undo(t.Context())
		if tt.want == "" {
			_, conflict := err.(*ConflictError)
			if _, _, lost := w.Store.Key(t.Context(), "dev"); !conflict || lost != nil || text(t, w.Files.Credentials) != tt.now {
				t.Errorf("%s: %v, %v", tt.name, err, lost)
			}
			continue
		}
		if got := text(t, w.Files.Credentials); err != nil || got != tt.want {
			t.Errorf("%s: %v:\n%s", tt.name, err, got)
		}
	}
}

// A key that the store alone has stays there, whatever has become of the file that it was in.
func TestUndoKeepsTheOnlyCopy(t *testing.T) {
	const console = "Access key ID,Secret access key\r\n"
	for _, tt := range []struct {
		name, file, text string
		kept             bool
	}{
		{"no file", "", "", true},
		{"in the credentials file", ".aws/credentials", "[other]\n" + pair(idA, secretA), false},
		{"in the config", ".aws/config", "[profile dev]\n" + pair(idA, secretA), false},
		{"in the wrong file", ".aws/config", "[dev]\n" + pair(idA, secretA), false},
		{"in its CSV file", "keys.csv", console + idB + "," + secretB + "\r\n" + idA + "," + secretA + "\r\n", false},
		{"in JSON", "keys.csv", `{"AccessKey": {"AccessKeyId": "` + idA + `", "SecretAccessKey": "` + secretA + `"}}`, false},
		{"in a copy", "keys.csv", "[x]\n" + pair(idA, secretA), false},
		{"in a file that it did not come from", "other.csv", console + idA + "," + secretA + "\r\n", true},
		{"another secret", ".aws/credentials", "[dev]\n" + pair(idA, secretB), true},
		{"another ID", ".aws/credentials", "[dev]\n" + pair(idB, secretA), true},
		{"half of it", ".aws/credentials", "[dev]\naws_access_key_id = " + idA + "\n", true},
		{"in two sections", ".aws/credentials", "[dev]\naws_access_key_id = " + idA + "\n[x]\naws_secret_access_key = " + secretA + "\n", true},
		{"in a comment", ".aws/credentials", "# aws_access_key_id = " + idA + "\n# aws_secret_access_key = " + secretA + "\n", true},
		{"in a CSV file that is torn", "keys.csv", console + idA + "," + secretA + "\n\"x", true},
		{"in a file that no tool can read", ".aws/credentials", "[dev\n" + pair(idA, secretA), true},
	} {
		w := home(t, "", "")
		w.stored(t, "old", idB, secretB)
		j := w.journal()
		if _, err := j.Storing(t.Context(), idA, "dev", filepath.Join(w.Home, "keys.csv")); err != nil {
			t.Fatal(err)
		}
		w.stored(t, "dev", idA, secretA)
		if tt.file != "" {
			write(t, filepath.Join(w.Home, tt.file), tt.text)
		}
		done, err := j.Undo(t.Context())
		_, _, gone := w.Store.Key(t.Context(), "dev")
		if err != nil || (gone == nil) != tt.kept || len(done.Kept) != map[bool]int{true: 1}[tt.kept] || len(done.Removed)+len(done.Kept) != 1 {
			t.Errorf("%s: %+v, %v, %v", tt.name, done, err, gone)
		}
		if keys, _, err := j.Keys(); err != nil || len(keys) > 0 {
			t.Errorf("%s: left: %v, %v", tt.name, keys, err)
		}
	}
}

// Machines that share a store have files of their own: an import is undone where it was made.
func TestUndoElsewhere(t *testing.T) {
	before, after := "[dev]\n"+pair(idA, secretA), ""
	w := home(t, "", before)
	w.stored(t, "old", idB, secretB)
	j := w.journal()
	if _, err := j.Storing(t.Context(), idA, "dev", w.Files.Credentials); err != nil {
		t.Fatal(err)
	}
	w.stored(t, "dev", idA, secretA)
	_, err := j.Write(t.Context(), []string{idA}, Change{Path: w.Files.Credentials, Before: before, After: after}, nil, func() error {
		return awsconfig.WriteFile(w.Files.Credentials, []byte(before), []byte(after))
	})
	if err != nil {
		t.Fatal(err)
	}
	other := j
	other.Store = keyring.New(keyring.Options{
		Dir: filepath.Join(w.Home, "store"), StateDir: filepath.Join(w.Home, "other"), Backend: "file", WorkFactor: 10,
		Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret("correct horse battery staple"), true, nil },
	})
	done, err := other.Undo(t.Context())
	if _, _, gone := w.Store.Key(t.Context(), "dev"); err != nil || gone != nil || fmt.Sprint(done) != "{[] [] [] [] [] ["+idA+"] ["+w.Files.Credentials+"] []}" || text(t, w.Files.Credentials) != after {
		t.Errorf("elsewhere: %+v, %v, %v", done, err, gone)
	}
	done, err = j.Undo(t.Context())
	if err != nil || fmt.Sprint(done.Removed) != "[dev]" || text(t, w.Files.Credentials) != before {
		t.Errorf("%+v, %v", done, err)
	}
}

// moved is a world whose key dev was moved out of the credentials file.
func moved(t *testing.T) (w World, before string) {
	t.Helper()
	before = "[dev]\n" + pair(idA, secretA)
	w = home(t, "", before)
	w.stored(t, "old", idB, secretB)
	w.moves(t, "dev", before)
	return w, before
}

// moves does to the credentials file what an import of a key in it does.
func (w World) moves(t *testing.T, profile, before string) {
	t.Helper()
	j := w.journal()
	if _, _, err := w.Store.Key(t.Context(), profile); err != nil {
		if _, err := j.Storing(t.Context(), idA, profile, w.Files.Credentials); err != nil {
			t.Fatal(err)
		}
		w.stored(t, profile, idA, secretA)
	}
	_, err := j.Write(t.Context(), []string{idA}, Change{Path: w.Files.Credentials, Before: before}, nil, func() error {
		return awsconfig.WriteFile(w.Files.Credentials, []byte(before), nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// elsewhere is another machine with the same store, and an AWS file of its own.
func (w World) elsewhere(t *testing.T, credentials string) World {
	t.Helper()
	other := home(t, "", credentials)
	other.Store = keyring.New(keyring.Options{
		Dir: filepath.Join(w.Home, "store"), StateDir: filepath.Join(other.Home, "state"), Backend: "file", WorkFactor: 10,
		Passphrase: func() (creds.Secret, bool, error) { return creds.NewSecret("correct horse battery staple"), true, nil },
	})
	return other
}

// A key that is lost or damaged has not been replaced: its backup, which may be all that is
// left of it, brings it back.
func TestUndoOfLostKeys(t *testing.T) {
	replace := func(old, with string) func(w World, path string) error {
		return func(_ World, path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.Replace(string(data), old, with, 1)), 0o600)
		}
	}
	for _, tt := range []struct {
		name string
		do   func(w World, path string) error
		want string
	}{
		{"gone", func(_ World, path string) error { return os.Remove(path) }, "damaged []"},
		{"empty", func(_ World, path string) error { return os.WriteFile(path, nil, 0o600) }, "damaged [dev]"},
		{"another ID in its header", replace("EXAMPLE\"", "EXAMPLF\""), "damaged [dev]"},
		{"one of a later fob", replace("fob1 ", "fob2 "), "damaged [dev]"},
		{"replaced, and put back", func(w World, path string) error {
			w.stored(t, "dev", idB, secretB)
			w.stored(t, "dev", idA, secretA)
			return os.Remove(path)
		}, "damaged []"},
		{"another item is empty", func(w World, path string) error {
			return os.WriteFile(strings.Replace(path, "key+dev", "key+zz", 1), nil, 0o600)
		}, "damaged []"},
	} {
		w, before := moved(t)
		if err := tt.do(w, w.Store.ItemPath("key+dev")); err != nil {
			t.Fatal(err)
		}
		done, err := w.journal().Undo(t.Context())
		if got := fmt.Sprintf("damaged %v", done.Damaged); err != nil || len(done.Replaced) > 0 || got != tt.want || text(t, w.Files.Credentials) != before {
			t.Errorf("%s: %+v, %v: %q", tt.name, done, err, text(t, w.Files.Credentials))
		}
	}
}

// A backup that is damaged stays, and keeps no other from being undone.
func TestUndoBesideDamage(t *testing.T) {
	w, before := moved(t)
	j := w.journal()
	csv := filepath.Join(w.Home, "keys.csv")
	entry, err := j.Write(t.Context(), []string{idB}, Change{Path: csv, Before: "x"}, nil, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	infos, err := w.Store.Infos(keyring.KindBackup)
	if err != nil || infos[len(infos)-1].Name != entry || infos[len(infos)-1].KeyID != idB {
		t.Fatal(infos, err)
	}
	path := w.Store.ItemPath("backup+" + strings.ReplaceAll(entry, idB, lowered(idB)))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(data[:len(data)-1]), ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		write(t, w.Files.Credentials, before)
		w.moves(t, "dev", before) // which the damage does not prevent
		_, err := j.Undo(t.Context())
		if _, damaged := errors.AsType[*keyring.DamagedError](err); !damaged || !strings.Contains(err.Error(), "backup") {
			t.Errorf("%v", err)
		}
		if _, gone := os.Stat(path); gone != nil || !strings.Contains(readFile(t, w.Files.Credentials), before) {
			t.Errorf("%v: %q", gone, readFile(t, w.Files.Credentials))
		}
	}
}

// lowered is how the name of an item's file has capitals.
func lowered(id string) (name string) {
	for _, b := range []byte(id) {
		if b >= 'A' && b <= 'Z' {
			name += fmt.Sprintf("=%02x", b)
			continue
		}
		name += string(b)
	}
	return name
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A key that two machines have imported stays in the store until the second one has it in a
// file again, whichever undoes its import first, and however often.
func TestUndoOfSharedKeys(t *testing.T) {
	for _, first := range []int{0, 1} {
		w, before := moved(t)
		other := w.elsewhere(t, before)
		other.moves(t, "dev", before)
		worlds := []World{w, other}
		one, two := worlds[first], worlds[1-first]
		for range 2 {
			if done, err := one.journal().Undo(t.Context()); err != nil || len(done.Removed)+len(done.Replaced) > 0 || fmt.Sprint(done.Away) != "["+idA+"]" {
				t.Errorf("%d: %+v, %v", first, done, err)
			}
			if _, _, err := two.Store.Key(t.Context(), "dev"); err != nil || text(t, one.Files.Credentials) != before || text(t, two.Files.Credentials) != "" {
				t.Errorf("%d: the key is not where it should be: %v", first, err)
			}
		}
		// What this machine forgets is its own.
		if done, err := one.journal().Forget(t.Context(), idA); err != nil || done.Any || !done.Elsewhere {
			t.Errorf("%d: %+v, %v", first, done, err)
		}
		if done, err := two.journal().Undo(t.Context()); err != nil || text(t, two.Files.Credentials) != before || len(done.Away) > 0 {
			t.Errorf("%d: %+v, %v: %q", first, done, err, text(t, two.Files.Credentials))
		}
	}
}

// A machine that has lost its name still gets back the files that are named. That changes
// nothing in the store: perhaps it was another machine's import after all.
func TestRestore(t *testing.T) {
	w, before := moved(t)
	if err := os.RemoveAll(filepath.Join(w.Home, "state")); err != nil {
		t.Fatal(err)
	}
	j := w.journal()
	for range 2 {
		done, err := j.Undo(t.Context())
		if err != nil || fmt.Sprint(done.AwayFiles) != "["+w.Files.Credentials+"]" || len(done.Files) > 0 {
			t.Errorf("%+v, %v", done, err)
		}
		if done, err := j.Restore(t.Context(), []string{filepath.Join(w.Home, "other")}); err != nil || len(done.Files) > 0 {
			t.Errorf("%+v, %v", done, err)
		}
		if _, err := j.Restore(t.Context(), []string{w.Files.Credentials}); err != nil || text(t, w.Files.Credentials) != before {
			t.Errorf("%v: %q", err, text(t, w.Files.Credentials))
		}
		if _, _, err := w.Store.Key(t.Context(), "dev"); err != nil {
			t.Error(err)
		}
	}
	// Of a file that was imported here, the other machine's import counts no more.
	write(t, w.Files.Credentials, "[new]\n"+pair(idB, secretB))
	_, err := j.Write(t.Context(), []string{idB}, Change{Path: w.Files.Credentials, Before: text(t, w.Files.Credentials)}, nil, func() error { return os.Remove(w.Files.Credentials) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Restore(t.Context(), []string{w.Files.Credentials}); err != nil || text(t, w.Files.Credentials) != "[new]\n"+pair(idB, secretB) {
		t.Errorf("%v: %q", err, text(t, w.Files.Credentials))
	}
}

// A file with several keys does not come back when one of them is not wanted any more, and
// only while the store has the others.
func TestForgetOneOfSeveral(t *testing.T) {
	const before = "Access key ID,Secret access key\n" + idA + "," + secretA + "\n" + idB + "," + secretB + "\n"
	for _, lost := range []bool{false, true} {
		w := home(t, "", "")
		w.stored(t, "jo", idA, secretA)
		csv := filepath.Join(w.Home, "keys.csv")
		j := w.journal()
		if _, err := j.Write(t.Context(), []string{idA, idB}, Change{Path: csv, Before: before}, nil, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		if lost {
			if err := os.WriteFile(w.Store.ItemPath("key+jo"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		done, err := j.Forget(t.Context(), idB)
		if want := map[bool]string{false: "{true [" + idA + "] [] false}", true: "{false [] [" + idA + "] false}"}[lost]; err != nil || fmt.Sprint(done) != want {
			t.Errorf("%v: %+v, %v", lost, done, err)
		}
		_, undone := j.Undo(t.Context())
		if _, gone := os.Stat(csv); undone != nil || (gone == nil) != lost {
			t.Errorf("%v: %v, %v", lost, undone, gone)
		}
	}
}

// A key that has been rotated or stored by somebody else since stays in the store, and a
// key that is removed takes its entries along.
func TestUndoKeepsKeys(t *testing.T) {
	w := home(t, "", "")
	w.stored(t, "old", idB, secretB)
	j := w.journal()
	if _, err := j.Storing(t.Context(), idA, "dev"); err != nil {
		t.Fatal(err)
	}
	w.stored(t, "dev", idB, secretB)
	if done, err := j.Undo(t.Context()); err != nil || len(done.Removed) > 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if _, _, err := w.Store.Key(t.Context(), "dev"); err != nil {
		t.Error(err)
	}
	for _, id := range []string{idA, idB, idA} {
		if _, err := j.Storing(t.Context(), id, "dev"); err != nil {
			t.Fatal(err)
		}
	}
	if forgot, err := j.Forget(t.Context(), idA); err != nil || fmt.Sprint(forgot) != "{true [] [] false}" {
		t.Errorf("%v, %v", forgot, err)
	}
	if keys, _, err := j.Keys(); err != nil || fmt.Sprint(keys) != "["+idB+"]" {
		t.Errorf("%v, %v", keys, err)
	}
	if forgot, err := j.Forget(t.Context(), idA); err != nil || fmt.Sprint(forgot) != "{false [] [] false}" {
		t.Errorf("again: %v, %v", forgot, err)
	}
}

// A key that has been replaced since does not come back: it would hide the one that works.
// The others do, whatever was moved first. What a rotation may go back to can be undone then.
func TestUndoWithoutReplacedKeys(t *testing.T) {
	a, b := "[dev]\n"+pair(idA, secretA), "[ops]\n"+pair(idB, secretB)
	for _, tt := range []struct {
		replaced, want string
		rotating       bool
	}{{idA, b, false}, {idB, a, false}, {idB, a, true}} {
		w := home(t, "", a+b)
		w.stored(t, "dev", idA, secretA)
		w.stored(t, "ops", idB, secretB)
		j := w.journal()
		for _, c := range []struct{ id, before, after string }{{idA, a + b, b}, {idB, b, ""}} {
			_, err := j.Write(t.Context(), []string{c.id}, Change{Path: w.Files.Credentials, Before: c.before, After: c.after}, nil, func() error {
				return awsconfig.WriteFile(w.Files.Credentials, []byte(c.before), []byte(c.after))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		profile := map[string]string{idA: "dev", idB: "ops"}[tt.replaced]
		w.stored(t, profile, "AKIAIOSFODNN8EXAMPLE", secretA)
		if tt.rotating {
			if _, err := w.Store.SetRotation(t.Context(), profile, creds.Rotation{Old: creds.Key{ID: tt.replaced, Secret: creds.NewSecret(secretB)}}, keyring.Info{}); err != nil {
				t.Fatal(err)
			}
		}
		done, err := j.Undo(t.Context())
		if got := text(t, w.Files.Credentials); err != nil || got != tt.want || fmt.Sprint(done.Replaced) != "["+tt.replaced+"]" {
			t.Errorf("%s: %+v, %v:\n%s", tt.replaced, done, err, got)
		}
		keys, _, err := j.Keys()
		if err != nil || (len(keys) == 1) != tt.rotating {
			t.Errorf("%s: left: %v, %v", tt.replaced, keys, err)
		}
		if !tt.rotating {
			continue
		}
		w.stored(t, "ops", idB, secretB) // as fob rotate --abort does
		if _, err := j.Undo(t.Context()); err != nil || text(t, w.Files.Credentials) != b+a {
			t.Errorf("after going back: %v:\n%s", err, text(t, w.Files.Credentials))
		}
	}
}

// A file that was deleted comes back with its mode; one that import made goes.
func TestUndoOfWholeFiles(t *testing.T) {
	w := home(t, "", "")
	w.stored(t, "dev", idA, secretA)
	csv := filepath.Join(w.Home, "Downloads", "keys.csv")
	write(t, csv, "x\r\n")
	if err := os.Chmod(csv, 0o640); err != nil {
		t.Fatal(err)
	}
	j := w.journal()
	_, made := j.Write(t.Context(), []string{idA}, Change{Path: w.Files.Config, After: "[profile dev]\n"}, nil, func() error {
		return awsconfig.WriteFile(w.Files.Config, nil, []byte("[profile dev]\n"))
	})
	_, deleted := j.Write(t.Context(), []string{idA}, Change{Path: csv, Before: "x\r\n"}, nil, func() error { return os.Remove(csv) })
	if made != nil || deleted != nil {
		t.Fatal(made, deleted)
	}
	if _, err := j.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(csv); err != nil || info.Mode().Perm() != 0o640 || text(t, csv) != "x\r\n" {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := os.Stat(w.Files.Config); !os.IsNotExist(err) {
		t.Errorf("the config is still there: %v", err)
	}
}

// Another file that somebody has put in the place of a deleted one stays.
func TestUndoOfReplacedFiles(t *testing.T) {
	w := home(t, "", "")
	w.stored(t, "dev", idA, secretA)
	csv := filepath.Join(w.Home, "keys.csv")
	j := w.journal()
	_, err := j.Write(t.Context(), []string{idA}, Change{Path: csv, Before: "Access key ID,Secret access key\n"}, nil, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	write(t, csv, "mine")
	_, err = j.Undo(t.Context())
	if conflict, ok := err.(*ConflictError); !ok || conflict.Line != nil || text(t, csv) != "mine" {
		t.Errorf("%v: %q", err, text(t, csv))
	}
}

// A secret that still stands somewhere is named with each of its lines, but for the files
// that are deleted as a whole.
func TestRemains(t *testing.T) {
	w := home(t, "# "+secretA+"\n[profile dev]\nx = "+secretA+secretA+"\n", "[dev]\n")
	csv := filepath.Join(filepath.Dir(w.Files.Config), "keys.csv")
	write(t, csv, "Access key ID,Secret access key\n"+idA+","+secretA+"\n")
	write(t, w.Files.Config+".bak", "\n"+secretA)
	item := Item{Found: []Found{{Place: Place{File: csv, Whole: true}, Key: creds.Key{ID: idA, Secret: creds.NewSecret(secretA)}}}}
	var got []string
	for _, p := range w.Remains(item) {
		got = append(got, fmt.Sprintf("%s:%d", p.Shown, p.Line))
	}
	if want := "[~/.aws/config:1 ~/.aws/config:3 ~/.aws/config.bak:2]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// A file names a profile by its user or by its own name, but never the one that every tool
// uses that is told nothing.
func TestDownloadName(t *testing.T) {
	for _, tt := range []struct{ path, user, want string }{
		{"x/jo_accessKeys.csv", "", "jo"},
		{"x/new.csv", "kim", "kim"},
		{"x/new.csv", "", ""},
		{"x/new.csv", "default", ""},
		{"x/default_accessKeys.csv", "", ""},
		{"x/default_credentials.csv", "", ""},
		{"x/new.csv", "a]b", ""},
	} {
		if got := downloadName(tt.path, tt.user); got != tt.want {
			t.Errorf("%s, %q: %q, want %q", tt.path, tt.user, got, tt.want)
		}
	}
}

// A write that fails leaves no entry.
func TestFailedWrite(t *testing.T) {
	w := home(t, "", "[x]\n")
	w.stored(t, "old", idB, secretB)
	j := w.journal()
	_, err := j.Write(t.Context(), []string{idA}, Change{Path: w.Files.Credentials, Before: "[x]\n", After: "[y]\n"}, nil, func() error { return os.ErrPermission })
	if keys, _, _ := j.Keys(); err == nil || len(keys) > 0 {
		t.Errorf("%v, %v", err, keys)
	}
}

// Another process reads the same key, or that is an error; the answer says nothing else.
func TestReadBack(t *testing.T) {
	w := home(t, "", "")
	w.stored(t, "dev", idA, secretA)
	key := creds.Key{ID: idA, Secret: creds.NewSecret(secretA)}
	var sent []byte
	answer := func(ctx context.Context, request []byte) ([]byte, error) {
		sent = request
		other := home(t, "", "") // with nothing unlocked, and no passphrase
		other.Store = keyring.New(keyring.Options{Dir: filepath.Join(w.Home, "store"), StateDir: filepath.Join(w.Home, "state")})
		return Answer(ctx, other.Store, request)
	}
	if err := ReadBack(t.Context(), w.Store, key, []string{"dev"}, answer); err != nil {
		t.Error(err)
	}
	if strings.Contains(string(sent), secretA) {
		t.Error("the request holds the key")
	}
	for name, k := range map[string]creds.Key{"another ID": {ID: idB, Secret: key.Secret}, "another secret": {ID: idA, Secret: creds.NewSecret(secretB)}} {
		if err := ReadBack(t.Context(), w.Store, k, []string{"dev"}, answer); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := ReadBack(t.Context(), w.Store, key, []string{"none"}, answer); err == nil {
		t.Error("a profile without a key: no error")
	}
	silent := func(context.Context, []byte) ([]byte, error) { return nil, nil }
	if err := ReadBack(t.Context(), w.Store, key, []string{"dev"}, silent); err == nil {
		t.Error("no answer: no error")
	}
}
