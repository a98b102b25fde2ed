package term

import "testing"

func TestWidth(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 0},
		{"dev", 3},
		{"José", 4},
		{"Jose\u0301", 4}, // a combining accent
		{"東京", 4},
		{"ｆｏｂ", 6},  // full width
		{"ﾌｫﾌﾞ", 4}, // half width
		{"ok 🙂", 5},
		{"→ ✓ Ω", 5}, // ambiguous: one column outside East Asian locales
		{"☁\ufe0f", 1},
	} {
		if got := Width(c.text); got != c.want {
			t.Errorf("%q: %d, want %d", c.text, got, c.want)
		}
	}
}

func TestCutStart(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"~/a.csv:12", 10, "~/a.csv:12"},
		{"~/a.csv:12", 9, "...csv:12"},
		{"東京東京", 8, "東京東京"},
		{"東京東京", 7, "...東京"},
		{"東京東京", 6, "...京"}, // a wide character is not cut in half
		{"Jose\u0301 Perez", 9, "... Perez"},
		{"xPe\u0301re", 5, "xPe\u0301re"},
		{"xyPe\u0301re", 5, "...re"}, // the accent goes with its letter
		{"production", 3, "..."},
		{"production", 2, ".."},
		{"production", -1, ""},
	} {
		if got := CutStart(c.text, c.columns); got != c.want {
			t.Errorf("%q in %d columns: %q, want %q", c.text, c.columns, got, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"production", 10, "production"},
		{"production", 9, "produc..."},
		{"東京東京", 8, "東京東京"},
		{"東京東京", 7, "東京..."},
		{"東京東京", 6, "東..."}, // a wide character is not cut in half
		{"Jose\u0301 Perez", 7, "Jose\u0301..."},
		{"production", 3, "..."},
		{"production", 2, ".."},
		{"production", 0, ""},
		{"production", -1, ""},
	} {
		got := Cut(c.text, c.columns)
		if got != c.want {
			t.Errorf("%q in %d columns: %q, want %q", c.text, c.columns, got, c.want)
		}
		if c.columns >= 0 && Width(got) > c.columns {
			t.Errorf("%q is wider than %d columns", got, c.columns)
		}
	}
}
