package main

type versionCmd struct{}

func (versionCmd) Help() string {
	return `
    fob version`
}

func (versionCmd) Run(a *app) error {
	a.out.Print("fob %s\n", version)
	return nil
}
