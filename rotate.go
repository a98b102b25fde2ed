package main

import (
	"fmt"
	"slices"
	"time"

	"fob/internal/rotate"
	"fob/internal/ui"
)

type rotateCmd struct {
	Profile string `arg:"" optional:"" help:"The profile whose key to replace."`
	All     bool   `help:"Replace every key in the store."`
	MaxAge  string `name:"max-age" help:"Replace only keys that are at least this old, such as 90d." placeholder:"AGE"`
	KeepOld bool   `name:"keep-old" xor:"way" help:"Leave the old key in AWS, inactive, instead of deleting it."`
	Abort   bool   `xor:"way" help:"Go back to the old key."`
	Yes     bool   `short:"y" help:"Delete an inactive key without asking, if it is in the way of a new one."`
}

func (rotateCmd) Help() string {
	return `Has AWS create a new access key, stores it, waits until AWS accepts it, gives it to every
profile that has the old one, and then deactivates the old key and deletes it. An old key
that something other than fob has used within a month stays, inactive: fob rotate PROFILE
deletes it later, and fob rotate PROFILE --abort goes back to it. Use for STS or IAM, such
as assuming roles, does not count, because AWS cannot tell it from fob's: use --keep-old if
another program may have this key.

If fob is stopped or fails on the way, no key is lost: the same command continues, on any
computer with this store, and --abort goes back. Where your policy requires MFA, fob asks
for a code for each of the two keys.

    fob rotate dev
    fob rotate dev --keep-old            delete the old key another day
    fob rotate --all --max-age 90d       for a schedule`
}

func (c *rotateCmd) Run(a *app) error {
	age, err := c.check()
	if err != nil {
		return err
	}
	keys, err := c.keys(a)
	if err != nil {
		return err
	}
	lock, err := a.store().AskLock(a.ctx, rotate.Lock, "what fob rotate needs", func() { a.out.Note("waiting for another fob rotate") })
	if err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }() // closing the file releases it in any case
	wish := rotate.Wish{Back: c.Abort, KeepOld: c.KeepOld, MaxAge: age, Scheduled: c.All}
	var failed []error
	for i := 0; i < len(keys); i++ {
		if i > 0 {
			a.out.Say("")
		}
		err := c.rotate(a, keys[i], wish)
		if err == nil {
			failed = append(failed, keys[i].unread(a)...)
			continue
		}
		if c.All {
			keys = slices.Insert(keys, i+1, keys[i].besides(err)...)
		}
		if len(keys) > 1 {
			err = fmt.Errorf("%s: %w", keys[i].profile, err)
		}
		failed = append(failed, err)
		if a.endsAll(err) {
			sayUntried(a, keys[i+1:])
			break
		}
	}
	if len(failed) == 0 {
		return nil
	}
	for _, err := range failed[1:] {
		a.out.Warn("%s", a.out.Sentence(err))
	}
	return failed[0]
}

// check finds mistakes in the command line.
func (c *rotateCmd) check() (age time.Duration, err error) {
	switch {
	case c.Profile == "" && !c.All:
		return 0, usagef("name a profile, or use --all")
	case c.Profile != "" && c.All:
		return 0, usagef("--all cannot be combined with a profile")
	case c.Abort && c.All:
		return 0, usagef("--abort cannot be combined with --all")
	case c.Abort && c.MaxAge != "":
		return 0, usagef("--abort cannot be combined with --max-age")
	case c.MaxAge == "":
		return 0, nil
	}
	if age, err = ui.ParseAge(c.MaxAge); err != nil {
		return 0, usagef("--max-age: %v", err)
	}
	return age, nil
}
