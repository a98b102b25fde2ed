package awsconfig

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func pairs(kv ...string) (props [][2]string) {
	for p := range slices.Chunk(kv, 2) {
		props = append(props, [2]string{p[0], p[1]})
	}
	return props
}

var dev = pairs("region", "eu-west-1", "credential_process", "/usr/local/bin/fob export --profile dev")

func TestAppendSection(t *testing.T) {
	const section = "[profile dev]\nregion = eu-west-1\ncredential_process = /usr/local/bin/fob export --profile dev\n"
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", section},
		{"after a section", "[default]\nk = v\n", "[default]\nk = v\n\n" + section},
		{"no last line end", "[default]\nk = v", "[default]\nk = v\n\n" + section},
		{"blank line there", "[default]\n\n", "[default]\n\n" + section},
		{"only a comment", "# mine", "# mine\n\n" + section},
		{"CRLF", "[default]\r\nk = v", "[default]\r\nk = v\r\n\r\n" + strings.ReplaceAll(section, "\n", "\r\n")},
		{"BOM", "\ufeff[default]\n", "\ufeff[default]\n\n" + section},
	} {
		got, err := AppendSection(tt.text, "[profile dev]", dev)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestSetKeys(t *testing.T) {
	for _, tt := range []struct {
		name, header, text string
		props              [][2]string
		want               string
	}{
		{"after the last property", "[profile a]", "[profile a]\nk = v\n\n# b's\n[profile b]\nk = w\n", pairs("x", "1", "y", "2"),
			"[profile a]\nk = v\nx = 1\ny = 2\n\n# b's\n[profile b]\nk = w\n"},
		{"after nested properties", "[profile a]", "[profile a]\ns3 =\n  b = c\n# d\n", pairs("x", "1"), "[profile a]\ns3 =\n  b = c\nx = 1\n# d\n"},
		{"into an empty section", "[profile a]", "[profile a] # mine\n[b]\n", pairs("x", "1"), "[profile a] # mine\nx = 1\n[b]\n"},
		{"no last line end", "[profile a]", "[profile a]\nk = v", pairs("x", "1", "y", "2"), "[profile a]\nk = v\nx = 1\ny = 2"},
		{"header without line end", "[profile a]", "[profile a]", pairs("x", "1"), "[profile a]\nx = 1"},
		{"CRLF", "[profile a]", "[profile a]\r\nk = v\r\n\r\n", pairs("x", "1"), "[profile a]\r\nk = v\r\nx = 1\r\n\r\n"},
		{"a value changes in its line", "[profile a]", "[profile a]\nRegion\t=  us-east-1   # home\r\n", pairs("region", "eu-west-1"), "[profile a]\nRegion\t=  eu-west-1   # home\r\n"},
		{"an empty one", "[profile a]", "[profile a]\nk = # c\nj=\n", pairs("k", "v", "j", "w"), "[profile a]\nk = v # c\nj= w\n"},
		{"to an empty one", "[profile a]", "[profile a]\nk = v # c\n", pairs("k", ""), "[profile a]\nk =  # c\n"},
		{"as it is", "[profile a]", "[profile a]\nk = \"v\" ; c\n", pairs("k", "v"), "[profile a]\nk = \"v\" ; c\n"},
		{"the duplicate that counts", "[profile a]", "[profile a]\nk = 1\nk = 2\n[profile a]\nj = 3\n", pairs("k", "4", "x", "5"), "[profile a]\nk = 1\nk = 4\n[profile a]\nj = 3\nx = 5\n"},
		{"any spelling of the header", "[profile a]", "[ profile\t'a' ]\n", pairs("k", "v"), "[ profile\t'a' ]\nk = v\n"},
		{"the default that counts", "[default]", "[default]\n[profile default]\n", pairs("k", "v"), "[default]\n[profile default]\nk = v\n"},
		{"the credentials file", "[a]", "[a]\n[b]\n", pairs("k", "v"), "[a]\nk = v\n[b]\n"},
	} {
		got, err := SetKeys(tt.text, tt.header, tt.props)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

// In the lines that continue a value, some SDKs read properties, even an access key: no
// edit removes them.
func TestContinuedValuesStay(t *testing.T) {
	const header = "[profile a]"
	for _, text := range []string{
		"[profile a]\nk = v\n  w\n# c\n  x\nj = 1\n",
		"[profile a]\nk = v\n  aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n  aws_secret_access_key = wJalr\n",
		"[profile a]\nj = 1\n[profile a]\n  k = v\r\n    aws_secret_access_key: wJalr",
	} {
		s := Setting{Kind: kindProfile, Name: "a", Key: "k"}
		for name, edit := range map[string]func() (string, error){
			"SetKeys":           func() (string, error) { return SetKeys(text, header, pairs("k", "y")) },
			"SetKeys, as it is": func() (string, error) { return SetKeys(text, header, pairs("k", "v")) },
			"Set":               func() (string, error) { return Set(text, header, s, "y") },
			"Set of a nested one": func() (string, error) {
				return Set(text, header, Setting{Kind: kindProfile, Name: "a", Key: "k", Sub: "x"}, "y")
			},
			"Unset": func() (string, error) { return Unset(text, header, s) },
		} {
			got, err := edit()
			at, syntax := errors.AsType[*SyntaxError](err)
			_, nested := errors.AsType[*NestError](err)
			if !nested && (!syntax || !at.Continued || strings.TrimSpace(strings.Split(text, "\n")[at.Line-1])[:1] != "k") {
				t.Errorf("%s: %q becomes %q, %v", name, text, got, err)
			}
		}
		for name, edit := range map[string]func() (string, error){
			"RemoveKeys":  func() (string, error) { out, _, err := RemoveKeys(text, header, pairs("k", "v")); return out, err },
			"RestoreLine": func() (string, error) { return RestoreLine(text, header, [2]string{"k", "v"}, "k = u") },
			"Unset":       func() (string, error) { return Unset(text, header, Setting{Kind: kindProfile, Name: "a", Key: "l"}) },
		} {
			if got, err := edit(); err != nil || got != text {
				t.Errorf("%s: %q becomes %q, %v", name, text, got, err)
			}
		}
	}
}

// A value that continues on lines with a key is whole, as the SDKs run it and hand it out.
func TestContinuedIsWhole(t *testing.T) {
	const text = "k = v\n  aws_session_token = two\n  AWS_SESSION_TOKEN=abc b\n"
	c, err := Parse(File{Text: "[profile a]\n" + text}, File{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "v\naws_session_token = two\nAWS_SESSION_TOKEN=abc b"
	p, _ := c.Profile("a")
	if v, _ := p.Plain("k"); v.Text != want {
		t.Errorf("it is read as %q", v.Text)
	}
	if v := c.Java().Profiles["a"]["k"]; v.Text != want {
		t.Errorf("it is read as %q for Java", v.Text)
	}
}

// An access key in the lines that continue a value is found.
func TestHidden(t *testing.T) {
	for text, want := range map[string]string{
		"[profile a]\nregion = x\n  aws_access_key_id = AKIA\n  aws_secret_access_key = s\n":         "3 aws_access_key_id AKIA",
		"[profile a]\nregion = x\n\tAWS_Secret_Access_Key: s # t\n":                                  "3 aws_secret_access_key s",
		"[profile a]\nregion = x\n  aws_secret_access_key = s\n  aws_access_key_id = AKIA\n":         "4 aws_access_key_id AKIA",
		"[profile a]\naws_access_key_id = AKIA\n  aws_secret_access_key = s\n":                       "3 aws_secret_access_key s",
		"[profile a]\nregion = x\n  aws_access_key_id = AKIA\n[profile a]\nregion = y\n":             "3 aws_access_key_id AKIA",
		"[profile a]\nregion =\n  aws_access_key_id = AKIA\n":                                        "",
		"[profile a]\nregion = x\naws_access_key_id = AKIA\n  # aws_secret_access_key = s\n":         "",
		"[profile a]\ncredential_process = x\n  --key aws_access_key_id\n  --id=aws_access_key_id\n": "",
	} {
		c, err := parse(text, "[a]\nregion = z\n")
		if err != nil {
			t.Fatal(err)
		}
		p, _ := c.Profile("a")
		v, ok := p.Hidden()
		got := strings.TrimSpace(strings.Join([]string{strings.TrimPrefix(strconv.Itoa(v.Line), "0"), v.Key, v.Text}, " "))
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestRemoveKeys(t *testing.T) {
	const lines = "region = eu-west-1\ncredential_process = /usr/local/bin/fob export --profile dev\n"
	for _, tt := range []struct {
		name, text, want string
		all              bool
	}{
		{"all of a section", "[default]\nk = v\n\n[profile dev]\n" + lines + "\n[profile b]\n", "[default]\nk = v\n\n[profile dev]\n\n[profile b]\n", true},
		{"another key stays", "[profile dev]\n" + lines + "k = v\n", "[profile dev]\nk = v\n", true},
		{"a changed value stays", "[profile dev]\nregion = us-east-1\n" + lines[19:], "[profile dev]\nregion = us-east-1\n", false},
		{"a continued value stays", "[profile dev]\nregion = eu-west-1\n  x\n", "[profile dev]\nregion = eu-west-1\n  x\n", false},
		{"nested properties stay", "[profile dev]\nregion =\n  x = y\n", "[profile dev]\nregion =\n  x = y\n", false},
		{"a comment stays, and its section", "[profile dev]\n" + lines + "# mine\n", "[profile dev]\n# mine\n", true},
		{"a comment in the header stays", "[profile dev] ; mine\n" + lines, "[profile dev] ; mine\n", true},
		{"no last line end, no other property", "[default]\nk = v\n\n[profile dev]\n" + strings.TrimSuffix(lines, "\n"), "[default]\nk = v\n\n[profile dev]", true},
		{"no last line end", "[profile dev]\r\nk = v\r\nregion = eu-west-1", "[profile dev]\r\nk = v", true},
		{"twice, without last line end", "[profile dev] # c\nregion = eu-west-1\nregion = eu-west-1", "[profile dev] # c", true},
		{"BOM", "\ufeff[profile dev]\n" + lines, "\ufeff[profile dev]\n", true},
		{"each of two sections", "[profile dev]\n" + lines + "[profile b]\n[profile dev]\n" + lines, "[profile dev]\n[profile b]\n[profile dev]\n", true},
		{"an empty section", "[profile dev]\n\n", "[profile dev]\n\n", true},
		{"no such section", "[default]\n", "[default]\n", true},
	} {
		got, all, err := RemoveKeys(tt.text, "[profile dev]", dev)
		if err != nil || got != tt.want || all != tt.all {
			t.Errorf("%s: got %q, %v, %v; want %q, %v", tt.name, got, all, err, tt.want, tt.all)
		}
	}
}

func TestRemoveHeader(t *testing.T) {
	for _, tt := range []struct{ name, text, before, want string }{
		{"the last section", "[default]\nk = v\n\n[profile dev]\n", "\n", "[default]\nk = v\n"},
		{"the only section", "[profile dev]\n", "", ""},
		{"a section in between", "[default]\n\n[profile dev]\n\n[profile b]\n", "\n", "[default]\n\n[profile b]\n"},
		{"the text had no last line end", "[default]\r\nk = v\r\n\r\n[profile dev]\r\n", "\r\n\r\n", "[default]\r\nk = v"},
		{"and there is more now", "[default]\r\nk = v\r\n\r\n[profile dev]\r\n[profile b]", "\r\n\r\n", "[default]\r\nk = v\r\n[profile b]"},
		{"something else before it", "[default]\n# mine\n[profile dev]\n", "\n\n", "[default]\n# mine\n"},
		{"without line end", "[default]\n\n[profile dev]", "\n", "[default]\n"},
		{"BOM", "\ufeff[profile dev]\n", "", "\ufeff"},
		{"BOM, and more", "\ufeff[profile dev]\n[profile b]\n", "", "\ufeff[profile b]\n"},
		{"any spelling", "[ profile 'dev' ]\n", "", ""},
		{"not empty", "[profile dev]\nk = v\n", "", "[profile dev]\nk = v\n"},
		{"a comment", "[profile dev]\n# mine\n", "", "[profile dev]\n# mine\n"},
		{"a comment in the header", "[profile dev] ; mine\n", "", "[profile dev] ; mine\n"},
		{"the empty one of two", "[profile dev]\nk = v\n[profile dev]\n", "", "[profile dev]\nk = v\n"},
		{"none", "[profile b]\n", "", "[profile b]\n"},
	} {
		if got, err := RemoveHeader(tt.text, "[profile dev]", tt.before); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

// What SetKeys did to a line is undone, if the line still has that value.
func TestRestoreLine(t *testing.T) {
	for _, tt := range []struct{ name, was, now, want string }{
		{"as it was set", "Region\t=  us-east-1   # home", "", "Region\t=  us-east-1   # home"},
		{"empty", "region=", "", "region="},
		{"quoted", `region = "us-east-1"`, "", `region = "us-east-1"`},
		{"a comment was added", "region = us-east-1", "region = eu-west-1 # why", "region = us-east-1 # why"},
		{"changed since", "region = us-east-1", "region = ap-south-1", "region = ap-south-1"},
		{"continued since", "region = us-east-1", "region = eu-west-1\n  x", "region = eu-west-1\n  x"},
		{"another key", "output = json", "region = eu-west-1", "region = eu-west-1"},
		{"two lines", "region = x\noutput = json", "region = eu-west-1", "region = eu-west-1"},
		{"not a property", "region", "region = eu-west-1", "region = eu-west-1"},
	} {
		before := "[profile a]\nk = v\n" + tt.was + "\n[profile b]\n"
		text := strings.ReplaceAll(before, tt.was, tt.now)
		if tt.now == "" {
			if line, ok, err := Line(before, "[profile a]", "region"); err != nil || !ok || line != tt.was {
				t.Fatalf("%s: remembered as %q, %v, %v", tt.name, line, ok, err)
			}
			var err error
			if text, err = SetKeys(before, "[profile a]", pairs("region", "eu-west-1")); err != nil || text == before {
				t.Fatalf("%s: %q, %v", tt.name, text, err)
			}
		}
		want := strings.ReplaceAll(before, tt.was, tt.want)
		if got, err := RestoreLine(text, "[profile a]", [2]string{"region", "eu-west-1"}, tt.was); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, want)
		}
	}
	for _, text := range []string{"[profile a]\nk = v\n  w\n", "[profile a]\n", ""} {
		if line, ok, err := Line(text, "[profile a]", "k"); ok || err != nil {
			t.Errorf("%q: %q, %v", text, line, err)
		}
	}
}

func TestEditErrors(t *testing.T) {
	for _, props := range [][][2]string{
		pairs("k", "a\nb"), pairs("k", "a\rb"), pairs("k", "a # b"), pairs("k", "# b"), pairs("k", "a\t;b"), pairs("k", " a"), pairs("k", "a "),
		pairs("k", `"a b" --profile "c d"`), pairs("k", "'a'"), pairs("k", "a\x00"), pairs("k", "\xff"),
		pairs("", "v"), pairs("K", "v"), pairs("a=b", "v"), pairs("a:b", "v"), pairs("#k", "v"), pairs("[k", "v"), pairs(" k", "v"), pairs("k\nj", "v"),
	} {
		var bad *ValueError
		if _, err := AppendSection("", "[profile a]", props); !errors.As(err, &bad) {
			t.Errorf("%q is appended: %v", props, err)
		}
		if got, err := SetKeys("[profile a]\n", "[profile a]", props); !errors.As(err, &bad) {
			t.Errorf("%q is set: %q, %v", props, got, err)
		}
	}
	if _, err := AppendSection("[ profile a ]\n", "[profile a]", dev); !errors.Is(err, ErrSection) {
		t.Errorf("a second section: %v", err)
	}
	if _, err := SetKeys("[profile b]\n", "[profile a]", dev); !errors.Is(err, ErrNoSection) {
		t.Errorf("no section: %v", err)
	}
	for _, header := range []string{"", "a", "[plugins", "[]", "[profile a] # \n[profile b]"} {
		var bad *NameError
		if _, err := AppendSection("", header, dev); !errors.As(err, &bad) {
			t.Errorf("header %q: %v", header, err)
		}
	}
	var bad *SyntaxError
	if _, err := AppendSection("\nk", "[profile a]", dev); !errors.As(err, &bad) || err.Error() != `line 2: a property outside a section` {
		t.Errorf("broken text: %v", err)
	}
}

// FuzzEdit sets a property in any text and removes it again.
func FuzzEdit(f *testing.F) {
	for _, text := range []string{
		"[profile a]\n", "[profile a]\r\nk = v # c\r\n  d\r\n", "\ufeff[profile a]\nk =\n  x = y", "# c\n[profile b]\n[profile a]\n\n[profile a]\nregion = 1\n", "[default]\nk",
	} {
		f.Add(text, "region", "eu-west-1")
		f.Add(text, "k", "w")
	}
	f.Fuzz(func(t *testing.T, text, key, value string) {
		const header = "[profile a]"
		if strings.HasSuffix(text, "\r") {
			return // half a line end, of which a line after it makes a whole one
		}
		before, err := parse(text, "")
		if err != nil {
			return
		}
		p, exists := before.Profile("a")
		_, had := p.Plain(key)
		props := pairs(key, value)
		var edited string
		if exists {
			edited, err = SetKeys(text, header, props)
		} else {
			edited, err = AppendSection(text, header, props)
		}
		if err != nil {
			return
		}
		after, err := parse(edited, "")
		if err != nil {
			var loop *LoopError
			if errors.As(err, &loop) {
				return // the key was include_profile
			}
			t.Fatalf("%q -> %q: %v", text, edited, err)
		}
		p, _ = after.Profile("a")
		if v, ok := p.Plain(key); !ok || v.Text != value {
			t.Fatalf("%q -> %q: reads %q", text, edited, v.Text)
		}
		if !had && exists && !without(edited, text, key) {
			t.Fatalf("%q -> %q: more than a line was added", text, edited)
		}
		removed, all, err := RemoveKeys(edited, header, props)
		if err != nil || !had && !all {
			t.Fatalf("%q: %v, %v", edited, all, err)
		}
		if !had && exists && removed != text {
			t.Fatalf("%q -> %q -> %q", text, edited, removed)
		}
		if !isSubsequence(removed, edited) {
			t.Fatalf("%q -> %q: something was added", edited, removed)
		}
	})
}

// without reports whether edited, without one line that begins with key, is text.
func without(edited, text, key string) bool {
	lines := strings.SplitAfter(edited, "\n")
	for i, l := range lines {
		if !strings.HasPrefix(l, key+" =") {
			continue
		}
		rest := strings.Join(slices.Delete(slices.Clone(lines), i, i+1), "")
		if rest == text || strings.TrimRight(rest, "\r\n") == text {
			return true
		}
	}
	return false
}

// isSubsequence reports whether small is big with lines left out. The last line may
// have lost its end.
func isSubsequence(small, big string) bool {
	bigLines := strings.SplitAfter(strings.TrimPrefix(big, "\ufeff"), "\n")
	for _, l := range strings.SplitAfter(strings.TrimPrefix(small, "\ufeff"), "\n") {
		i := slices.IndexFunc(bigLines, func(b string) bool { return strings.TrimRight(b, "\r\n") == strings.TrimRight(l, "\r\n") })
		if l == "" {
			continue
		}
		if i < 0 {
			return false
		}
		bigLines = bigLines[i+1:]
	}
	return true
}
