package doctor

import (
	"slices"
	"testing"

	"fob/internal/awsconfig"
)

// A line that fob doctor --fix rewrites is read alike afterwards, and nothing else is read
// differently than before.
func TestPlainLines(t *testing.T) {
	seen := map[awsconfig.DifferenceKind]int{}
	for i := range 3000 {
		s := sampleOf(i)
		config, err := parse(s.files)
		if err != nil {
			continue
		}
		all := config.Differences()
		for _, d := range all {
			if d.Kind != awsconfig.InlineComment && d.Kind != awsconfig.QuotedValue {
				continue
			}
			at := index(d.File == "credentials")
			after := s.files
			after[at] = awsconfig.Plain(s.files[at], d.Line)
			if after == s.files || !sameValues(s.files[at], after[at], at == 1) {
				continue
			}
			seen[d.Kind]++
			fixed, err := parse(after)
			if err != nil {
				t.Fatalf("sample %d: %v\n%s", i, err, after[at])
			}
			if left := fixed.Differences(); len(left) >= len(all) {
				t.Errorf("sample %d, line %d: %v\nand then %v\n%s-- and then\n%s", i, d.Line, all, left, s.files[at], after[at])
			}
		}
	}
	for _, kind := range []awsconfig.DifferenceKind{awsconfig.InlineComment, awsconfig.QuotedValue} {
		if seen[kind] < 20 {
			t.Errorf("only %d lines with %s", seen[kind], kindNames[kind])
		}
	}
}

// After a fix, no tool gets other credentials for any profile, except those that could not
// read a file or its first section because of a byte order mark.
func TestFixedAlike(t *testing.T) {
	seen := map[awsconfig.DifferenceKind]int{}
	for i := range 3000 {
		s := sampleOf(i)
		before, err := parse(s.files)
		if err != nil {
			continue
		}
		for _, d := range before.Differences() {
			after, marked := s.files, d.Kind == awsconfig.ByteOrderMark
			at := index(d.File == "credentials")
			switch {
			case marked:
				after[at] = awsconfig.WithoutMark(s.files[at])
			case (&exam{}).plainLine(before, d) != "":
				after[at] = awsconfig.Plain(s.files[at], d.Line)
			}
			if after == s.files || !sameValues(s.files[at], after[at], at == 1) {
				continue
			}
			seen[d.Kind]++
			fixed, err := parse(after)
			if err != nil {
				t.Fatalf("sample %d: %v\n%s", i, err, after[at])
			}
			is := newReader(fixed).tools()
			for n, tool := range newReader(before).tools() {
				for _, profile := range s.profiles {
					was, now := tool.chain(profile), is[n].chain(profile)
					same := was.stumbled == now.stumbled && was.same(now) || was.unsure.File != ""
					if readsMarks := tool.names[0] == "JavaScript SDK"; !same && (!marked || readsMarks) {
						t.Errorf("sample %d, line %d, %s of %v: %v, and then %v\n%s", i, d.Line, profile, tool.names, was, now, s.files[at])
					}
				}
			}
		}
	}
	for _, kind := range []awsconfig.DifferenceKind{awsconfig.ByteOrderMark, awsconfig.InlineComment, awsconfig.QuotedValue} {
		if seen[kind] < 20 {
			t.Errorf("only %d files with %s", seen[kind], kindNames[kind])
		}
	}
}

func TestPlain(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"[a]\nregion = x # home\nb = c\n", "[a]\n# home\nregion = x\nb = c\n"},
		{"[a]\r\nregion=x ; home\r\n", "[a]\r\n; home\r\nregion=x\r\n"},
		{"[a]\nregion =  \"x\"", "[a]\nregion =  x"},
		{"[a]\nregion = 'x' # y", "[a]\n# y\nregion = x"},
		{"[a]\nregion = \"x # y\"\n", "[a]\nregion = \"x # y\"\n"},
		{"[a]\nregion = \" x\"\n", "[a]\nregion = \" x\"\n"},
		{"[a]\nregion = \"\"\n", "[a]\nregion = \"\"\n"},
		{"[a]\n  region = x # y\n", "[a]\n  region = x # y\n"},
		{"[a]\n[b]\n", "[a]\n[b]\n"},
		{"[a]", "[a]"},
	} {
		if got := awsconfig.Plain(tt.text, 2); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

// What a fix may not change is noticed.
func TestSameValues(t *testing.T) {
	const text = "[profile a]\nregion = x\ns3 =\n  b = c\n[sso-session s]\nsso_region = r\n"
	for _, other := range []string{
		"", "[profile a]\nregion = x\n", "[profile a]\nregion = y\ns3 =\n  b = c\n[sso-session s]\nsso_region = r\n",
		"[profile b]\nregion = x\ns3 =\n  b = c\n[sso-session s]\nsso_region = r\n", "[profile a]\nregion = x\ns3 =\n  b = c\n[sso-session s]\nsso_region = q\n",
		text + "[sso-session t]\n", text + "[profile a]x\n", text + "nonsense\n", text + "k = v\n",
	} {
		if sameValues(text, other, false) {
			t.Errorf("%q is taken for the same", other)
		}
	}
	if !sameValues(text, "\ufeff# c\n"+text, false) || !sameValues("[a]\nb = c\n", "[a]\n# d\nb = c\n", true) {
		t.Error("the same is taken for something else")
	}
	if !slices.Equal(harmless, []string{"region", "output"}) {
		t.Error("is that harmless? sub-settings are not compared")
	}
}
