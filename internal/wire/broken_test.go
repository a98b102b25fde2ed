package wire

import (
	"errors"
	"strings"
	"testing"

	"fob/internal/awsconfig"
)

// A config that cannot be read, and a name that cannot be written, are errors of every
// edit, and nothing is edited.
func TestBroken(t *testing.T) {
	const serial = "arn:aws:iam::111111111111:mfa/jo"
	record := Record{Lines: dev}
	for _, edit := range []struct {
		name string
		make func(text, profile string) (Edit, error)
	}{
		{"add", func(text, profile string) (Edit, error) {
			return Add(text, profile, "/usr/local/bin/fob", dev, record)
		}},
		{"remove", func(text, profile string) (Edit, error) {
			return Remove(text, profile, "/usr/local/bin/fob", record)
		}},
		{"rewrite", func(text, profile string) (Edit, error) {
			return Rewrite(text, profile, "/usr/local/bin/fob", "fob export --profile dev", record)
		}},
		{"restore", func(text, profile string) (Edit, error) {
			return Restore(text, profile, "/usr/local/bin/fob", record)
		}},
		{"set", func(text, profile string) (Edit, error) { return SetSerial(text, profile, serial, record) }},
		{"drop", func(text, profile string) (Edit, error) { return DropSerial(text, profile, serial, record) }},
	} {
		for _, text := range []string{whole + "[profile x\n", whole + "no equals\n", "region = x\n" + whole} {
			out, err := edit.make(text, "dev")
			if syntax := (*awsconfig.SyntaxError)(nil); !errors.As(err, &syntax) || out.Text != "" && out.Text != text {
				t.Errorf("%s, %q: %q, %v", edit.name, text, out.Text, err)
			}
		}
		out, err := edit.make(whole, `d"ev`)
		if bad := (*awsconfig.NameError)(nil); !errors.As(err, &bad) || out.Text != "" && out.Text != whole {
			t.Errorf("%s: %q, %v", edit.name, out.Text, err)
		}
	}
}

// fob under another path serves the profile already: its line stays.
func TestAddKeepsAnotherPath(t *testing.T) {
	const old = "[profile dev]\ncredential_process = /opt/fob export --profile dev\n"
	out, err := Add(old, "dev", "/usr/local/bin/fob", dev, Record{})
	if err != nil || !strings.HasPrefix(out.Text, old) || strings.Count(out.Text, "credential_process") != 1 || !strings.Contains(out.Text, "\nfob_mfa_serial = ") {
		t.Errorf("%v\n%s", err, out.Text)
	}
	for _, l := range out.Record.Lines {
		if l[0] == "credential_process" {
			t.Error("it remembers a line that it did not write")
		}
	}
}

// There is nothing to remove where there is no section.
func TestRemoveNothing(t *testing.T) {
	const text = "[profile x]\nregion = eu-west-1\n"
	out, err := Remove(text, "dev", "/usr/local/bin/fob", Record{Lines: Lines{{"region", "eu-west-1"}}})
	if err != nil || out.Text != text {
		t.Errorf("%q, %v", out.Text, err)
	}
}
