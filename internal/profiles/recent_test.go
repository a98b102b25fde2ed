package profiles

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestRecent(t *testing.T) {
	f := Files{State: filepath.Join(t.TempDir(), "state")}
	path := filepath.Join(f.State, "recent.json")
	check := func(step string, err error, want ...string) {
		t.Helper()
		if got := f.Recent(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", step, got, err, want)
		}
	}
	check("nothing yet", nil)
	check("nothing to forget", errors.Join(f.Forget("dev"), f.Forget()))
	if _, err := os.Stat(f.State); err == nil {
		t.Error("forgetting wrote something")
	}
	check("one", f.Used("dev"), "dev")
	check("two at once", f.Used("prod", "ops"), "prod", "ops", "dev")
	check("again", f.Used("dev"), "dev", "prod", "ops")
	before, _ := os.Stat(path)
	check("the same again", f.Used("dev"), "dev", "prod", "ops")
	if after, _ := os.Stat(path); !os.SameFile(before, after) {
		t.Error("written although nothing changed")
	}
	if runtime.GOOS != "windows" && before.Mode() != 0o600 {
		t.Errorf("mode %v", before.Mode())
	}
	check("forget", f.Forget("prod", "unknown"), "dev", "ops")
	odd := "a\nb\x1b ../\"東京"
	check("any name stays that name", f.Used(odd), odd, "dev", "ops")
	check("but not what JSON would change", f.Used("\xff"), odd, "dev", "ops")
	check("forget all", f.Forget())
	for i := range 150 {
		if err := f.Used(fmt.Sprint("p", i)); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.Recent(); len(got) != maxRecent || got[0] != "p149" || got[99] != "p50" {
		t.Errorf("%d: %q", len(got), got)
	}
	for _, damaged := range []string{"", "x", `{"profiles":["dev"`, `{"profiles":"dev"}`, `["dev"]`, `{"profiles":["` + strings.Repeat("x", maxRecentFile) + `"]}`} {
		if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		check("damaged", nil)
		check("and replaced", f.Used("dev"), "dev")
	}
	if left, _ := os.ReadDir(f.State); len(left) != 1 {
		t.Errorf("files are left: %v", left)
	}
}

// Of many fobs that end at once each leaves a whole file.
func TestRecentTogether(t *testing.T) {
	f := Files{State: t.TempDir()}
	if err := f.Used("old"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 20 {
				if err := f.Used(fmt.Sprint("p", i)); err != nil {
					t.Error(err)
				}
				if got := f.Recent(); !slices.Contains(got, "old") {
					t.Errorf("lost what nobody used at the time: %q", got)
				}
			}
		})
	}
	all.Wait()
}

func TestOffer(t *testing.T) {
	now := time.Now()
	rows := []Row{
		{Profile: "a", Route: "AKIA...MPLE", Account: "111111111111"},
		{Profile: "b", Problem: errors.New("no key")},
		{Profile: "c", Session: now.Add(43 * time.Minute)},
		{Profile: "d", MFASerial: "mfa/jo"},
		{Profile: "e", SignedIn: now.Add(time.Hour)},
		{Profile: "f", Problem: errors.New("no key")},
		{Profile: "g"},
	}
	var got []string
	for _, r := range Offer(rows, []string{"g", "gone", "b", "d"}) {
		got = append(got, r.Profile)
	}
	if want := []string{"g", "d", "c", "e", "a"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for i, want := range []string{
		"{a [AKIA...MPLE 111111111111 ]}", "", "{c [  43m left]}", "{d [  signed out]}", "{e [  signed in]}",
	} {
		if got := fmt.Sprint(rows[i].Choice(now)); want != "" && got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
