package main

import "fob/internal/plan"

type configSetCmd struct {
	settingFlags
	Value string `arg:"" help:"The value; it may be empty (\"\")."`
}

func (configSetCmd) Help() string {
	return `Changes the line that counts, in whichever of the two AWS files it is, and keeps its
comment. If there is none, fob adds it at the end of the section in the AWS config; if the
section is missing, fob adds that at the end of the file.

    fob config set region eu-west-1 --profile dev
    fob config set s3.addressing_style path
    fob config set dev.cli_pager ""`
}

func (c *configSetCmd) Run(a *app) error {
	config, err := a.files.Parse()
	if err != nil {
		return err
	}
	s, err := c.setting(a, config)
	if err != nil {
		return err
	}
	if err := refuseSecret(a, config, s, c.Value); err != nil {
		return err
	}
	old, _, had := config.Setting(s)
	if err := keepValue(s, old); err != nil {
		return err
	}
	_, exists := config.Section(s.Kind, s.Name)
	at, changed, err := a.files.Set(s, c.Value)
	if err != nil {
		return settingProblem(err)
	}
	header, _ := s.Header(false) // setting has made sure of it
	if !exists {
		a.out.Say("Added %s to %s.", header, at.File)
		if near := plan.Nearest(s.Name, config.Names()); s.Profiled() && len(near) > 0 {
			a.out.Note("there was no profile %q, but there is %q", s.Name, near[0])
		}
	}
	line := shownSetting(a, s, at.Text)
	if at.Text == "" {
		line += ` = ""`
	}
	switch {
	case !changed:
		a.out.Say("%s already has %s (%s).", header, line, plan.At(at))
	case had && !hides(a, s, old.Text):
		a.out.Say("%s has %s now, instead of %s (%s).", header, line, quoted(old.Text), plan.At(at))
	default:
		a.out.Say("%s has %s now (%s).", header, line, plan.At(at))
	}
	if config, err = a.files.Parse(); err == nil {
		warnRead(a, config, at)
	}
	return err
}

type configUnsetCmd struct {
	settingFlags
}

func (configUnsetCmd) Help() string {
	return `Removes a setting from the section, with what is nested under it, from both AWS files. An
access key is not removed: it may be the only copy. If the setting is not there, the
exit code is 1.

    fob config unset region --profile dev
    fob config unset s3.addressing_style`
}

func (c *configUnsetCmd) Run(a *app) error {
	s, config, err := c.existing(a)
	if err != nil {
		return err
	}
	if err := keepKey(config, s); err != nil {
		return err
	}
	gone, err := a.files.Unset(s)
	header, _ := s.Header(false) // setting has made sure of it
	if len(gone) == 0 && err == nil {
		a.out.Say("%s has no %s.", header, s)
		return errNegative
	}
	for _, v := range gone {
		a.out.Say("Removed %s from %s (%s).", shownSetting(a, s, v.Text), header, plan.At(v))
	}
	return settingProblem(err)
}
