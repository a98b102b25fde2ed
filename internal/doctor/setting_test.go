package doctor

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"fob/internal/awsconfig"
	"fob/internal/profiles"
	"fob/internal/wire"
)

// settingQuestion asks what aws configure get and set do; see testdata/consumers/configure.py.
type settingQuestion struct {
	Config, Credentials string
	Profile, Name       string
	Set                 *string // nil to get it
}

type settingAnswer struct {
	Value    string
	Code     int
	Error    string
	Profiles map[string]map[string]any
}

// settingTrial is something to do with a generated pair of files.
type settingTrial struct {
	sample
	number              int
	profile, name       string
	setting             awsconfig.Setting
	value               string // to set; "" removes the setting
	got                 string // what fob's get finds
	has, nested, inCred bool
	// unusual: the header of the section is one that the AWS CLI reads, and its set does
	// not find. It would write another section, which hides this one.
	unusual bool
	after   [2]string // fob's files
	// Numbers of questions: what aws configure get says before and after fob's change,
	// and what its set makes of the files.
	get, gets, sets int
}

// fob config get finds what aws configure get does. After fob config set the AWS CLI reads
// what it would read after aws configure set, and after unset what it reads without the
// setting. No line but that one changes.
func TestSettings(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the AWS CLI is Python's")
	}
	n := 400
	if os.Getenv("TORTURE") != "" {
		n *= 10
	}
	python := []string{"python3", filepath.Join("..", "..", "testdata", "consumers", "configure.py")}
	out, err := exec.Command(python[0], "-c", "import awscli").CombinedOutput()
	need(t, err, out)
	dir := t.TempDir()
	files := profiles.Files{Config: filepath.Join(dir, "config"), Credentials: filepath.Join(dir, "credentials"), Tilde: filepath.Base}
	var trials []settingTrial
	var questions []settingQuestion
	ask := func(files [2]string, profile, name string, set *string) int {
		questions = append(questions, settingQuestion{files[0], files[1], profile, name, set})
		return len(questions) - 1
	}
	for i := range n {
		s := sampleOf(i)
		config, err := parse(s.files)
		if err != nil || len(config.Differences())+len(config.Unreadable()) > 0 {
			continue // the two do not read such files alike, as TestDifferential shows
		}
		r := rand.New(rand.NewPCG(uint64(i), 5))
		names := config.Names()
		for range min(2, len(names)) {
			x := settingTrial{sample: s, number: i, profile: names[r.IntN(len(names))]}
			x.pick(r, config)
			write(t, files.Config, s.files[0])
			write(t, files.Credentials, s.files[1])
			if err := x.change(files, config); err != nil {
				t.Errorf("sample %d: %s %q of %q: %v\n%s-- credentials\n%s", i, x.name, x.value, x.profile, err, s.files[0], s.files[1])
				continue
			}
			x.get = ask(s.files, x.profile, x.name, nil)
			x.gets = ask(x.after, x.profile, x.name, nil)
			if x.value != "" {
				x.sets = ask(s.files, x.profile, x.name, &x.value)
			}
			trials = append(trials, x)
		}
	}
	answers, err := askAll[settingQuestion, settingAnswer](append(python, t.TempDir()), questions)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, x := range trials {
		if problem := x.check(answers, count); problem != "" {
			t.Errorf("sample %d: %s %q of %q: %s\n%s-- credentials\n%s-- fob\n%s-- credentials\n%s", x.number, x.name, x.value, x.profile, problem, x.files[0], x.files[1], x.after[0], x.after[1])
		}
	}
	t.Logf("%d trials: %v", len(trials), count)
	for _, seen := range []string{"found", "not found", "set", "set in the credentials file", "unset", "nested"} {
		if count[seen] == 0 {
			t.Errorf("%q was not seen", seen)
		}
	}
}

// pick chooses a setting, and spells its name in one of the ways.
func (x *settingTrial) pick(r *rand.Rand, config *awsconfig.Config) {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	key := pick("region", "output", "fob_mfa_serial", "cli_pager", "s3.addressing_style", "s3.max_queue_size")
	for _, there := range []string{"mfa_serial", "role_arn", "region", "credential_process", "sso_session", "s3.addressing_style"} {
		s, _ := config.ParseSetting(there, x.profile)
		if _, _, ok := config.Setting(s); ok && r.IntN(3) == 0 {
			key = there
		}
	}
	if _, sub, ok := strings.Cut(key, "."); ok {
		x.nested = sub != ""
	}
	x.name = pick(key, key, "profile."+x.profile+"."+key)
	if strings.Contains(x.profile, ".") {
		x.name = key
	}
	if r.IntN(3) > 0 {
		x.value = pick("eu-north-1", "arn:aws:iam::111111111111:mfa/new", "a = b", "/opt/x --y 'z w'", "Ünïcode")
	}
	x.setting, _ = config.ParseSetting(x.name, x.profile)
	_, inConfig := config.InFile(false, x.profile)
	x.unusual = inConfig && !strings.Contains("\n"+x.files[0], "\n"+plainHeader(&block{kind: "profile", name: x.profile}))
}

// change does it, as fob config does.
func (x *settingTrial) change(files profiles.Files, config *awsconfig.Config) error {
	v, nested, has := config.Setting(x.setting)
	x.got, x.has, x.inCred = v.Text, has && len(nested) == 0, v.File == "credentials"
	if x.setting.Sub != "" {
		parent, _, _ := config.Setting(awsconfig.Setting{Kind: x.setting.Kind, Name: x.setting.Name, Key: x.setting.Key})
		x.inCred = parent.File == "credentials"
	}
	var err error
	if x.value == "" {
		_, err = files.Unset(x.setting)
	} else {
		_, _, err = files.Set(x.setting, x.value)
	}
	if err != nil {
		return err
	}
	for i, path := range []string{files.Config, files.Credentials} {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		x.after[i] = string(text)
	}
	return nil
}

// check says what is wrong.
func (x settingTrial) check(answers []settingAnswer, count map[string]int) string {
	before, after := answers[x.get], answers[x.gets]
	if before.Error != "" {
		return "aws configure get: " + before.Error
	}
	if (before.Code == 0) != x.has || before.Value != x.got && x.has {
		return fmt.Sprintf("aws configure get finds %q, %d, and fob %q, %v", before.Value, before.Code, x.got, x.has)
	}
	if x.has {
		count["found"]++
	} else {
		count["not found"]++
	}
	if x.nested {
		count["nested"]++
	}
	want := before.Profiles
	if after.Error != "" && (x.value != "" || after.Profiles == nil) {
		return "aws configure get after fob: " + after.Error
	}
	if x.value == "" {
		count["unset"]++
		without(want, x.setting)
		if !x.has && x.after != x.files {
			return "there was nothing to unset, and the files have changed"
		}
	} else {
		if after.Value != x.value {
			return fmt.Sprintf("aws configure get finds %q after it was set", after.Value)
		}
		want = answers[x.sets].Profiles
		count["set"]++
		switch {
		case answers[x.sets].Error != "": // a second key, in other letters, breaks the file
			count["set under a key in capitals"]++
			want = before.Profiles
			with(want, x.setting, x.value)
		case x.unusual:
			count["set under an unusual header"]++
			want = before.Profiles
			with(want, x.setting, x.value)
		case x.inCred: // which wins; the AWS CLI's set writes to the other file, where nothing comes of it
			count["set in the credentials file"]++
			want = before.Profiles
			with(want, x.setting, x.value)
		}
	}
	if !reflect.DeepEqual(want, after.Profiles) {
		return fmt.Sprintf("the AWS CLI reads\n%v\nand should read\n%v", after.Profiles, want)
	}
	gone, added := 0, 0
	for i := range x.files {
		g, a := wire.Diff(x.files[i], x.after[i])
		gone, added = gone+len(g), added+len(a)
	}
	if x.value != "" && (gone > 1 || added > 3) || x.value == "" && added > 0 {
		return fmt.Sprintf("%d lines removed, %d added", gone, added)
	}
	return ""
}

// without removes a setting from what the AWS CLI reads.
func without(all map[string]map[string]any, s awsconfig.Setting) {
	section := all[s.Name]
	if s.Sub == "" {
		delete(section, s.Key)
		return
	}
	nested, ok := section[s.Key].(map[string]any)
	if !ok {
		return
	}
	delete(nested, s.Sub)
	if len(nested) == 0 {
		delete(section, s.Key)
	}
}

// with is what the AWS CLI reads with a setting.
func with(all map[string]map[string]any, s awsconfig.Setting, value string) {
	if s.Sub == "" {
		all[s.Name][s.Key] = value
		return
	}
	nested := map[string]any{}
	if old, ok := all[s.Name][s.Key].(map[string]any); ok {
		maps.Copy(nested, old)
	}
	nested[s.Sub] = value
	all[s.Name][s.Key] = nested
}
