package awsconfig

import (
	"errors"
	"reflect"
	"testing"
)

// Skimming finds the same as checking every line.
func FuzzSkim(f *testing.F) {
	for _, text := range []string{
		"", "\n\n", "[a]", "[a]\n", "[a]\r\nk = v\r\n", "\ufeff[a]\nk = v\n", "k = v\n[a]\n",
		"[profile a]\nrole_arn = x\n\n[ b ]\nk= v\n[c ]\n[]\n[ ]\n[c]]\n", "[a] # c\nk=\n  s = 1\nk = v\n  more\n",
		"[a]\nk: v\n", "[a]\nk = v\n\n  more\n", "[a\nk = v\n", "[a]\n  k = v\n  j = w\nk = v\n", "[a#b]\n", "[a]\nk  = v\n",
		"[profile a]\ninclude_profile = b\nfob_include_profile = c\n[profile b]\nINCLUDE_PROFILE=a\n", "[a]\nk = v", "[a]\n= v\n", "[a]\n_=\n",
		"\x00", "\xff\xfe[\x00a\x00]\x00", "[\x00a\x00]\x00",
	} {
		f.Add(text, false)
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, credentials bool) {
		file := File{Path: "f", Text: text}
		index, includes, err := scan(file, credentials)
		if isUTF16(text) {
			if syntax, ok := errors.AsType[*SyntaxError](err); !ok || !syntax.UTF16 {
				t.Fatalf("a file in UTF-16: %v", err)
			}
			return
		}
		wantIndex, wantIncludes, wantErr := scanSlowly(file, credentials)
		if !reflect.DeepEqual(err, wantErr) || !reflect.DeepEqual(includes, wantIncludes) {
			t.Fatalf("%v, %v; slowly %v, %v", includes, err, wantIncludes, wantErr)
		}
		if len(index.marks) != len(wantIndex.marks) {
			t.Fatalf("%d sections, slowly %d", len(index.marks), len(wantIndex.marks))
		}
		end := -1
		for i := range index.marks {
			s := index.at(i)
			if want := wantIndex.at(i); s != want {
				t.Errorf("%+v, slowly %+v", s, want)
			}
			if end >= 0 && s.start != end || s.start >= s.body || s.body > s.end || text[s.start:s.body] == "" {
				t.Errorf("section %d is at %d, %d, %d after %d", i, s.start, s.body, s.end, end)
			}
			end = s.end
		}
	})
}

func scanSlowly(f File, credentials bool) (index, []include, error) {
	s := newScanner(f, credentials)
	for s.next() {
		if problem := s.check(); problem != "" {
			return index{}, nil, &SyntaxError{File: f.Path, Line: s.num, Problem: problem}
		}
	}
	return s.index, s.includes, nil
}
