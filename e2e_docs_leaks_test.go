//go:build unix

package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fob/internal/ststest"
)

// gitIdentity is who commits in the pages.
const gitIdentity = "export GIT_AUTHOR_NAME=Jo GIT_AUTHOR_EMAIL=jo@example.com GIT_COMMITTER_NAME=Jo GIT_COMMITTER_EMAIL=jo@example.com\n"

// tryInRepository runs a block in a repository of its own.
func tryInRepository(t *testing.T, r *reader, code string) {
	r.sh(t, "", "sh", gitIdentity+"git init -q clean\ncd clean\ngit commit -q --allow-empty -m first\n"+code)
	var log struct{ Runs []any }
	if err := json.Unmarshal([]byte(text(t, filepath.Join(r.Home, "clean/leaks.sarif"))), &log); err != nil || len(log.Runs) != 1 {
		t.Errorf("%v, %v", err, log)
	}
}

// tryFramework runs what pre-commit would run, which adds nothing to that.
func tryFramework(t *testing.T, r *reader, code string) {
	holds(t, code, "language: system", "pass_filenames: false")
	m := regexp.MustCompile(`entry: ([^,]*),`).FindStringSubmatch(code)
	if m == nil {
		t.Fatalf("no entry in\n%s", code)
	}
	holds(t, r.sh(t, "", "sh", "git init -q framework\ncd framework\n"+m[1]), "No leaks in 0 files")
}

// tryHook runs a block that installs the hook, which then refuses a commit with a key but
// none with what the baseline has.
func tryHook(t *testing.T, r *reader, code string) {
	code = strings.Replace(code, "fob leaks\n", "fob leaks || echo found\n", 1)
	screen := r.sh(t, "", "sh", gitIdentity+`git init -q repo
cd repo
echo "`+ststest.DemoKeyID+`" > old
git add old
git commit -q -m first
`+code+`
echo "# more" >> old
git commit -q -a -m second && echo committed
cp old new
git add new
git commit -q -m third || echo refused
`)
	holds(t, screen, "found", "1 new finding in known.json", "committed", "new:1: access key ID, staged", "refused")
}
