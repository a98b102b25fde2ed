package main

type lockCmd struct{}

func (lockCmd) Help() string {
	return `After fob lock the next command that needs a secret asks for the passphrase again.
Sessions that programs already have stay valid until their end.`
}

func (lockCmd) Run(a *app) error {
	n, err := a.store().Forget()
	if err != nil {
		return err
	}
	if n == 0 {
		a.answer("There was no unlocked copy.")
		return nil
	}
	a.answer("Locked.")
	return nil
}
