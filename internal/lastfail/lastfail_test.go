package lastfail

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"
	"time"
)

func TestRecords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fob")
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	if all, err := All(dir); len(all) != 0 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
	if err := Clear(dir, "dev"); err != nil {
		t.Error(err)
	}
	dev := Record{Profile: "dev", Time: at, Code: 4, Problem: "a code is needed", Hint: "fob login dev"}
	odd := Record{Profile: "../../x", Time: at.Add(-time.Hour), Code: 3, Problem: "no profile"}
	later := dev
	later.Time, later.Problem = at.Add(time.Minute), "again"
	for _, r := range []Record{dev, odd, later} {
		if err := Save(dir, r); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := All(dir); err != nil || !reflect.DeepEqual(all, []Record{odd, later}) {
		t.Errorf("%v, %v", all, err)
	}
	if err := Clear(dir, "dev"); err != nil {
		t.Error(err)
	}
	if all, _ := All(dir); !reflect.DeepEqual(all, []Record{odd}) {
		t.Errorf("%v", all)
	}
	entries, _ := os.ReadDir(filepath.Dir(dir))
	if len(entries) != 1 {
		t.Errorf("beside the directory: %v", entries)
	}
	entries, _ = os.ReadDir(dir)
	for _, e := range entries {
		if fi, _ := e.Info(); fi.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" { // which has no modes
			t.Errorf("%s is %v", e.Name(), fi.Mode())
		}
	}
}

// Files that are not records do no harm.
func TestNoRecords(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"export-1.json": "", "export-2.json": "{", "export-3.json": `{"problem":1}`, "export-4.json": "{}",
		"export-5.json": `{"problem":"` + string(make([]byte, maxSize)) + `"}`, "store-1.json": `{"problem":"x"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "export-6.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if all, err := All(dir); len(all) != 0 || err != nil {
		t.Errorf("%v, %v", all, err)
	}
}

// A secret that was pasted into the AWS config is not kept with an error that quotes it.
func TestNoSecret(t *testing.T) {
	dir := t.TempDir()
	const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" // from AWS's documentation
	if err := Save(dir, Record{Profile: "dev", Code: 1, Problem: "invalid region " + secret, Hint: "fob " + secret}); err != nil {
		t.Fatal(err)
	}
	if all, err := All(dir); err != nil || len(all) != 1 || all[0].Problem != "invalid region (hidden)" || all[0].Hint != "fob (hidden)" {
		t.Errorf("%v, %v", all, err)
	}
}
