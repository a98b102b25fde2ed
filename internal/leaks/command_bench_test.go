//go:build linux

package leaks

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// benchmark runs whole commands side by side, in turns, and compares their times: the wall
// clock's, and the processors', which another program that keeps them busy changes less.
type benchmark struct {
	fob     string
	environ []string
	secrets Secrets
}

// newBenchmark makes a store with three keys and a fourth that was replaced, which the kernel
// keeps open, as on a desktop: to open it with a passphrase takes a third of a second, on
// purpose.
func newBenchmark(b *testing.B) *benchmark {
	dir := b.TempDir()
	w := &benchmark{fob: filepath.Join(dir, "fob"), secrets: someSecrets(3)}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", w.fob, "fob")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	w.secrets.Seeds = nil
	w.environ = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "FOB_PASSPHRASE=correct horse battery staple", "FOB_UNLOCK_TTL=10m", "FOB_UNLOCK_KEYS_TTL=10m"}
	all := someSecrets(4).Keys
	all[3].Profile = w.secrets.Keys[0].Profile
	for _, k := range slices.Concat(all[3:], w.secrets.Keys) { // which replaces the first
		add := exec.Command(w.fob, "add", k.Profile, "--stdin", "--no-verify", "--backend", "file", "--yes", "-q")
		add.Env, add.Stdin = w.environ, strings.NewReader(k.ID+"\n"+k.Secret.Reveal()+"\n")
		if out, err := add.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	w.checkRetired(b, all[3].Secret.Reveal())
	return w
}

// checkRetired fails if fob does not search for the secret of the replaced key.
func (w *benchmark) checkRetired(b *testing.B, secret string) {
	file := filepath.Join(b.TempDir(), "old")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		b.Fatal(err)
	}
	find := exec.Command(w.fob, "leaks", "--json", file)
	find.Env = w.environ
	if out, _ := find.Output(); !bytes.Contains(out, []byte(`"state": "retired"`)) { // it fails, because it finds it
		b.Fatalf("the replaced key is not searched for:\n%s", out)
	}
}

// needles is a file with every spelling that fob looks for, but for those with a NUL.
func (w *benchmark) needles(b *testing.B) string {
	all, _ := spellings(w.secrets)
	var text bytes.Buffer
	for _, s := range all {
		if !bytes.Contains(s.text, []byte{0}) {
			fmt.Fprintf(&text, "%s\n", s.text)
		}
	}
	file := filepath.Join(b.TempDir(), "needles")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	return file
}

// contest is a command's times.
type contest struct {
	name string
	argv []string
	wall []time.Duration
	cpu  []time.Duration
}

// run runs a command once.
func (c *contest) run(b *testing.B, environ []string) {
	cmd := exec.Command(c.argv[0], c.argv[1:]...)
	cmd.Env = environ
	began := time.Now()
	out, err := cmd.CombinedOutput()
	c.wall = append(c.wall, time.Since(began))
	c.cpu = append(c.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 { // 1 is found, or not found
		b.Fatalf("%q: %v\n%.2000s", c.argv, err, out)
	}
}

func middle(times []time.Duration) float64 {
	return slices.Sorted(slices.Values(times))[len(times)/2].Seconds()
}

// report runs the commands in turns, and reports the medians, and the first's as a
// multiple of each other's.
func (w *benchmark) report(b *testing.B, all ...*contest) {
	for turn := 0; b.Loop(); turn++ {
		for i := range all {
			all[(i+turn)%len(all)].run(b, w.environ)
		}
	}
	b.ReportMetric(0, "ns/op") // the sum means nothing
	for i, c := range all {
		b.ReportMetric(middle(c.wall)*1000, c.name+"-ms")
		b.ReportMetric(middle(c.cpu)*1000, c.name+"-cpu-ms")
		if i > 0 {
			b.ReportMetric(middle(all[0].wall)/middle(c.wall), all[0].name+"/"+c.name)
			b.ReportMetric(middle(all[0].cpu)/middle(c.cpu), all[0].name+"/"+c.name+"-cpu")
		}
	}
}

// sizeOf is how many bytes the files below a directory have.
func sizeOf(b *testing.B, dir string) (size int64) {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			info, problem := d.Info()
			size, err = size+info.Size(), problem
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return size
}

// fob leaks, grep -rF with the same needles and, if it is installed, gitleaks, on the
// files of Go, or on what FOB_BENCH_FILES names.
func BenchmarkFiles(b *testing.B) {
	dir := os.Getenv("FOB_BENCH_FILES")
	if dir == "" {
		out, err := exec.Command("go", "env", "GOROOT").Output()
		if err != nil {
			b.Fatal(err)
		}
		dir = strings.TrimSpace(string(out))
	}
	w := newBenchmark(b)
	size := sizeOf(b, dir)
	fob := &contest{name: "fob", argv: []string{w.fob, "leaks", dir}}
	grep := &contest{name: "grep", argv: []string{"grep", "-rFlf", w.needles(b), dir}}
	b.Run("grep", func(b *testing.B) {
		w.report(b, fob, grep)
		b.ReportMetric(float64(size)/1e9/middle(fob.wall), "GB/s")
		b.ReportMetric(float64(size)/1e9/middle(fob.cpu), "GB/cpu-s")
	})
	gitleaks, err := exec.LookPath("gitleaks")
	if err != nil {
		return
	}
	b.Run("gitleaks", func(b *testing.B) {
		other := &contest{name: "gitleaks", argv: []string{gitleaks, "dir", dir, "--no-banner", "--exit-code", "0"}}
		w.report(b, &contest{name: "fob", argv: fob.argv}, other)
	})
}

// fob leaks on a bare repository of 100,000 objects, and git cat-file, which only prints
// them.
func BenchmarkObjects(b *testing.B) {
	git, err := exec.LookPath("git")
	if err != nil {
		b.Skip("no git here")
	}
	w := newBenchmark(b)
	repo := filepath.Join(b.TempDir(), "r.git")
	makeObjects(b, git, repo)
	fob := &contest{name: "fob", argv: []string{w.fob, "leaks", repo}}
	cat := &contest{name: "cat-file", argv: []string{"sh", "-c", git + " -C " + repo + " cat-file --batch-all-objects --batch >/dev/null"}}
	w.report(b, fob, cat)
}

// makeObjects makes a repository of 25,000 commits, each with a new version of a file in a
// directory of 50, and packs it.
func makeObjects(b *testing.B, git, repo string) {
	text := source(b)
	var stream bytes.Buffer
	for i := range 25_000 {
		at := i * 997 % (len(text) - 8000)
		blob := fmt.Sprintf("%d\n%s", i, text[at:at+2000+i%5000])
		fmt.Fprintf(&stream, "commit refs/heads/main\nmark :%d\ncommitter Jo <jo@example.com> %d +0000\ndata 5\nnext\n", i+1, 1_700_000_000+i)
		fmt.Fprintf(&stream, "M 100644 inline d%d/f%d\ndata %d\n%s\n", i%50, i%1000, len(blob), blob)
	}
	for _, c := range []struct {
		stdin string
		args  []string
	}{
		{"", []string{"init", "-q", "--bare", repo}},
		{stream.String(), []string{"-C", repo, "fast-import", "--quiet"}},
		{"", []string{"-C", repo, "gc", "-q"}},
	} {
		cmd := exec.Command(git, c.args...)
		cmd.Env, cmd.Stdin = gitEnviron(), strings.NewReader(c.stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %q: %v\n%s", c.args, err, out)
		}
	}
	count := exec.Command(git, "-C", repo, "count-objects", "-v")
	out, err := count.Output()
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%s", out)
}
