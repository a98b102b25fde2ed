package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"fob/internal/awsconfig"
)

const process = "/usr/local/bin/fob export --profile dev"

var dev = Lines{{"region", "eu-west-1"}, {"credential_process", process}, {"fob_mfa_serial", "arn:aws:iam::111111111111:mfa/jo"}}

const whole = `[profile dev]
region = eu-west-1
credential_process = ` + process + `
fob_mfa_serial = arn:aws:iam::111111111111:mfa/jo
`

// remembered is a record as it comes back from where it was kept.
func remembered(t testing.TB, r Record) (again Record) {
	t.Helper()
	text, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(text, &again)
	}
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// The lines that are added to a config; removing them gives the text back.
func TestAddAndRemove(t *testing.T) {
	const others = "# mine\r\n[profile x]\r\nregion=us-east-1 ; here\r\n"
	lines := strings.TrimPrefix(whole, "[profile dev]\n")
	for _, c := range []struct{ name, before, after string }{
		{"empty", "", whole},
		{"others", others, others + "\r\n" + strings.ReplaceAll(whole, "\n", "\r\n")},
		{"no last line end", "[profile x]\nregion = y", "[profile x]\nregion = y\n\n" + whole},
		{"a section that says nothing of credentials", "[profile dev]\noutput = json # so\n", "[profile dev]\noutput = json # so\n" + lines},
		{"an empty section", "[profile dev]\n\n\n[profile x]\n", "[profile dev]\n" + lines + "\n\n[profile x]\n"},
		{"a header without line end", "[profile dev]", "[profile dev]\n" + strings.TrimSuffix(lines, "\n")},
		{"a section of comments", "[profile dev] ; mine\n# mine\n", "[profile dev] ; mine\n" + lines + "# mine\n"},
		{"the same region", "[profile dev]\nregion = eu-west-1\n", "[profile dev]\n" + lines},
		{
			"the same device",
			"[profile dev]\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\n",
			"[profile dev]\nmfa_serial = arn:aws:iam::111111111111:mfa/jo\nregion = eu-west-1\ncredential_process = " + process + "\n",
		},
		{
			"another region and device",
			"[profile dev]\nRegion=us-east-1 ; home\nfob_mfa_serial\t=\tGAHT12345678\ncli_pager =\n",
			"[profile dev]\nRegion=eu-west-1 ; home\nfob_mfa_serial\t=\tarn:aws:iam::111111111111:mfa/jo\ncli_pager =\ncredential_process = " + process + "\n",
		},
		{
			"a device in the SDKs' spelling",
			"[profile dev]\nmfa_serial = GAHT12345678\n",
			"[profile dev]\nmfa_serial = GAHT12345678\n" + lines,
		},
	} {
		added, err := Add(c.before, "dev", "/usr/local/bin/fob", dev, Record{})
		if err != nil || added.Text != c.after {
			t.Errorf("%s: %v:\n%s", c.name, err, added.Text)
		}
		again, err := Add(added.Text, "dev", "/usr/local/bin/fob", dev, remembered(t, added.Record))
		if err != nil || again.Text != added.Text || len(again.Set) != 0 {
			t.Errorf("%s: added again, %v:\n%s", c.name, err, again.Text)
		}
		if got, err := Remove(again.Text, "dev", "/opt/fob", remembered(t, again.Record)); err != nil || got.Text != c.before {
			t.Errorf("%s: removed, %v:\n%q", c.name, err, got.Text)
		}
	}
}

// What somebody has changed since stays, and so does what nobody remembers.
func TestRemoveKeeps(t *testing.T) {
	added, err := Add("", "dev", "fob", dev, Record{})
	if err != nil {
		t.Fatal(err)
	}
	const serial = "fob_mfa_serial = arn:aws:iam::111111111111:mfa/jo\n"
	for _, c := range []struct {
		name, text, want string
		record           Record
	}{
		{"not remembered", whole, "[profile dev]\nregion = eu-west-1\n" + serial, Record{}},
		{"a section after it", whole + "\n# x's\n[profile x]\n", "[profile dev]\n\n# x's\n[profile x]\n", added.Record},
		{"a comment in it", strings.Replace(whole, "region", "# mine\nregion", 1), "[profile dev]\n# mine\n", added.Record},
		{"another region", strings.Replace(whole, "eu-west-1", "us-east-1", 1), "[profile dev]\nregion = us-east-1\n", added.Record},
		{"another key", whole + "output = json\n", "[profile dev]\noutput = json\n", added.Record},
		{"another program", strings.Replace(whole, process, "other", 1), strings.Replace(whole, process, "other", 1), added.Record},
		{"no process", strings.Replace(whole, "credential_process = "+process+"\n", "", 1), "", added.Record},
		{"gone", "[profile x]\n", "[profile x]\n", added.Record},
		{
			"a forged process", "[profile dev]\ncredential_process = other\ncredential_process = " + process + "\n", "[profile dev]\ncredential_process = other\n",
			Record{Changed: []Change{{[2]string{"credential_process", "other"}, "credential_process = evil"}}},
		},
		{
			"a forged beginning", "# mine\n[profile dev]\nregion = y\n", "# mine\n[profile dev]\n",
			Record{Made: true, Before: "# mine\n", Lines: Lines{{"region", "y"}}},
		},
		{
			"a forged memory", "[profile dev]\noutput = json\nrole_arn = x\nregion = y\n", "[profile dev]\noutput = json\nrole_arn = x\nregion = y\n",
			Record{
				Made: true, Before: "# mine\n", Lines: Lines{{"output", "json"}, {"role_arn", "x"}},
				Changed: []Change{{[2]string{"region", "y"}, "role_arn = z"}, {[2]string{"region", "y"}, "region = z\nrole_arn = w"}, {[2]string{"output", "json"}, "output = x"}},
			},
		},
	} {
		if got, err := Remove(c.text, "dev", "fob", c.record); err != nil || got.Text != c.want {
			t.Errorf("%s: %v:\n%s", c.name, err, got.Text)
		}
	}
}

// A section that somebody has written where fob's was is theirs.
func TestForgottenSection(t *testing.T) {
	first, err := Add("", "dev", "fob", dev, Record{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Add("[profile dev]\n", "dev", "fob", dev, first.Record)
	if err != nil || second.Record.Made {
		t.Fatalf("%+v, %v", second.Record, err)
	}
	if got, err := Remove(second.Text, "dev", "fob", second.Record); err != nil || got.Text != "[profile dev]\n" {
		t.Errorf("%v: %q", err, got.Text)
	}
}

func TestAddLeavesOthersAlone(t *testing.T) {
	for _, line := range append([]string{"credential_process = other", "credential_process = fob export --profile prod"}, lineOfEach(rivals)...) {
		text := "[profile dev]\n" + line + "\n"
		_, err := Add(text, "dev", "fob", dev, Record{})
		if taken, ok := errors.AsType[*TakenError](err); !ok || taken.By.Line != 2 {
			t.Errorf("%s: %v", line, err)
		}
		if got, err := Remove(text, "dev", "fob", Record{}); err != nil || got.Text != text {
			t.Errorf("%s: removed, %v: %q", line, err, got.Text)
		}
		// SDKs prefer these to a credential_process that is there already, too.
		text = "[profile dev]\ncredential_process = " + process + "\n" + line + "\n"
		if _, err := Add(text, "dev", "fob", dev, Record{}); err == nil {
			t.Errorf("%s next to fob's process is nothing", line)
		}
	}
	// Only fob knows included profiles.
	text := "[profile dev]\ninclude_profile = x\n[profile x]\n" + strings.Join(lineOfEach(rivals), "\n") + "\n"
	if _, err := Add(text, "dev", "fob", dev, Record{}); err != nil {
		t.Errorf("included: %v", err)
	}
	// A value that continues on the next line is not changed, because the rest of it would be lost.
	text = "[profile dev]\nregion = us-east-1\n  x\n"
	_, err := Add(text, "dev", "fob", dev, Record{})
	if continued, ok := errors.AsType[*awsconfig.SyntaxError](err); !ok || continued.Line != 2 {
		t.Errorf("continued: %v", err)
	}
}

func lineOfEach(keys []string) (lines []string) {
	for _, key := range keys {
		lines = append(lines, key+" = x")
	}
	return lines
}

func TestSerial(t *testing.T) {
	const serial = "arn:aws:iam::111111111111:mfa/jo"
	for _, before := range []string{
		"", "[profile dev]\nregion = x # y\n", "[profile dev]\nfob_mfa_serial=old ; why\nregion = x\n", "[profile dev]\nmfa_serial = old\n", "[profile dev]", "[profile x]\ny = z",
	} {
		set, err := SetSerial(before, "dev", serial, Record{})
		if err != nil || !strings.Contains(set.Text, serial) {
			t.Errorf("%q: set, %v: %q", before, err, set.Text)
		}
		if other, err := DropSerial(set.Text, "dev", "another", remembered(t, set.Record)); err != nil || other.Text != set.Text {
			t.Errorf("%q: another's dropped, %v: %q", before, err, other.Text)
		}
		dropped, err := DropSerial(set.Text, "dev", serial, remembered(t, set.Record))
		if err != nil || dropped.Text != before || !dropped.Record.IsZero() {
			t.Errorf("%q: dropped, %v: %q, %+v", before, err, dropped.Text, dropped.Record)
		}
	}
	if got, err := DropSerial("[profile x]\n", "dev", serial, Record{}); err != nil || got.Text != "[profile x]\n" {
		t.Errorf("without a section: %q, %v", got.Text, err)
	}
	// A line that the user wrote goes with the device that it names.
	if got, err := DropSerial("[profile dev]\nfob_mfa_serial = "+serial+"\n", "dev", serial, Record{}); err != nil || got.Text != "[profile dev]\n" {
		t.Errorf("the user's own: %q, %v", got.Text, err)
	}
}
