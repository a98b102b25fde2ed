package main

type lockCmd struct{}

func (lockCmd) Help() string {
	return `The next command that needs a secret asks for the passphrase again. Sessions
already handed out stay valid until they expire.

    fob lock`
}

func (lockCmd) Run(a *app) error {
	n, err := a.store().Forget()
	if err != nil {
		return err
	}
	if n == 0 {
		a.out.Answer("Already locked.")
	} else {
		a.out.Answer("Locked.")
	}
	return nil
}
