package main

import (
	"fmt"
	"strings"

	"fob/internal/leaks"
	"fob/internal/term"
	"fob/internal/ui"
)

// print prints what was found, and fails if that is anything.
func (c *leaksCmd) print(a *app, r leaks.Report, known int) error {
	switch {
	case c.SARIF:
		if err := a.out.JSON(leaks.SARIF(r, version, sentenceOf)); err != nil {
			return err
		}
	case c.JSON:
		if err := a.out.JSON(leaksDocument(r, known)); err != nil {
			return err
		}
	default:
		printFindings(a, r, known)
	}
	if err := incomplete(a, r); err != nil {
		return err
	}
	if len(r.Findings) > 0 {
		return errNegative
	}
	return nil
}

// tellAccounts says of the keys that fob does not know whether their accounts are ones
// that the AWS files or the store name.
func tellAccounts(a *app, r *leaks.Report) {
	if all, err := a.profiles(); err == nil {
		r.Tell(all.Accounts())
	} else {
		a.out.Log("%v", err) // a mistake in the AWS files hides no leak
	}
}

// leaksReport is fob leaks --json.
type leaksReport struct {
	Findings []leaks.Finding `json:"findings"`
	Known    int             `json:"known"` // how many more the baseline has
	Searched leaks.Searched  `json:"searched"`
	Skipped  []leaks.Skipped `json:"skipped"`
	Problems []leaksProblem  `json:"problems"`
}

type leaksProblem struct {
	Path    string `json:"path"`
	Problem string `json:"problem"`
}

func leaksDocument(r leaks.Report, known int) leaksReport {
	d := leaksReport{append([]leaks.Finding{}, r.Findings...), known, r.Searched, append([]leaks.Skipped{}, r.Skipped...), []leaksProblem{}}
	for _, p := range r.Problems {
		d.Problems = append(d.Problems, leaksProblem{p.Path, p.Err.Error()})
	}
	return d
}

// incomplete says what could not be searched, and fails if that is anything.
func incomplete(a *app, r leaks.Report) error {
	const most = 5
	for i, p := range r.Problems {
		if i == most {
			a.out.Warn("and %d more", len(r.Problems)-most)
			break
		}
		a.out.Warn("%s: %s", a.host.Tilde(p.Path), a.out.Sentence(p.Err))
	}
	if len(r.Problems) > 0 {
		return errIncomplete
	}
	return nil
}

// printFindings prints the secrets, each with the places where it is.
func printFindings(a *app, r leaks.Report, known int) {
	n := 0
	for i, group := range groupFindings(r.Findings) {
		n += len(group)
		if i > 0 {
			a.out.Print("\n")
		}
		a.out.Print("%s\n", ui.Bad.Text(group[0].title()))
		for _, p := range group {
			printSpot(a, p)
		}
	}
	if len(r.Findings) > 0 {
		a.out.Print("\n")
		printAdvice(a, r.Findings)
	}
	for _, s := range r.Skipped {
		a.out.Note("%s was not searched: it is %s. To search it, name it.", a.host.Tilde(s.Path), s.Why)
	}
	a.out.Answer("%s %s.", foundSoMany(n, known), searchedIn(r.Searched))
}

// foundSoMany is how many leaks are new, and how many the baseline has.
func foundSoMany(n, known int) string {
	switch {
	case n == 0 && known == 0:
		return "No leaks in"
	case n == 0:
		return fmt.Sprintf("No new leaks (%d in the baseline). Searched", known)
	case known == 0:
		return ui.Count(n, "leak") + ". Searched"
	}
	return fmt.Sprintf("%s (%d in the baseline). Searched", ui.Count(n, "new leak"), known)
}

// printAdvice says what to do about a leak.
func printAdvice(a *app, all []leaks.Finding) {
	if all[0].Staged {
		a.out.Print("Remove it from the file, and git add the file again.\n")
		return
	}
	profile, git := "", false
	for _, f := range all {
		if f.State == leaks.IsStored && len(f.Profiles) > 0 && profile == "" {
			profile = f.Profiles[0]
		}
		git = git || f.Git != nil
	}
	if profile != "" {
		a.out.Print("To replace a key that others may have seen: %s\n", ui.Type("fob", "rotate", profile).Command)
	}
	if git {
		a.out.Print("What is in git's history stays in every clone, whatever you remove here.\n")
	}
}

// printSpot prints a place. On a terminal a long one has a line of its own.
func printSpot(a *app, s spot) {
	at := "  " + s.at(repositoryOf(a, s.Finding)) + ": "
	if columns := a.out.Columns(); columns > 0 && term.Width(at) > columns/2 {
		a.out.Print("%s\n", strings.TrimSuffix(at, " "))
		at = "      "
	}
	a.out.Hang(ui.Plain.Text(at), ui.Plain.Text(s.says()))
}

// searchedIn is what was searched.
func searchedIn(s leaks.Searched) string {
	size := fmt.Sprintf("%d MB", s.Bytes/1_000_000)
	switch {
	case s.Bytes < 10_000:
		size = ui.Count(int(s.Bytes), "byte")
	case s.Bytes < 10_000_000:
		size = fmt.Sprintf("%d KB", s.Bytes/1_000)
	}
	text := fmt.Sprintf("%s (%s)", ui.Count(s.Files, "file"), size)
	if s.Repositories > 0 {
		text += " and " + ui.Count(s.Objects, "git object")
	}
	return text
}
