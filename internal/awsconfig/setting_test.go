package awsconfig

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseSetting(t *testing.T) {
	c, err := Parse(File{Text: "[profile dev]\n[profile services]\n"}, File{Text: "[old]\n"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"region":                           "[profile base] region",
		"Region":                           "[profile base] region",
		"s3.addressing_style":              "[profile base] s3.addressing_style",
		"default.region":                   "[default] region",
		"default.s3.x":                     "[default] s3.x",
		"dev.region":                       "[profile dev] region",
		"old.region":                       "[profile old] region",
		"profile.new.region":               "[profile new] region",
		"profile.new.s3.x":                 "[profile new] s3.x",
		"sso-session.corp.sso_region":      "[sso-session corp] sso_region",
		"sso-session.x":                    "[profile base] sso-session.x",
		"services.region":                  "[profile services] region",
		"services.local.sts.endpoint_url":  "[services local] sts.endpoint_url",
		"":                                 "",
		".":                                "",
		"region.":                          "",
		"dev.":                             "",
		"profile":                          "[profile base] profile",
		"profile.dev":                      "",
		"profile..region":                  "",
		"profile.x.y.z.region":             "",
		"a.b.c":                            "",
		"services.local.sts.a.endpoint_ur": "",
	} {
		s, err := c.ParseSetting(name, "base")
		if want == "" {
			if !errors.Is(err, ErrSetting) {
				t.Errorf("%q: %v, %v", name, s, err)
			}
			continue
		}
		header, problem := s.Header(false)
		if got := header + " " + s.String(); err != nil || problem != nil || got != want {
			t.Errorf("%q: %s, %v, %v; want %s", name, got, err, problem, want)
		}
	}
}

// A setting that was set is read back, and nothing else has changed; without it the text
// is as it was, but for a section that was added.
func TestSetAndUnset(t *testing.T) {
	for _, tt := range []struct{ name, text, key, value, want, unset string }{
		{"a new section", "", "k", "v", "[profile a]\nk = v\n", "[profile a]\n"},
		{"a nested one in a new section", "[b]\n", "s3.x", "v", "[b]\n\n[profile a]\ns3 =\n    x = v\n", "[b]\n\n[profile a]\n"},
		{"its own line", "[profile a]\nK =1 # c\nj = 2\n", "k", "v", "[profile a]\nK =v # c\nj = 2\n", "[profile a]\nj = 2\n"},
		{"an empty value", "[profile a]\nj = 2\n", "k", "", "[profile a]\nj = 2\nk =\n", "[profile a]\nj = 2\n"},
		{"the last of duplicates", "[profile a]\nk = 1\nk = 2\n[profile a]\nk = 3\n", "k", "v", "[profile a]\nk = 1\nk = 2\n[profile a]\nk = v\n", "[profile a]\n[profile a]\n"},
		{"nested", "[profile a]\ns3 =\n\tx = 1\n\ty = 2 # c\nj = 3\n", "s3.x", "v", "[profile a]\ns3 =\n\tx = v\n\ty = 2 # c\nj = 3\n", "[profile a]\ns3 =\n\ty = 2 # c\nj = 3\n"},
		{"nested, with its comment", "[profile a]\ns3 =\n  x = 1 # c\n", "s3.x", "v # d", "[profile a]\ns3 =\n  x = v # d\n", "[profile a]\n"},
		{"nested, new", "[profile a]\r\n S3 = # c\r\n   y = 2\r\nj = 3\r\n", "s3.x", "v", "[profile a]\r\n S3 = # c\r\n   y = 2\r\n   x = v\r\nj = 3\r\n", "[profile a]\r\n S3 = # c\r\n   y = 2\r\nj = 3\r\n"},
		{"nested, the first one", "[profile a]\n  s3=", "s3.x", "v", "[profile a]\n  s3=\n      x = v", "[profile a]"},
		{"nested, from an empty value", "[profile a]\ns3 =\n  x =\n", "s3.x", "v", "[profile a]\ns3 =\n  x = v\n", "[profile a]\n"},
		{"nested, to an empty value", "[profile a]\ns3 =\n  x = 1\n  y = 2", "s3.x", "", "[profile a]\ns3 =\n  x = \n  y = 2", "[profile a]\ns3 =\n  y = 2"},
	} {
		s := Setting{Kind: kindProfile, Name: "a"}
		s.Key, s.Sub, _ = strings.Cut(tt.key, ".")
		got, err := Set(tt.text, "[profile a]", s, tt.value)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v; want %q", tt.name, got, err, tt.want)
		}
		c, err := Parse(File{Text: got}, File{})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if v, _, ok := c.Setting(s); !ok || v.Text != tt.value {
			t.Errorf("%s: read back as %q, %v", tt.name, v.Text, ok)
		}
		if lines := c.Settings(s); len(lines) == 0 {
			t.Errorf("%s: no line", tt.name)
		}
		if got, err = Unset(got, "[profile a]", s); err != nil || got != tt.unset {
			t.Errorf("%s: without it %q, %v; want %q", tt.name, got, err, tt.unset)
		}
	}
}

// The capitals of a key count if it names a variable.
func TestSetVariable(t *testing.T) {
	c, err := Parse(File{}, File{})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":            "[profile a]\nfob_env_DB_Host = v\n",
		"[profile a]": "[profile a]\nfob_env_DB_Host = v",
		"[profile a]\nFOB_ENV_DB_Host=1 # c\nj = 2\n":             "[profile a]\nFOB_ENV_DB_Host=v # c\nj = 2\n",
		"[profile a]\nfob_env_DB_Host = 1\nfob_env_db_host = 2\n": "[profile a]\nfob_env_DB_Host = v\nfob_env_db_host = 2\n",
		"[profile a]\nfob_env_db_host = 2\nfob_env_DB_Host = 1":   "[profile a]\nfob_env_db_host = 2\nfob_env_DB_Host = v",
		"[profile a]\n\tfob_env_DB_Host = 1\n\tk = v\n":           "[profile a]\n\tfob_env_DB_Host = v\n\tk = v\n",
	} {
		s, err := c.ParseSetting("FOB_env_DB_Host", "a")
		if err != nil || s.Key != "fob_env_db_host" || s.String() != "fob_env_DB_Host" {
			t.Fatal(s, err)
		}
		got, err := Set(text, "[profile a]", s, "v")
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
}

// Variables that differ in their capitals are two, but on Windows.
func TestTwoVariables(t *testing.T) {
	const text = "[profile a]\nfob_env_http_proxy = low\n"
	up := Setting{Kind: kindProfile, Name: "a", Key: "fob_env_http_proxy", Variable: "fob_env_HTTP_PROXY"}
	low := up
	low.Variable = low.Key
	_, err := Set(text, "[profile a]", up, "v")
	if other, ok := errors.AsType[*SyntaxError](err); !ok || other.Line != 2 {
		t.Errorf("%v", err)
	}
	both, err := Parse(File{Text: text + "fob_env_HTTP_PROXY = up\n"}, File{})
	if err != nil {
		t.Fatal(err)
	}
	one, err := Parse(File{Text: text}, File{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		c    *Config
		s    Setting
		want string
	}{{both, up, "up"}, {both, low, "low"}, {one, low, "low"}, {one, up, ""}} {
		v, _, ok := tt.c.Setting(tt.s)
		if all := tt.c.Settings(tt.s); v.Text != tt.want || ok != (tt.want != "") || ok != (len(all) == 1) || ok && all[0] != v {
			t.Errorf("%s: %q, %v", tt.s, v.Text, all)
		}
	}
	if got, err := Unset(text+"fob_env_HTTP_PROXY = up\n", "[profile a]", up); got != text || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	up.FoldCase = true
	if v, _, ok := one.Setting(up); !ok || v.Text != "low" {
		t.Errorf("on Windows: %v, %v", v, ok)
	}
	if got, err := Set(text, "[profile a]", up, "v"); got != "[profile a]\nfob_env_http_proxy = v\n" || err != nil {
		t.Errorf("on Windows: %q, %v", got, err)
	}
}

func TestSetRefuses(t *testing.T) {
	const text = "[profile a]\ns3 =\n  x = 1\nk = v\n"
	for _, tt := range []struct{ key, value string }{
		{"k", "a\nb"}, {"k", "a # b"}, {"k", `"a"`}, {"k", " a"}, {"k", "\x1b[m"}, {"k", "\xff"},
		{"k", `"`}, {"k", "'"}, {"k", "a\u2028b"}, {"k", "a\u2029b"}, {"k", "a\u0085b"}, {"n", "\x1c"},
		{"s3.x", `"`}, {"s3.x", "'"}, {"s3.x", "path\u2028x"}, {"s3.n", "path\u2029x"},
		{"a=b", "v"}, {"a b", "\n"}, {"#a", "v"}, {"[a]", "v"}, {"a:b", "v"},
		{"s3.x", "a\nb"}, {"s3.x", `"a"`}, {"s3.x", "a "}, {"s3.a=b", "v"}, {"s3.#a", "v"}, {"a=b.x", "v"},
		{"s3", "v"}, {"k.x", "v"},
	} {
		s := Setting{Kind: kindProfile, Name: "a"}
		s.Key, s.Sub, _ = strings.Cut(tt.key, ".")
		got, err := Set(text, "[profile a]", s, tt.value)
		_, nested := errors.AsType[*NestError](err)
		_, unfit := errors.AsType[*ValueError](err)
		if !nested && !unfit || nested != slices.Contains([]string{"s3", "k.x"}, tt.key) {
			t.Errorf("%q = %q: %q, %v", tt.key, tt.value, got, err)
		}
	}
}
