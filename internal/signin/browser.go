package signin

import (
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"fob/internal/cmdline"
)

// Browsers opens addresses in the user's browser. An address may hold no secret: it is
// in the command line of a program, which everybody can see.
type Browsers struct {
	Getenv   func(name string) string
	LookPath func(name string) (string, error)
	Environ  []string // of the program
}

var errNoBrowser = errors.New("no program for that")

// openTime is how long a program may take to fail. One that still runs is the browser
// itself.
const openTime = 3 * time.Second

// Open opens an address.
func (b Browsers) Open(address string) error {
	problem := errNoBrowser
	for _, argv := range b.programs(runtime.GOOS, address) {
		path, err := b.LookPath(argv[0])
		if err != nil {
			continue
		}
		if problem = b.start(path, argv[1:]); problem == nil {
			return nil
		}
	}
	return problem
}

// programs are the command lines to try, the user's own first.
func (b Browsers) programs(system, address string) (all [][]string) {
	for _, line := range strings.Split(b.Getenv("BROWSER"), string(filepath.ListSeparator)) {
		words := cmdline.Words(line)
		if len(words) == 0 {
			continue
		}
		placed := false
		for i, w := range words {
			if strings.Contains(w, "%s") {
				words[i], placed = strings.ReplaceAll(w, "%s", address), true
			}
		}
		if !placed {
			words = append(words, address)
		}
		all = append(all, words)
	}
	switch system {
	case "darwin":
		return append(all, []string{"open", address})
	case "windows":
		// Not cmd's start, for which the & in an address begins another command.
		return append(all, []string{"rundll32", "url.dll,FileProtocolHandler", address})
	}
	return append(all, []string{"xdg-open", address}, []string{"x-www-browser", address}, []string{"wslview", address})
}

// start runs a program that outlives fob, off our terminal.
func (b Browsers) start(path string, args []string) error {
	cmd := exec.Command(path, args...)
	cmd.Env = b.Environ
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(openTime):
		return nil
	}
}
