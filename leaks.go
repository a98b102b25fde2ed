package main

import (
	"errors"
	"os"

	"fob/internal/leaks"
	"fob/internal/ui"
)

type leaksCmd struct {
	Paths       []string `arg:"" optional:"" name:"path" help:"Files and directories to search; without one, the current directory."`
	Staged      bool     `help:"Search only what is staged for the next commit."`
	InstallHook bool     `help:"Have git run fob leaks --staged before each commit."`
	Baseline    string   `placeholder:"FILE" help:"A file of findings that are known and not reported again."`
	Accept      bool     `help:"Add what is found to the baseline."`
	JSON        bool     `xor:"as" help:"Print JSON."`
	SARIF       bool     `xor:"as" name:"sarif" help:"Print SARIF, for GitHub's code scanning and other tools."`
}

func (leaksCmd) Help() string {
	return `Searches files for the access keys and MFA secrets in the store, for keys that fob has
replaced or moved, and for anything else that looks like an AWS key. It finds what is in
the store as it is and in base64, URL-encoded, escaped in JSON or HTML, and in UTF-16. The
secret of a key that was replaced or moved is found as it is, in base64, URL-encoded and
escaped in JSON; its ID only as it is. In a git repository it searches every object as
well: all branches, and commits that were amended, dropped or never in a branch. It says
where a secret is, and never prints it. The exit code is 1 if it finds something, or could
not search everything.

In binary files only the secrets in the store count. Archives are not unpacked, symbolic
links are not followed, and files over 1 GiB are searched only if they are named.

    fob leaks                        the current directory, and its repository
    fob leaks ~/src ~/Downloads
    fob leaks --install-hook         no commit with a key in it, from now on
    fob leaks --baseline known.json --accept   report only new ones from now on`
}

func (c *leaksCmd) Run(a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	git := leaks.Git{Path: leaks.FindGit(a.getenv("PATH")), Environ: a.helperEnviron("")}
	if c.InstallHook {
		return c.install(a, git)
	}
	file, err := a.settingPath("baseline", c.Baseline)
	if err != nil {
		return err
	}
	var baseline *leaks.Baseline
	if file != "" {
		if baseline, err = leaks.ReadBaseline(file, c.Accept); err != nil {
			return err
		}
	}
	searcher, missed, err := openSearcher(a)
	if err != nil {
		return err
	}
	done := a.out.Waiting("searching for keys")
	r, err := c.search(a, searcher, git)
	done()
	if err != nil {
		return err
	}
	r.Problems = append(r.Problems, missed...)
	if c.Accept {
		return c.accept(a, baseline, file, r)
	}
	tellAccounts(a, &r)
	known := 0
	if baseline != nil {
		known = baseline.Filter(&r)
	}
	return c.print(a, r, known)
}

// check refuses what cannot be done, before anything is asked.
func (c *leaksCmd) check() error {
	switch {
	case (c.Staged || c.InstallHook) && len(c.Paths) > 0:
		return usagef("--staged and --install-hook work on the current repository; remove %s", ui.List(c.Paths))
	case c.Accept && c.Baseline == "":
		return &usageError{Problem: "--accept needs a file: --baseline FILE", NoHelp: true}
	case c.InstallHook && (c.JSON || c.SARIF || c.Accept):
		return usagef("--install-hook only installs the hook; remove the other flags")
	}
	for _, path := range c.Paths {
		if _, err := os.Stat(path); err != nil {
			return err
		}
	}
	return nil
}

// openSearcher makes what searches, with one unlock of the store, and says which items
// could not be read.
func openSearcher(a *app) (*leaks.Searcher, []leaks.Problem, error) {
	exists, err := a.store().Exists()
	if err != nil {
		return nil, nil, err
	}
	if !exists {
		a.out.Note("no store here: searching only for text that looks like an AWS key")
		return leaks.New(leaks.Secrets{}), nil, nil
	}
	stored, err := a.store().Secrets(a.ctx)
	if err != nil {
		return nil, nil, err
	}
	secrets := leaks.Secrets{Lengths: stored.Lengths}
	for _, k := range stored.Keys {
		secrets.Keys = append(secrets.Keys, leaks.Key{Profile: k.Profile, Key: k.Key})
	}
	for _, s := range stored.Seeds {
		secrets.Seeds = append(secrets.Seeds, leaks.Seed{Serial: s.Serial, Secret: s.Secret})
	}
	if len(stored.Retired) > 0 {
		secrets.Retired = func() func([]byte) (leaks.Retired, bool) {
			find := stored.RetiredFinder()
			return func(text []byte) (leaks.Retired, bool) {
				r, ok := find(text)
				return leaks.Retired{Profile: r.Profile, When: r.When, KeyID: r.KeyID}, ok
			}
		}
	}
	var missed []leaks.Problem
	for _, err := range stored.Unread {
		missed = append(missed, leaks.Problem{Path: a.host.StorePath(), Err: err})
	}
	searcher := leaks.New(secrets)
	for _, s := range searcher.Short {
		a.out.Warn("%s is too short to search for", subjectOf(s))
	}
	return searcher, missed, nil
}

func (c *leaksCmd) search(a *app, searcher *leaks.Searcher, git leaks.Git) (leaks.Report, error) {
	if c.Staged {
		return searcher.Staged(a.ctx, ".", git)
	}
	paths := c.Paths
	if len(paths) == 0 {
		paths = []string{"."}
	}
	return searcher.Search(a.ctx, leaks.Options{Paths: paths, Own: []string{a.host.StorePath(), a.host.StatePath()}, Git: git})
}

// accept adds what was found to the baseline.
func (c *leaksCmd) accept(a *app, baseline *leaks.Baseline, file string, r leaks.Report) error {
	n, err := baseline.Accept(&r)
	if err != nil {
		return err
	}
	if n == 0 {
		a.out.Answer("No new findings in %s.", file)
	} else {
		a.out.Answer("%s in %s.", ui.Count(n, "new finding"), file)
	}
	return incomplete(a, r)
}

// errIncomplete: a search that finds nothing means nothing if it was not of everything.
var errIncomplete = errors.New("not everything could be searched")
