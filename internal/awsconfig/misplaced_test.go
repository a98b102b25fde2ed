package awsconfig

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Headers that belong in the other file, and what they should be.
func TestMisplaced(t *testing.T) {
	for _, tt := range []struct {
		config, credentials string
		want                string
	}{
		{"[profile dev]\nregion = x\n[default]\nregion = x\n[sso-session a]\nsso_start_url = x\n", "[dev]\nregion = x\n[default]\nregion = x\n", ""},
		{"\n[dev]\nregion = x\n", "", "config:2 dev: [dev] -> [profile dev]"},
		{"[dev]\n  role_arn = x\n[ prod ]\naws_access_key_id = x\n", "", "config:1 dev: [dev] -> [profile dev]; config:3 prod: [prod] -> [profile prod]"},
		{"[Profile dev]\nregion = x\n", "", "config:1 dev: [Profile dev] -> [profile dev]"},
		{"[dev]\nfob_source_profile = x\n[Profile prod]\nfob_rolearn = x\n", "", "config:1 dev: [dev] -> [profile dev]; config:3 prod: [Profile prod] -> [profile prod]"},
		{"[PROFILE \"my dev\"]\nregion = x\n", "", `config:1 my dev: [PROFILE "my dev"] -> [profile "my dev"]`},
		// Other programs' sections, and those of which nobody knows what they mean.
		{"[plugins]\nendpoint = x\n[preview]\ncloudfront = true\n[dev]\n[x y]\nregion = x\n[Default]\nregion = x\n[profile]\nregion = x\n", "", ""},
		{"", "[profile dev]\naws_access_key_id = x\n", "credentials:1 dev: [profile dev] -> [dev]"},
		{"", "[profile  dev]\nregion = x\n[profile \"dev\"]\nregion = x\n[Profile dev]\nregion = x\n", "credentials:1 dev: [profile  dev] -> [dev]; credentials:3 dev: [profile \"dev\"] -> [dev]; credentials:5 dev: [Profile dev] -> [dev]"},
		{"", "[profile]\nregion = x\n[my dev]\nregion = x\n[sso-session x]\nsso_start_url = x\n", ""},
	} {
		c, err := Parse(File{Path: "config", Text: tt.config}, File{Path: "credentials", Text: tt.credentials})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range c.Misplaced() {
			got = append(got, fmt.Sprintf("%s:%d %s: %s -> %s", m.Section.File, m.Section.Line, m.Section.Name, m.Header, m.Want))
		}
		if got := strings.Join(got, "; "); got != tt.want {
			t.Errorf("%q, %q: %s, want %s", tt.config, tt.credentials, got, tt.want)
		}
	}
}

// A UTF-16 file is an error of its own kind: Windows PowerShell writes them.
func TestUTF16(t *testing.T) {
	for _, text := range []string{"\xff\xfe[\x00d\x00", "\xfe\xff\x00[\x00d", "[\x00d\x00e\x00", "\x00[\x00d", "#\x00", "\x00"} {
		for i, files := range [][2]string{{text, ""}, {"", text}} {
			_, err := Parse(File{Path: "config", Text: files[0]}, File{Path: "credentials", Text: files[1]})
			syntax, ok := err.(*SyntaxError)
			if !ok || !syntax.UTF16 || syntax.File != []string{"config", "credentials"}[i] || syntax.Line != 1 {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
	if _, err := Parse(File{Text: "\xef\xbb\xbf[profile dev]\nregion = \u00ff\u00fe\n"}, File{}); err != nil {
		t.Error(err)
	}
}

// What is misplaced has values, and only what is in it.
func TestMisplacedValues(t *testing.T) {
	c, err := Parse(File{Text: "[profile dev]\nregion = a\n[dev]\noutput = json\n"}, File{})
	if err != nil {
		t.Fatal(err)
	}
	all := c.Misplaced()
	if i := slices.IndexFunc(all, func(m Misplaced) bool { v, ok := m.Section.Own("output"); return ok && v.Text == "json" && v.Line == 4 }); i != 0 {
		t.Errorf("%v", all)
	}
	if v, ok := all[0].Section.Own("region"); ok {
		t.Errorf("%v", v)
	}
}
