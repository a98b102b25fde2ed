package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/ststest"
)

// The screens that people see most, in a terminal of each size, with and without colors.
// What they show is in testdata/screens, with {red}, {yellow}, {green}, {dim}, {bold} and
// {reverse} before a text and {/} behind it. After a change
//
//	UPDATE_SCRIPTS=1 go test -run TestScreens .
//
// writes the files again: read the difference as somebody who sees the screen first.
var screenSizes = [][2]int{{80, 24}, {120, 40}}

// screensNow is what all clocks show.
var screensNow = time.Date(2026, 1, 2, 12, 0, 10, 0, time.UTC)

// A screenTest is a command line typed in a home, and what happens then.
type screenTest struct {
	name string
	home func(t *testing.T, w *world)
	line string
	// until is where what depends on the machine begins; "" is the end of the screen.
	until    string
	dialogue []screenStep
}

// A screenStep waits until the screen shows something, compares it with the file called
// shot, unless that is "", and types.
type screenStep struct{ shows, shot, types, key string }

func screenTests() []screenTest {
	return []screenTest{
		{name: "fob", line: "fob"},
		{name: "help", line: "fob --help"},
		{name: "help-exec", line: "fob exec --help"},
		{name: "nothing", line: "fob list; fob status; fob doctor"},
		{name: "add", home: canList, line: "unset FOB_PASSPHRASE_FILE; fob add dev", dialogue: []screenStep{
			{"Access key ID:", "", ststest.DemoKeyID, "Enter"},
			{"Secret access key:", "", ststest.DemoSecret, "Enter"},
			{"egion", "", "eu-west-1", "Enter"},
			{"New passphrase:", "", testPassphrase, "Enter"},
			{"Repeat it:", "", testPassphrase, "Enter"},
			{"MFA code to sign in now", "", "CODE", "Enter"},
		}},
		{name: "list", home: threeProfiles, line: "fob list"},
		{name: "list-30", home: manyProfiles(30), line: "fob list"},
		{name: "list-300", home: manyProfiles(300), line: "fob list"},
		{name: "status", home: threeProfiles, line: "fob status prod; fob status --all"},
		{name: "store", home: threeProfiles, line: "fob store", until: "\nCould "},
		{name: "explain", home: threeProfiles, line: "fob explain prod"},
		{name: "doctor", home: twoProfiles, line: "fob doctor"},
		{name: "doctor-unwell", home: unwell, line: "fob doctor"},
		{name: "error", home: threeProfiles, line: "fob exec prdo -- true; fob login old; fob remove nothing"},
		{name: "remove", home: threeProfiles, line: "fob remove dev", dialogue: []screenStep{{"[y/N]", "", "n", "Enter"}}},
		{name: "pick", home: manyProfiles(30), line: "fob exec -- true", dialogue: []screenStep{
			{"type to filter", "pick-open", "p 2", ""},
			{": p 2\n", "pick-filtered", "", "Escape"},
		}},
	}
}

// canList lets fob find the user's MFA device.
func canList(_ *testing.T, w *world) { w.AWS.Allow("ListMFADevices") }

// twoProfiles are a key that is signed in and a role on it.
func twoProfiles(t *testing.T, w *world) {
	w.config(t, "[profile prod]\nregion = eu-west-1\nfob_source_profile = dev\nfob_role_arn = "+ststest.DemoRole+"\n\n")
	w.must(t, ststest.DemoKeyID+"\n"+ststest.DemoSecret+"\n", "add", "dev", "--stdin", "--region", "eu-west-1", "--mfa-serial", ststest.DemoSerial)
	w.must(t, "", "login", "dev", "-t", w.AWS.Code(ststest.DemoSerial))
}

// threeProfiles are twoProfiles and one that cannot be used.
func threeProfiles(t *testing.T, w *world) {
	twoProfiles(t, w)
	w.config(t, "\n[profile old]\nsource_profile = legacy\nrole_arn = arn:aws:iam::222222222222:role/old\n")
}

// manyProfiles are threeProfiles and roles on the same key.
func manyProfiles(n int) func(t *testing.T, w *world) {
	return func(t *testing.T, w *world) {
		threeProfiles(t, w)
		var config strings.Builder
		for i := range n - 3 {
			fmt.Fprintf(&config, "\n[profile p%03d]\nfob_source_profile = dev\nfob_role_arn = arn:aws:iam::%012d:role/a-role-with-a-rather-long-name-%d\n", i, 222222222222+i, i)
		}
		w.config(t, config.String())
	}
}

// unwell are threeProfiles and mistakes that doctor knows.
func unwell(t *testing.T, w *world) {
	threeProfiles(t, w)
	w.config(t, "\n[dve]\nregion = eu-west-1\n\n[profile quoted]\nregion = \"eu-west-1\"\n")
	text := "[dev]\naws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY\n"
	if err := os.WriteFile(filepath.Join(w.Home, ".aws", "credentials"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestScreens(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		lacking(t, "tmux")
	}
	t.Parallel()
	for _, test := range screenTests() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var w *world
			for _, size := range screenSizes {
				for _, color := range []bool{true, false} {
					if w == nil || test.name == "add" {
						w = screenWorld(t)
						if test.home != nil {
							test.home(t, w)
						}
					}
					s := &pane{w, filepath.Join(t.TempDir(), "tmux"), size[0], size[1], color}
					s.play(t, test)
				}
			}
		})
	}
}

// install puts fob into a directory with a name as long as /usr/local/bin, so that lines
// with it wrap where they would there.
func (w *world) install(t *testing.T) (dir string) {
	t.Helper()
	dir = fmt.Sprintf("/tmp/fob%06x", rand.Uint32N(1<<24))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Symlink(w.Fob, filepath.Join(dir, "fob")); err != nil {
		t.Fatal(err)
	}
	w.Fob = filepath.Join(dir, "fob")
	return dir
}

// screenWorld is a world in which the screen does not depend on the machine.
func screenWorld(t *testing.T) *world {
	w := newWorld(t)
	w.AWS.StopClock(screensNow)
	dir := w.install(t)
	passphrase := filepath.Join(filepath.Dir(w.Home), "passphrase")
	if err := os.WriteFile(passphrase, []byte(testPassphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	return w.with("PATH="+dir+":/usr/bin:/bin", testClock+"="+screensNow.Format(time.RFC3339Nano),
		"FOB_BACKEND=file", "FOB_PASSPHRASE=", "FOB_PASSPHRASE_FILE="+passphrase, "LC_ALL=C.UTF-8")
}

// A pane is a terminal in tmux.
type pane struct {
	*world
	socket        string
	columns, rows int
	color         bool
}

func (s *pane) do(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("tmux", append([]string{"-u", "-S", s.socket, "-f", "/dev/null"}, args...)...)
	cmd.Dir = s.Home
	cmd.Env = append(slices.Clone(s.Env), "TERM=xterm-256color")
	if s.color {
		cmd.Env = append(cmd.Env, "NO_COLOR=")
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// play has the command line run, and compares the screens.
func (s *pane) play(t *testing.T, test screenTest) {
	t.Helper()
	const script = `printf '$ %s\n' "${1#unset*; }"; eval "$1"; printf '$ '; exec sleep 600`
	s.do(t, "start-server", ";", "set", "-g", "status", "off", ";",
		"new-session", "-d", "-x", fmt.Sprint(s.columns), "-y", fmt.Sprint(s.rows), "sh", "-c", script, "sh", test.line)
	t.Cleanup(func() { exec.Command("tmux", "-S", s.socket, "kill-server").Run() })
	for _, step := range test.dialogue {
		s.await(t, func(shown string) bool { return strings.Contains(shown, step.shows) })
		if step.shot != "" {
			s.compare(t, step.shot, "")
		}
		if step.types == "CODE" {
			step.types = s.AWS.Code(ststest.DemoSerial)
		}
		s.do(t, "send-keys", "-l", step.types, ";", "send-keys", step.key)
	}
	s.await(t, func(shown string) bool { return strings.HasSuffix(strings.TrimSpace(shown), "\n$") })
	s.compare(t, test.name, test.until)
}

// await waits until the screen shows something.
func (s *pane) await(t *testing.T, seen func(shown string) bool) {
	t.Helper()
	for deadline := time.Now().Add(longestWait); ; time.Sleep(20 * time.Millisecond) {
		shown := s.do(t, "capture-pane", "-p")
		if seen(shown) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the screen after %v:\n%s", longestWait, strings.TrimSpace(shown))
		}
	}
}

// compare compares the screen, once it does not change any more, with its file. Without
// colors it is the same text.
func (s *pane) compare(t *testing.T, name, until string) {
	t.Helper()
	shown, last := s.shown(t, until), ""
	for shown != last {
		time.Sleep(50 * time.Millisecond)
		shown, last = s.shown(t, until), shown
	}
	file := filepath.Join("testdata", "screens", fmt.Sprintf("%s-%dx%d.txt", name, s.columns, s.rows))
	if s.color && os.Getenv("UPDATE_SCRIPTS") != "" {
		if err := os.WriteFile(file, []byte(shown), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	if !s.color {
		want = marks.ReplaceAllString(want, "")
	}
	if shown != want {
		t.Errorf("%s, colors: %v: got\n%s\nwant\n%s", file, s.color, shown, want)
	}
}

// shown is what the screen shows, as it would anywhere.
func (s *pane) shown(t *testing.T, until string) string {
	t.Helper()
	shown := marked(s.do(t, "capture-pane", "-p", "-e"))
	shown = strings.NewReplacer(filepath.Dir(s.Fob), "/usr/local/bin", s.AWS.URL, "http://127.0.0.1:1").Replace(shown)
	shown = countedChecks.ReplaceAllString(shown, "N$1")
	if i := strings.Index(shown, until); until != "" && i >= 0 {
		shown = shown[:i+1]
	}
	return shown
}

var (
	sgr   = regexp.MustCompile("\x1b\\[([0-9;]*)m")
	marks = regexp.MustCompile(`\{(?:/|(?:\+?(?:bold|dim|reverse|red|green|yellow))+)\}`)
	// countedChecks are more on one machine than on another.
	countedChecks = regexp.MustCompile(`\d+( checks are fine)`)
)

// marked is a screen with words for its colors: tmux has several escape sequences for one
// and the same color.
func marked(screen string) string {
	names := map[string]string{"1": "bold", "2": "dim", "7": "reverse", "31": "red", "32": "green", "33": "yellow"}
	var text strings.Builder
	on, written := []string{}, ""
	for line := range strings.SplitSeq(strings.TrimRight(screen, "\n \x1b[0m"), "\n") {
		for line != "" {
			i := sgr.FindStringSubmatchIndex(line)
			plain := line
			if i != nil {
				plain = line[:i[0]]
			}
			if plain != "" {
				if now := strings.Join(on, "+"); now != written {
					if written != "" {
						text.WriteString("{/}")
					}
					if now != "" {
						text.WriteString("{" + now + "}")
					}
					written = now
				}
				text.WriteString(plain)
			}
			if i == nil {
				break
			}
			for code := range strings.SplitSeq(line[i[2]:i[3]], ";") {
				switch code {
				case "", "0":
					on = nil
				case "49": // no color behind the text
				default:
					on = slices.DeleteFunc(on, func(n string) bool { return len(code) == 2 && (n == "red" || n == "green" || n == "yellow") })
					if code == "39" {
						continue
					}
					name := names[code]
					if name == "" {
						name = "sgr" + code
					}
					on = append(on, name)
				}
			}
			line = line[i[1]:]
		}
		if written != "" {
			text.WriteString("{/}")
			written = ""
		}
		text.WriteByte('\n')
	}
	return text.String()
}
