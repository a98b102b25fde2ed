package awsconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const (
	configPath = "/home/jo/.aws/config"
	credsPath  = "/home/jo/.aws/credentials"
)

func parse(config, credentials string) (*Config, error) {
	return Parse(File{configPath, config}, File{credsPath, credentials})
}

// The expectations of TestDialect were confirmed with the Go SDK (config 1.32.40 and
// 1.33.16). "differs" marks the rows where fob differs on purpose.
func TestDialect(t *testing.T) {
	for _, tt := range []struct{ name, config, key, want string }{
		{"plain", "[profile a]\nk = v\n", "k", "v"},
		{"no spaces", "[profile a]\nk=v", "k", "v"},
		{"= in a value", "[profile a]\nk = a=b", "k", "a=b"},
		{": in a value", "[profile a]\nk = arn:aws:iam", "k", "arn:aws:iam"},
		{"key case", "[profile a]\nAWS_Region = v\n", "aws_region", "v"},
		{"last duplicate", "[profile a]\nk = 1\nk = 2\n", "k", "2"},
		{"sections merge", "[profile a]\nk = 1\nj = 1\n[profile b]\nk = 9\n[profile a]\nk = 2\n", "k", "2"},
		{"sections merge, other key", "[profile a]\nk = 1\nj = 1\n[profile b]\nk = 9\n[profile a]\nk = 2\n", "j", "1"},
		{"empty value", "[profile a]\nk =\n", "k", ""},
		{"comment after a value", "[profile a]\nk = v # c\n", "k", "v"},
		{"semicolon after a value", "[profile a]\nk = v\t; c\n", "k", "v"},
		{"# without white space", "[profile a]\nk = v#c;d\n", "k", "v#c;d"},
		{"only a comment", "[profile a]\nk = # c\n", "k", ""},
		{"comment at the =", "[profile a]\nk =# c\n", "k", "# c"},
		{"quotes", "[profile a]\nk = \"v w\"\n", "k", "v w"},
		{"single quotes", "[profile a]\nk = 'v w'\n", "k", "v w"},
		{"outer quotes of two pairs", "[profile a]\nk = \"/a b/fob\" --profile \"c d\"\n", "k", `/a b/fob" --profile "c d`},
		{"a lone quote (differs: the SDK panics)", "[profile a]\nk = \"\n", "k", `"`},
		{"continuation", "[profile a]\nk = x\n  y\n\tz\n", "k", "x\ny\nz"},
		{"continuation keeps # text", "[profile a]\nk = x\n  y # c\n", "k", "x\ny # c"},
		{"continuation past blank and comment", "[profile a]\nk = x\n\n# c\n  # c\n  y\n", "k", "x\ny"},
		{"continuation with CRLF (differs: the SDK keeps the CR)", "[profile a]\r\nk = x\r\n  y\r\n", "k", "x\ny"},
		{"continuation with = (differs: to the SDK a property; the AWS CLI agrees with fob)", "[profile a]\nk = x\n  y = z\n", "k", "x\ny = z"},
		{"continuation with a bracket", "[profile a]\nk = x\n  [y\n", "k", "x\n[y"},
		{"CRLF", "[profile a]\r\nk = v\r\n", "k", "v"},
		{"BOM (differs: the SDK loses the section)", "\ufeff[profile a]\nk = v\n", "k", "v"},
		{"Unicode", "[profile a]\nk = grün 漢字\n", "k", "grün 漢字"},
		{"tabs", "[profile\ta]\nk\t=\tv\n", "k", "v"},
		{"spaces in the header", " [ profile   a ] # c\nk = v\n", "k", "v"},
		{"comment at the bracket", "[profile a];c\nk = v\n", "k", "v"},
		{"other sections are ignored", "[profile a]\nk = v\n[plugins]\nk = w\n[a]\nk = x\n", "k", "v"},
		{"a section indented as a whole", "[profile a]\n  j = w\n  k = v\n", "k", "v"},
		{"and outdented again", "[profile a]\n    j = w\n  k = v\n", "k", "v"},
		{"a continuation in it", "[profile a]\n  k = x\n    y\n  j = w\n", "k", "x\ny"},
		{"indented header", "[profile b]\nk = v\n  [profile a]\nk = w\n", "k", "w"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := parse(tt.config, "")
			if err != nil {
				t.Fatal(err)
			}
			p, ok := c.Profile("a")
			if !ok {
				t.Fatal("no profile a")
			}
			if v, ok := p.Get(tt.key); !ok || v.Text != tt.want {
				t.Errorf("got %q, %v; want %q", v.Text, ok, tt.want)
			}
		})
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, tt := range []struct {
		text, problem string
		line          int
	}{
		{"k = v\n[profile a]\n", "a property outside a section", 1},
		{"\n[profile a\nk = v\n", `missing "]" in a section header`, 2},
		{"[profile a # ]\n", `missing "]" in a section header`, 1},
		{"[profile a] junk\nk v\n", `missing "="`, 2},
		{"[profile a]\nk v\n", `missing "="`, 2},
		{"[profile a]\nk # = v\n", `missing "="`, 2},
		{"[profile a]\nk: v\n", `":" instead of "="`, 2},
		{"[profile a]\nk: v --x=y\n", `":" instead of "="`, 2},
		{"[profile a]\n\n = v\n", `missing key before "="`, 3},
		{"[profile a]\n= v\n", `missing key before "="`, 2},
		{"[profile a]\n  k\n", "an indented line with nothing to continue", 2},
		{"[profile a]\nk = v\n[profile b]\n  w\n", "an indented line with nothing to continue", 4},
		{"[services s]\nsts =\n  x\n", `missing "="`, 3},
		{"  k = v\n", "an indented line with nothing to continue", 1},
	} {
		for _, crlf := range []bool{false, true} {
			text := tt.text
			if crlf {
				text = strings.ReplaceAll(text, "\n", "\r\n")
			}
			_, err := parse("", text)
			var bad *SyntaxError
			if !errors.As(err, &bad) || bad.File != credsPath || bad.Line != tt.line || bad.Problem != tt.problem {
				t.Errorf("%q: got %v; want line %d: %s", text, err, tt.line, tt.problem)
			}
		}
	}
}

// A header that cannot be read, or has a name that is not valid, spoils its own
// section and no other one.
func TestUnreadable(t *testing.T) {
	for _, tt := range []struct{ header, config, credentials string }{ // with "" if it can be read
		{"[profile Co-[prod]/Role]", "Co-[prod]/Role", ""}, // in the credentials file it is ignored as text
		{"[profile Co-[prod]/Role] # granted", "Co-[prod]/Role", ""},
		{"[ profile\tCo-[prod]/Role ]", "Co-[prod]/Role", ""},
		{"[profile Co-[prod]]", "Co-[prod]", ""},
		{"[profile [prod]]", "[prod]", ""},
		{`[profile "Co-[prod]"]`, "Co-[prod]", ""},
		{"[Co-[prod]/Role]", "", "Co-[prod]/Role"},
		{"[profile a] junk", "a", ""},
		{"[profile a]]", "a", ""},
		{"[a] junk", "", "a"},
		{"[default] junk", "default", "default"},
		{"[profile default] junk", "default", ""},
		{"[profile C#-dev]", "C#-dev", ""},
		{"[profile a;b]", "a;b", ""},
		{"[a;b]", "", "a;b"},
		{"[profile my prod]", "my prod", ""},
		{"[profile a(b)]", "a(b)", ""},
		{"[profile a{b}]", "a{b}", ""},
		{`[profile a"b]`, `a"b`, ""},
		{`[a"b]`, "", `a"b`},
		{"[profile good]", "", ""},
		{"[good]", "", ""},
		{"[plugins]", "", ""},
		{"[sso-session x] junk", "", ""},
	} {
		for _, credentials := range []bool{false, true} {
			before, after := "[profile before]\nk = v\n", "\n  region = spoiled\naws_access_key_id = spoiled\ninclude_profile = before\n\n[profile after]\nk = v\n"
			if credentials {
				before, after = strings.ReplaceAll(before, "profile ", ""), strings.ReplaceAll(after, "profile a", "a")
			}
			text := before + tt.header + after
			want, name := tt.config, configPath
			c, err := parse(text, "")
			if credentials {
				want, name = tt.credentials, credsPath
				c, err = parse("", text)
			}
			if err != nil {
				t.Errorf("%s: %v", tt.header, err)
				continue
			}
			for _, good := range []string{"before", "after"} {
				p, _ := c.Profile(good)
				if v, _ := p.Get("k"); v.Text != "v" || c.Spoiled(good) != nil {
					t.Errorf("%s: profile %s is spoiled", tt.header, good)
				}
				for _, key := range []string{"region", "aws_access_key_id", "include_profile"} {
					if _, ok := p.Get(key); ok {
						t.Errorf("%s: profile %s got its %s", tt.header, good, key)
					}
				}
			}
			all := c.Unreadable()
			if want == "" {
				if len(all) > 0 && all[0].Means("good") {
					t.Errorf("%s: %v", tt.header, all)
				}
				continue
			}
			if len(all) != 1 || !all[0].Means(want) || all[0].File != name || all[0].Line != 3 || all[0].Problem == "" {
				t.Errorf("%s (%s): %v", tt.header, name, all)
			}
			if p, ok := c.Profile(want); ok {
				t.Errorf("%s: there is a profile %v", tt.header, p)
			}
		}
	}
}

// Unreadable is in the order of the lines, and takes no other section for a profile's.
func TestUnreadableOrder(t *testing.T) {
	c, err := parse("[profile a b]\n[sso-session x] junk\n[profilex] junk\n  [profile [c]]\n[profile d e]\n", "")
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for _, u := range c.Unreadable() {
		lines = append(lines, u.Line)
		for _, name := range []string{"x", "sso-session x", "profilex", ""} {
			if u.Means(name) {
				t.Errorf("line %d is taken for %q", u.Line, name)
			}
		}
	}
	if !slices.Equal(lines, []int{1, 2, 3, 4, 5}) {
		t.Errorf("lines %v", lines)
	}
}

// A header that cannot be read may be indented, as its section may be. Under a property
// that is indented less it continues the value.
func TestUnreadableIndented(t *testing.T) {
	c, err := parse("  [profile a]\n  k = v\n  [profile b[c]]\n  k = w\n  [profile d]\n  k = x\n    [y]z]\n", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "v", "d": "x\n[y]z]"} {
		p, _ := c.Profile(name)
		if v, _ := p.Get("k"); v.Text != want {
			t.Errorf("%s: %q", name, v.Text)
		}
	}
	if all := c.Unreadable(); len(all) != 1 || all[0].Line != 3 || !all[0].Means("b[c]") {
		t.Errorf("%v", all)
	}
}

// Spoiled sees a header that cannot be read beside a good one of the same profile.
func TestSpoiled(t *testing.T) {
	c, err := parse("[profile a]\nk = v\n[profile a] junk\nfob_account = 111111111111\n"+
		"[profile d]\ninclude_profile = e\n[profile e]\ninclude_profile = b\n[profile f]\ninclude_profile = c\n", "[b]\n[b] junk\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "d", "e"} {
		var syntax *SyntaxError
		if err := c.Spoiled(name); !errors.As(err, &syntax) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"c", "f"} {
		if err := c.Spoiled(name); err != nil {
			t.Error(err)
		}
	}
	if d := c.Differences(); len(d) != 2 || d[0].Kind != DuplicateSection || d[1].Kind != DuplicateSection {
		t.Errorf("%v", d) // the AWS CLI cares for nothing after the bracket
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct{ config, credentials, want string }{
		{"[default]\n[profile b]\n[profile a]\n[profile b]\n", "[c]\n[a]\n[default]\n", "default b a c"},
		{"[profile]\n[]\n[preview]\n[sso-session s]\n[services t]\n[Profile x]\n[DEFAULT]\n", "", ""},
		{"[profile a-b_c.d%e@f:g/h+i]\n[profile grün]\n", "", "a-b_c.d%e@f:g/h+i grün"},
		{"[profile a,b]\n[profile a b]\n[profile \"a]\n[profile a\x01]\n[profile a\xff]\n", "", ""},
		{`[profile "a b"]` + "\n" + `[profile 'c (d)']` + "\n" + `[profile "e"]`, "", "a b c (d) e"},
		{"[profile \"a'b\"]\n[profile \" a\"]\n[profile \"\"]\n", "", ""},
		{"", "[a b]\n[ c ]\n[profile d]\n[services e]\n[profile]\n[\"f g\"]\n", "a b c profile"},
	} {
		c, err := parse(tt.config, tt.credentials)
		if err != nil {
			t.Errorf("%q %q: %v", tt.config, tt.credentials, err)
			continue
		}
		if got := strings.Join(c.Names(), " "); got != tt.want {
			t.Errorf("%q %q: got %s; want %s", tt.config, tt.credentials, got, tt.want)
		}
		for _, name := range c.Names() {
			if _, ok := c.Profile(name); !ok {
				t.Errorf("%q is listed and not found", name)
			}
		}
	}
}

func TestPrecedence(t *testing.T) {
	const pair = "aws_access_key_id = %[1]s1\naws_secret_access_key = %[1]s2\n"
	config, credentials := fmt.Sprintf(pair, "c"), fmt.Sprintf(pair, "k")
	for _, tt := range []struct{ name, config, credentials, get, want string }{
		{"credentials win", "[profile a]\nregion = c\n", "[a]\nregion = k\n", "region", credsPath + ":2 k"},
		{"key by key", "[profile a]\nregion = c\n", "[a]\noutput = k\n", "region", configPath + ":2 c"},
		{"an empty value wins too", "[profile a]\nregion = c\n", "[a]\nregion =\n", "region", credsPath + ":2 "},
		{"fob_ wins", "[profile a]\nfob_region = f\nregion = c\n", "[a]\nregion = k\n", "region", configPath + ":2 f"},

		{"the pair of the credentials file", "[profile a]\n" + config, "[a]\n" + credentials, "aws_secret_access_key", credsPath + ":3 k2"},
		{"no token from the other file", "[profile a]\n" + config + "aws_session_token = c3\n", "[a]\n" + credentials, "aws_session_token", ""},
		{"the pair of the config file", "[profile a]\n" + config, "[a]\naws_session_token = k3\n", "aws_access_key_id", configPath + ":2 c1"},
		{"no stray token", "[profile a]\n" + config, "[a]\naws_session_token = k3\n", "aws_session_token", ""},
		{"half a pair is not completed", "[profile a]\n" + config, "[a]\naws_access_key_id = k1\n", "aws_secret_access_key", ""},
		{"and not replaced", "[profile a]\n" + config, "[a]\naws_access_key_id = k1\n", "aws_access_key_id", credsPath + ":2 k1"},
		{"halves do not join", "[profile a]\naws_access_key_id = c1\n", "[a]\naws_secret_access_key = k2\n", "aws_access_key_id", ""},

		{"an included profile lends", "[profile a]\ninclude_profile = b\n[profile b]\nregion = b\n", "", "region", configPath + ":4 b"},
		{"not what is there", "[profile a]\ninclude_profile = b\nregion = a\n[profile b]\nfob_region = b\n", "", "region", configPath + ":3 a"},
		{"the nearest first", "[profile a]\ninclude_profile = b\n[profile b]\nfob_include_profile = c\nregion = b\n[profile c]\nregion = c\n", "", "region", configPath + ":5 b"},
		{"and further", "[profile a]\ninclude_profile = b\n[profile b]\nfob_include_profile = c\n[profile c]\nregion = c\n", "", "region", configPath + ":6 c"},
		{"never keys", "[profile a]\ninclude_profile = b\n[profile b]\n" + config, "", "aws_access_key_id", ""},
		{"a missing one lends nothing", "[profile a]\ninclude_profile = b\n", "", "region", ""},
		{"[default] lends nothing", "[default]\nregion = d\n[profile a]\n", "", "region", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := parse(tt.config, tt.credentials)
			if err != nil {
				t.Fatal(err)
			}
			p, ok := c.Profile("a")
			if !ok {
				t.Fatal("no profile a")
			}
			got := ""
			if v, ok := p.Get(tt.get); ok {
				got = fmt.Sprint(v) + " " + v.Text
			}
			if got != tt.want {
				t.Errorf("got %q; want %q", got, tt.want)
			}
		})
	}
}

func TestDefault(t *testing.T) {
	for _, tt := range []struct{ config, want string }{
		{"[default]\nregion = short\n", "short"},
		{"[default]\nregion = short\n[profile default]\n", "none"},
		{"[profile default]\nregion = full\n[default]\nregion = short\n", "full"},
	} {
		c, err := parse(tt.config, "")
		if err != nil {
			t.Fatal(err)
		}
		p, ok := c.Profile("default")
		v, has := p.Get("region")
		if !has {
			v.Text = "none"
		}
		if !ok || v.Text != tt.want {
			t.Errorf("%q: got %q; want %q", tt.config, v.Text, tt.want)
		}
	}
}

func TestSection(t *testing.T) {
	c, err := parse("[profile a]\nservices = s\n[services s]\nsts =\n\n  # c\n  Endpoint_URL = http://x # y\n  key = \"q\"\nec2 =\n[services s]\nec2 = z\n", "[sso-session s]\nk = v\n[services]\n")
	if err != nil {
		t.Fatal(err)
	}
	s, ok := c.Section("services", "s")
	if !ok || s.File != configPath || s.Line != 3 {
		t.Errorf("got %+v, %v", s, ok)
	}
	v, _ := s.Sub("sts", "endpoint_url")
	if want := (Value{"http://x # y", configPath, 7, "endpoint_url", "Endpoint_URL"}); v != want {
		t.Errorf("got %s %q %q", v, v.Text, v.Key)
	}
	if v, _ := s.Sub("sts", "key"); v.Text != "q" {
		t.Errorf("got %q", v.Text)
	}
	if v, ok := s.Get("sts"); !ok || v.Text != "" {
		t.Errorf("got %q, %v", v.Text, ok)
	}
	if v, _ := s.Get("ec2"); v.Text != "z" {
		t.Errorf("got %q", v.Text)
	}
	if _, ok := c.Section("sso-session", "s"); ok {
		t.Error("an sso-session of the credentials file counts")
	}
}

func TestProfilePlace(t *testing.T) {
	c, err := parse("\n[profile a]\n", "[b]\n[a]\n")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := c.Profile("a")
	b, _ := c.Profile("b")
	if a.File != configPath || a.Line != 2 || b.File != credsPath || b.Line != 1 {
		t.Errorf("got %+v, %+v", a, b)
	}
	if p, ok := c.Profile("c"); ok {
		t.Errorf("found %+v", p)
	}
	var zero Profile
	if _, ok := zero.Get("region"); ok {
		t.Error("the zero Profile has a value")
	}
}

func TestIncludeLoop(t *testing.T) {
	for _, tt := range []struct{ config, credentials, want string }{
		{"[profile a]\ninclude_profile = a\n", "", configPath + `:2: include_profile loop: "a" -> "a"`},
		{"[profile z]\ninclude_profile = a\n[profile a]\nInclude_Profile = b\n[profile b]\nfob_include_profile = a\ninclude_profile = c\n", "",
			configPath + `:4: include_profile loop: "a" -> "b" -> "a"`},
		{"[profile a]\ninclude_profile = b\n", "[b]\ninclude_profile = a\n", configPath + `:2: include_profile loop: "a" -> "b" -> "a"`},
		{"[profile a]\ninclude_profile = a\ninclude_profile = b\n", "", ""},
		{"[profile a]\ninclude_profile = a\nfob_include_profile =\n", "", ""},
		{"[profile a]\ninclude_profile = a\n", "[a]\ninclude_profile = b\n", ""},
		{"[default]\ninclude_profile = default\n[profile default]\n", "", ""},
		{"[default]\ninclude_profile = default\n", "", configPath + `:2: include_profile loop: "default" -> "default"`},
		{"[plugins]\ninclude_profile = plugins\n[services s]\ninclude_profile = s\n", "", ""},
	} {
		_, err := parse(tt.config, tt.credentials)
		var loop *LoopError
		if tt.want == "" && err != nil || tt.want != "" && (!errors.As(err, &loop) || err.Error() != tt.want) {
			t.Errorf("%q %q: got %v; want %s", tt.config, tt.credentials, err, tt.want)
		}
	}
}

func TestHeader(t *testing.T) {
	for _, tt := range []struct{ kind, name, want string }{
		{"profile", "default", "[default]"},
		{"profile", "dev", "[profile dev]"},
		{"profile", "a b", `[profile "a b"]`},
		{"profile", "Acme (prod)", `[profile "Acme (prod)"]`},
		{"profile", "grün", "[profile grün]"},
		{"sso-session", "s", "[sso-session s]"},
		{"services", "default", "[services default]"},
		{"", "dev", "[dev]"},
		{"", "a b", "[a b]"},
		{"", "default", "[default]"},

		{"profile", "", ""},
		{"profile", " a", ""},
		{"profile", "a]", ""},
		{"profile", "a\n[b", ""},
		{"profile", "a#b", ""},
		{"profile", `a"b`, ""},
		{"profile", "it's", ""},
		{"profile", "a\x1b[2J", ""},
		{"profile", "a\u202eb", ""},
		{"profile", "\xff", ""},
		{"", "profile x", ""},
		{"plugins", "x", ""},
	} {
		got, err := Header(tt.kind, tt.name)
		var bad *NameError
		if got != tt.want || (tt.want == "") != errors.As(err, &bad) {
			t.Errorf("%s %q: got %q, %v; want %q", tt.kind, tt.name, got, err, tt.want)
		}
	}
}

// TestNothingLeaks prints the types that hold values, in every way that careless code
// might.
func TestNothingLeaks(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	text := "[a]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = " + secret + "\n"
	c, err := parse("", text)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Profile("a")
	v, _ := p.Plain("aws_secret_access_key")
	if v.Text != secret {
		t.Fatalf("got %q", v.Text)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, x := range []any{v, p, c, *c, File{"p", text}, struct{ V Value }{v}, []Profile{p}} {
			if got := fmt.Sprintf(verb, x); strings.Contains(got, secret) || strings.Contains(got, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s of a %T prints the secret", verb, x)
			}
		}
	}
	if b, _ := json.Marshal(p); strings.Contains(string(b), secret) {
		t.Error("JSON of a profile holds the secret")
	}
	_, err = parse("", text+secret+"\n")
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "\ufeff[default]\r\nregion = x # c\r\n  y\r\n", "[profile \"a b\"]\ns3 =\n  addressing_style = path\n",
		"[a]\nk = \"\n[profile a]\ninclude_profile = a\n", "[profile a\n", " [x] ;\n\v=\n", "[services s]\nsts=\n\ta=\n",
	} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, config, credentials string) {
		c, err := parse(config, credentials)
		texts := map[string]string{configPath: config, credsPath: credentials}
		inside := func(path string, line int) bool {
			return line >= 1 && line <= strings.Count(texts[path], "\n")+1
		}
		var bad *SyntaxError
		var loop *LoopError
		switch {
		case errors.As(err, &bad):
			if !inside(bad.File, bad.Line) {
				t.Fatalf("no such line: %v", err)
			}
			return
		case errors.As(err, &loop):
			if !inside(loop.File, loop.Line) || loop.Loop[0] != loop.Loop[len(loop.Loop)-1] {
				t.Fatalf("%v", err)
			}
			return
		case err != nil:
			t.Fatal(err)
		}
		for _, d := range c.Differences() {
			if !inside(d.File, d.Line) || d.Name == "" && (d.Kind == DuplicateKey || d.Kind == InlineComment) {
				t.Fatalf("%+v", d)
			}
		}
		fresh, err := parse(config, credentials)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range c.Names() {
			p, ok := c.Profile(name)
			if !ok || !inside(p.File, p.Line) {
				t.Fatalf("%q: %+v, %v", name, p, ok)
			}
			if one, _ := fresh.Profile(name); !reflect.DeepEqual(one, p) {
				t.Fatalf("%q is %+v among all names, and %+v alone", name, p, one)
			}
			if _, err := Header("profile", name); err != nil {
				t.Fatalf("a name was read that cannot be written: %v", err)
			}
			for key, e := range *p.own {
				lines := strings.Split(texts[e.File], "\n")
				if !inside(e.File, e.Line) || !strings.Contains(strings.ToLower(lines[e.Line-1]), key) || e.Key != key || key == "" {
					t.Fatalf("%q: %s does not hold %q", name, e.Value, key)
				}
			}
		}
	})
}

// tenThousand is a generated config of the size that large companies have.
func tenThousand() string {
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "[profile account-%05d]\nregion = eu-west-1\nfob_source_profile = base\nfob_role_arn = arn:aws:iam::%012d:role/deploy\n\n", i, i)
	}
	return b.String()
}

func BenchmarkParse10000(b *testing.B) {
	text := tenThousand()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		c, err := parse(text, "")
		if err != nil {
			b.Fatal(err)
		}
		p, _ := c.Profile("account-09999")
		if _, ok := p.Get("role_arn"); !ok {
			b.Fatal("no role_arn")
		}
	}
}

func BenchmarkProfile10000(b *testing.B) {
	c, err := parse(tenThousand(), "")
	if err != nil {
		b.Fatal(err)
	}
	names := c.Names()
	if !slices.Contains(names, "account-05000") {
		b.Fatal("no account-05000")
	}
	for b.Loop() {
		c.Profile("account-05000")
	}
}
