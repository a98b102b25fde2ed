package awsconfig

import (
	"slices"
	"testing"
)

// What botocore 1.43 and the Go SDK (config 1.33) do with each row was tried; the
// differential test in package doctor tries many more.
func TestDifferences(t *testing.T) {
	for _, tt := range []struct {
		config, credentials string
		want                []Difference // File is "c" unless it says "d"
	}{
		{"", "", nil},
		{"[profile a]\nregion = eu-west-1\n# note\n ; note\n\t\n[default]\nk=v\n", "[a b]\naws_access_key_id = x#y\n", nil},
		{"[profile a]\r\nregion = x\r\n", "", nil},
		{"[profile a]\ns3 =\n  addressing_style = path\n\n  max_queue_size = 1\n", "", nil},
		{"[profile a]\nk = v\n  more\n  and more\n", "", nil},
		{"[profile  a]\n[sso-session\tb]\n[a]\n[plugins]\n", "[sso-session]\n", nil},
		{"[profile a] # note\n[profile b]\t;note\n", "", nil},

		{"\ufeff[profile a]\n", "", []Difference{{Line: 1, Kind: ByteOrderMark}}},
		{"[profile a]\nregion = caf\xe9\n", "", []Difference{{Line: 2, Kind: NotUTF8}}},
		{"[profile a]\nk = v\rw = x\n", "", []Difference{{Line: 2, Kind: CarriageReturn}}},
		{"[profile a]\n[]\n", "", []Difference{{Line: 2, Kind: Unparsable}}},

		{"[profile a]\nregion = x\n[profile b]\n[profile a]\nregion = x\n", "", []Difference{{Line: 4, Kind: DuplicateSection, Name: "profile a", CLI: `profile "a"`, Go: `profile "a"`}}},
		{"[profile a]\n[profile  a]\n", "", []Difference{{Line: 2, Kind: SameSection, Name: `profile "a"`}}},
		{"[default]\n[profile default]\n", "", []Difference{{Line: 2, Kind: SameSection, Name: `profile "default"`}}},
		{"[DEFAULT]\n", "", []Difference{{Line: 1, Kind: DefaultValues, Name: "DEFAULT", Go: `profile "DEFAULT"`}}},
		{"", "[DEFAULT]\n", []Difference{{File: "d", Line: 1, Kind: DefaultValues, Name: "DEFAULT"}}},
		{`[profile "a"]` + "\n", "", []Difference{{Line: 1, Kind: HeaderName, Name: `profile "a"`, CLI: `profile "a"`, Go: `profile ""a""`}}},
		{"[sso-session 'a']\n", "", []Difference{{Line: 1, Kind: HeaderName, Name: "sso-session 'a'", CLI: `sso-session "a"`, Go: `sso-session "'a'"`}}},
		{"[ profile a ]\n", "", []Difference{{Line: 1, Kind: HeaderName, Name: " profile a ", Go: `profile "a"`}}},
		{"[profile-old a]\n", "", []Difference{{Line: 1, Kind: HeaderName, Name: "profile-old a", CLI: `profile "a"`}}},
		{"[profile a] # see [x]\n", "", []Difference{{Line: 1, Kind: HeaderName, Name: "profile a] # see [x", Go: `profile "a"`}}},
		{"", "[ a ]\n", []Difference{{File: "d", Line: 1, Kind: HeaderName, Name: " a ", CLI: `profile " a "`, Go: `profile "a"`}}},
		{"", "[profile a]\n", []Difference{{File: "d", Line: 1, Kind: HeaderName, Name: "profile a", CLI: `profile "profile a"`}}},

		{"[profile a]\nregion = x\nRegion = y\n", "", []Difference{{Line: 3, Kind: DuplicateKey, Name: "region"}}},
		{"", "[a]\naws_access_key_id=1\naws_access_key_id=1\n", []Difference{{File: "d", Line: 3, Kind: DuplicateKey, Name: "aws_access_key_id"}}},
		{"[profile a]\nregion = x # note\noutput = y\t;note\n", "", []Difference{{Line: 2, Kind: InlineComment, Name: "region"}, {Line: 3, Kind: InlineComment, Name: "output"}}},
		{"[profile a]\nregion = \"x\"\noutput = ''\nk = 'x\" y\n", "", []Difference{{Line: 2, Kind: QuotedValue, Name: "region"}, {Line: 3, Kind: QuotedValue, Name: "output"}}},
		{"[profile a]\ns3 =\n  k = 'v'\n", "", []Difference{{Line: 3, Kind: QuotedValue, Name: "k"}}},
		// Python's str.splitlines ends a line at each of these, where no "=" follows.
		{"[profile a]\ns3 =\n  k = v\u2028x\n", "", []Difference{{Line: 3, Kind: Unparsable}}},
		{"[profile a]\ns3 =\n  k = v\x0bx\n", "", []Difference{{Line: 3, Kind: Unparsable}}},
		{"[profile a]\ns3 =\n  k = v\u0085x\n", "", []Difference{{Line: 3, Kind: Unparsable}}},
		{"[profile a]\nregion = \"\n", "", []Difference{{Line: 2, Kind: LoneQuote, Name: "region"}}},
		{"[profile a]\nk = v\n [profile b]\nk = v\n", "", []Difference{{Line: 3, Kind: Continuation, Name: "profile b", Go: `profile "b"`}, {Line: 4, Kind: DuplicateKey, Name: "k"}}},
		{"[profile a]\nk = v\n  a = b\n", "", []Difference{{Line: 3, Kind: Continuation, Name: "k"}}},
		{"[profile a]\nk = v\n\n  more\n", "", []Difference{{Line: 4, Kind: EmptyLine, Name: "k"}}},
		{"[profile a]\nk = v\r\n  more\r\n", "", []Difference{{Line: 3, Kind: WhiteSpace, Name: "k"}}},
		{"[profile a]\nk = v\x1c\n", "", []Difference{{Line: 2, Kind: WhiteSpace, Name: "k"}}},
		{"[profile a]\n[profile a] x\n[profile x#]\n[profile x#]\n", "", []Difference{{Line: 2, Kind: DuplicateSection, Name: "profile a", CLI: `profile "a"`}, {Line: 4, Kind: DuplicateSection, Name: "profile x#", CLI: `profile "x#"`}}},
		{"[profile a]\nk = v\nk = 'v' # x\n", "", []Difference{{Line: 3, Kind: DuplicateKey, Name: "k"}}},
		{"[profile a]\nk = v\nk = \"\n", "", []Difference{{Line: 3, Kind: DuplicateKey, Name: "k"}, {Line: 3, Kind: LoneQuote, Name: "k"}}},
		// What else Unreadable lists is left to it.
		{"[profile a b]\n[profile a]x\n", `["x"]`, nil},
	} {
		c, err := Parse(File{"c", tt.config}, File{"d", tt.credentials})
		if err != nil {
			t.Errorf("%q %q: %v", tt.config, tt.credentials, err)
			continue
		}
		for i := range tt.want {
			if tt.want[i].File == "" {
				tt.want[i].File = "c"
			}
		}
		got := c.Differences()
		for i := range got {
			got[i].header, got[i].quotes = false, false
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q %q:\n%+v, want\n%+v", tt.config, tt.credentials, got, tt.want)
		}
	}
}

func TestInside(t *testing.T) {
	c, err := Parse(File{"c", "# note\n[profile a]\nk = v\n\n[profile b]\nk = v\n[profile a]\nk = v"}, File{"d", "[a]\nk = v\n"})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[int][2]bool{1: {false, false}, 2: {true, false}, 4: {true, false}, 5: {false, true}, 6: {false, true}, 7: {true, false}, 8: {true, false}} {
		if a, b := c.Inside("a", "c", line), c.Inside("b", "c", line); a != want[0] || b != want[1] {
			t.Errorf("line %d: in a %v, in b %v", line, a, b)
		}
	}
	if !c.Inside("a", "d", 2) || c.Inside("b", "d", 2) || c.Inside("nobody", "c", 3) {
		t.Error("in the credentials file")
	}
}
