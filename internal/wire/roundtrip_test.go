package wire

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fob/internal/awsconfig"
)

// Whatever is in a config: what fob add and fob mfa enroll write, and fob remove and fob
// mfa remove remove again, leaves every byte as it was.
func TestRoundTrips(t *testing.T) {
	const configs = 10_000
	count := map[outcome]int{}
	for seed := range uint64(configs) {
		r := rand.New(rand.NewPCG(seed, 11))
		profile := names[seed%uint64(len(names))]
		text := config(r, profile)
		steps := make([]byte, 1+r.IntN(5))
		for i := range steps {
			steps[i] = byte(r.Uint32())
		}
		got, problem := roundTrip(text, profile, steps)
		if count[got]++; problem != "" {
			t.Errorf("seed %d, steps %v: %s", seed, steps, problem)
		}
	}
	t.Logf("of %d configs: %v", configs, count)
	if count[undone] < configs/2 || count[refused] < configs/20 || count[unreadable] == 0 {
		t.Errorf("the generated configs are too much of one kind: %v", count)
	}
}

// What somebody writes around fob's lines, above them and below, stays when they go.
func TestEditsInBetween(t *testing.T) {
	const configs, above, below = 3_000, "# above\n", "\n[profile below]\noutput = x # mine\n"
	tried := 0
	for seed := range uint64(configs) {
		r := rand.New(rand.NewPCG(seed, 13))
		profile := names[seed%uint64(len(names))]
		text := config(r, profile)
		now, _, err := take(byte(r.Uint32())|2, profile, Edit{Text: text})
		if err != nil || strings.HasPrefix(text, "\ufeff") {
			continue
		}
		tried++
		edited := above + now.Text + below
		got, err := Remove(edited, profile, program, now.Record)
		if want := above + text + below; err != nil || filled(got.Text) != filled(want) {
			t.Errorf("seed %d: %q -> %q, %v", seed, edited, got.Text, err)
		}
	}
	if tried < configs/2 {
		t.Errorf("only %d of %d configs were changed", tried, configs)
	}
}

// filled is a text without its blank lines.
func filled(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
}

func FuzzRoundTrip(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(config(rand.New(rand.NewPCG(seed, 12)), "dev"), []byte{byte(seed), byte(7 * seed), byte(31 * seed)})
	}
	f.Fuzz(func(t *testing.T, text string, steps []byte) {
		if len(steps) > 8 {
			return
		}
		if _, problem := roundTrip(text, "dev", steps); problem != "" {
			t.Error(problem)
		}
	})
}

type outcome string

const (
	undone     outcome = "given back"
	refused    outcome = "left alone"
	unreadable outcome = "unreadable"
	outside    outcome = "not for this test"
)

// roundTrip makes changes as commands do, undoes them, and compares.
func roundTrip(text, profile string, steps []byte) (outcome, string) {
	before, err := awsconfig.Parse(awsconfig.File{Text: text}, awsconfig.File{})
	if err != nil {
		if e, err := Add(text, profile, program, dev, Record{}); err == nil {
			return unreadable, fmt.Sprintf("added to an unreadable %q: %q", text, e.Text)
		}
		return unreadable, ""
	}
	section, _ := before.Profile(profile)
	serial, _ := section.Own(serialKey)
	if Owned(section, program) || serial.Text == enrolled || strings.HasSuffix(text, "\r") {
		// A line like fob's own is taken for fob's, a device's line goes with the device,
		// and half a line end becomes a whole one.
		return outside, ""
	}
	now := Edit{Text: text}
	wrote := false
	for _, step := range steps {
		next, what, err := take(step, profile, now)
		_, taken := errors.AsType[*TakenError](err)
		_, continued := errors.AsType[*awsconfig.SyntaxError](err)
		switch {
		case taken || continued:
			continue
		case err != nil:
			return undone, fmt.Sprintf("%s: %q: %v", what, now.Text, err)
		}
		if problem := onlyNamed(text, next.Text); problem != "" {
			return undone, fmt.Sprintf("%s: %q -> %q: %s", what, now.Text, next.Text, problem)
		}
		wrote = wrote || next.Text != text
		now = next
	}
	if !wrote {
		return refused, ""
	}
	changed := now.Text
	if now, err = DropSerial(now.Text, profile, enrolled, now.Record); err != nil {
		return undone, fmt.Sprintf("%q: %v", changed, err)
	}
	back, err := Remove(now.Text, profile, program, now.Record)
	if err != nil || back.Text != text || !back.Record.IsZero() {
		return undone, fmt.Sprintf("%q -> %q -> %q, %v", text, changed, back.Text, err)
	}
	return undone, ""
}

const program = "/usr/local/bin/fob"

// names are profiles whose sections are written in different ways.
var names = []string{"dev", "default", "a b"}

const enrolled = "arn:aws:iam::111111111111:mfa/enrolled"

// take is one command's change.
func take(step byte, profile string, now Edit) (next Edit, what string, err error) {
	switch step % 4 {
	case 0:
		next, err = SetSerial(now.Text, profile, enrolled, now.Record)
		return next, "enroll", err
	case 1:
		next, err = DropSerial(now.Text, profile, enrolled, now.Record)
		return next, "mfa remove", err
	}
	lines := Lines{{"credential_process", program + ` export --profile "` + profile + `" --format process`}}
	if step&4 != 0 {
		lines = append(Lines{{"region", []string{"eu-west-1", "us-east-1"}[step>>4&1]}}, lines...)
	}
	if step&8 != 0 {
		lines = append(lines, [2]string{serialKey, []string{"arn:aws:iam::111111111111:mfa/jo", "none"}[step>>5&1]})
	}
	next, err = Add(now.Text, profile, program, lines, now.Record)
	return next, "add", err
}

// onlyNamed checks that the new text is readable, and has each line of the old one in
// its place, but for values that fob was to change.
func onlyNamed(old, now string) string {
	if _, err := awsconfig.Parse(awsconfig.File{Text: now}, awsconfig.File{}); err != nil {
		return err.Error()
	}
	lines := strings.Split(now, "\n")
	for _, line := range strings.Split(old, "\n") {
		for len(lines) > 0 && !same(lines[0], line) {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			return fmt.Sprintf("%q is gone or has moved", line)
		}
		lines = lines[1:]
	}
	return ""
}

func same(now, old string) bool {
	if now == old || strings.TrimSuffix(now, "\r") == strings.TrimSuffix(old, "\r") {
		return true
	}
	key := func(line string) string {
		key, _, _ := strings.Cut(line, "=")
		return strings.ToLower(strings.TrimSpace(key))
	}
	return (key(now) == "region" || key(now) == serialKey) && key(now) == key(old)
}

// config is a config file as people write them, and as they should not.
func config(r *rand.Rand, profile string) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	often := func(percent int) bool { return r.IntN(100) < percent }
	var lines []string
	comment := func() {
		lines = append(lines, pick("# mine", ";", "  # in", "#[profile dev]", "# credential_process = x", "#region = x"))
	}
	property := func() {
		name := pick("region", "output", "mfa_serial", "fob_mfa_serial", "Region", "s3", "cli_pager", "fob_account", "duration_seconds", "k")
		if often(4) {
			name = pick("role_arn", "source_profile", "sso_session", "login_session", "aws_access_key_id", "credential_process", "include_profile")
		}
		value := pick("eu-west-1", "us-east-1", "json", "arn:aws:iam::111111111111:mfa/jo", "none", "", `"quoted"`, "a b", "a=b", "x # note", "x ;note", "x#y", "other", "größe")
		lines = append(lines, pick("", "", "", "", " ", "\t")+name+pick(" = ", "=", "\t=\t", " =", "= ")+value+pick("", "", "", " ", " # note", "\t; note"))
		for often(12) {
			lines = append(lines, pick("  max_concurrent_requests = 20", "\taddressing_style=path", "    more", "  # inside", "  ; inside"))
		}
	}
	header := func() string {
		name := pick("x", "x", "y", "dev2", "de", "a.b/c@d", `"a b"`)
		if often(40) {
			name = profile
		}
		if name == "default" || strings.Contains(name, " ") && name[0] != '"' {
			name = pick(`"`+name+`"`, "'"+name+"'")
		}
		h := "[" + pick("profile ", "profile ", "profile ", "profile\t", " profile ", "") + name + pick("]", "]", "]", " ]")
		if often(20) {
			h = pick("[default]", "[default]", "[profile default]", "[sso-session work]", "[services local]", "[plugins]", `[profile "dev"]`, "[profile 'dev']", "[ profile dev ]", "[profile a[b]c]", "[profile dev] x", "[]")
		}
		return h + pick("", "", "", "", " ", " # note", ";note")
	}
	for often(30) {
		comment()
	}
	if often(2) {
		property() // outside a section
	}
	for range r.IntN(6) {
		lines = append(lines, header())
		for often(70) {
			switch {
			case often(70):
				property()
			case often(50):
				comment()
			default:
				lines = append(lines, pick("", "", "  ", "\t"))
			}
		}
		for often(40) {
			lines = append(lines, "")
		}
	}
	text := ""
	crlf, mixed := often(25), often(5)
	for i, line := range lines {
		if text += line; i == len(lines)-1 && often(30) {
			break // no last line end
		}
		if crlf && !mixed || mixed && often(50) {
			text += "\r"
		}
		text += "\n"
	}
	if often(5) {
		text = "\ufeff" + text
	}
	return text
}

// The same with fob wire and its undo among them, in sections that say where their
// credentials come from.
func TestRoundTripsOfRewriting(t *testing.T) {
	const configs = 10_000
	count := map[outcome]int{}
	for seed := range uint64(configs) {
		r := rand.New(rand.NewPCG(seed, 17))
		profile := names[seed%uint64(len(names))]
		text := rich(r, config(r, profile), profile)
		before, err := awsconfig.Parse(awsconfig.File{Text: text}, awsconfig.File{})
		if err != nil || strings.HasSuffix(text, "\r") {
			count[unreadable]++
			continue
		}
		section, _ := before.Profile(profile)
		if serial, _ := section.Own(serialKey); Owned(section, program) || serial.Text == enrolled || CheckRewrite(section, section.File, program) != nil {
			count[outside]++
			continue
		}
		now, trail := Edit{Text: text}, ""
		for range 1 + r.IntN(6) {
			next, what, err := Edit{}, "", error(nil)
			switch r.IntN(5) {
			case 0, 1:
				what = "wire"
				next, err = Rewrite(now.Text, profile, program, program+` export --profile "`+profile+`" --format process`, now.Record)
			case 2:
				what = "undo"
				next, err = Restore(now.Text, profile, program, now.Record)
			default:
				next, what, err = take(byte(r.Uint32()), profile, now)
			}
			if err == nil {
				now, trail = next, trail+" "+what
				now.Record = remembered(t, now.Record)
			}
		}
		if now.Text == text {
			count[refused]++
			continue
		}
		count[undone]++
		changed := now.Text
		// Where another program's line is back, fob remove would leave the section to it.
		if !slices.Contains(now.Record.Moved, processKey) && now.Record.Rewritten() && seed%2 == 0 {
			if now, err = Restore(now.Text, profile, program, now.Record); err != nil {
				t.Errorf("seed %d,%s: %q -> %q: %v", seed, trail, text, changed, err)
				continue
			}
		}
		var back Edit
		if now, err = DropSerial(now.Text, profile, enrolled, now.Record); err == nil {
			back, err = Remove(now.Text, profile, program, now.Record)
		}
		if err != nil || back.Text != text || !back.Record.IsZero() {
			t.Errorf("seed %d,%s: %q -> %q -> %q, %+v, %v", seed, trail, text, changed, back.Text, back.Record, err)
		}
	}
	t.Logf("of %d configs: %v", configs, count)
	if count[undone] < configs/3 {
		t.Errorf("too few: %v", count)
	}
}

// rich gives the profile's sections more of what fob wire moves.
func rich(r *rand.Rand, text, profile string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(line)
		if end := strings.TrimLeft(line, "[]ab profile\"'dvut\t"); strings.HasPrefix(line, "[") && strings.HasSuffix(line, "\n") && strings.Contains(line, profile) && strings.TrimSpace(end) == "" {
			for range r.IntN(3) {
				key := movable[r.IntN(len(movable))]
				b.WriteString([]string{"", "", "# mine\n"}[r.IntN(3)] + key + []string{" = ", "=", " =\t"}[r.IntN(3)] + []string{"x", "a b ; c", ""}[r.IntN(3)] + line[len(strings.TrimRight(line, "\r\n")):])
			}
		}
	}
	return b.String()
}
