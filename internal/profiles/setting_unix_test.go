//go:build unix

package profiles

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"fob/internal/awsconfig"
)

// Settings that are changed at the same time are all there afterwards. On Windows a
// directory cannot be locked.
func TestSettingsAtOnce(t *testing.T) {
	dir := t.TempDir()
	files := Files{Config: filepath.Join(dir, "config"), Credentials: filepath.Join(dir, "credentials"), Tilde: filepath.Base}
	const n = 30
	setting := func(i int) awsconfig.Setting {
		return awsconfig.Setting{Kind: "profile", Name: "dev", Key: fmt.Sprint("k", i)}
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if at, changed, err := files.Set(setting(i), "v"); err != nil || !changed || at.Text != "v" {
				t.Errorf("%d: %q, %v, %v", i, at.Text, changed, err)
			}
		})
	}
	wg.Wait()
	config, err := files.Parse()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if v, _, ok := config.Setting(setting(i)); !ok || v.Text != "v" {
			t.Errorf("%d is lost", i)
		}
	}
	for i := range n {
		wg.Go(func() {
			if gone, err := files.Unset(setting(i)); err != nil || len(gone) != 1 {
				t.Errorf("%d: %v, %v", i, gone, err)
			}
		})
	}
	wg.Wait()
	if config, err = files.Parse(); err != nil {
		t.Fatal(err)
	}
	if section, _ := config.Profile("dev"); len(section.Keys()) > 0 {
		t.Errorf("%v are left", section.Keys())
	}
}
