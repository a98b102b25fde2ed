package main

type lockCmd struct{}

func (lockCmd) Help() string {
	return `After you have unlocked the store, Linux keeps it open for a while: for sessions and
sign-ins 12 hours (FOB_UNLOCK_TTL), for keys 5 minutes (FOB_UNLOCK_KEYS_TTL), for MFA
secrets not at all. This ends that: the next command that needs a secret asks again.
You stay signed in, and sessions already handed out stay valid until they expire.

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
