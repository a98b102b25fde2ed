package main

import (
	"cmp"
	"errors"
	"os"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/doctor"
	"fob/internal/host"
	"fob/internal/plan"
	"fob/internal/term"
	"fob/internal/ui"
)

type configCmd struct {
	Get   configGetCmd   `cmd:"" help:"Print a setting."`
	Set   configSetCmd   `cmd:"" help:"Add or change a setting."`
	Unset configUnsetCmd `cmd:"" help:"Remove a setting."`
}

func (configCmd) Help() string {
	return `Reads and changes the settings of profiles in the AWS config, as aws configure get and
aws configure set do. KEY is a setting such as region, or s3.addressing_style for one
that is nested. dev.region and profile.dev.region are the region of the profile dev, and
sso-session.corp.sso_region is a setting of a sign-in.

fob changes one line and leaves every other byte as it is. Access keys do not belong
there: fob add stores them.

    fob config get region --profile dev
    fob config set region eu-west-1 --profile dev
    fob config unset dev.mfa_serial`
}

// settingFlags name a setting.
type settingFlags struct {
	Key     string `arg:"" help:"The setting, such as region or s3.addressing_style."`
	Profile string `help:"The profile; else AWS_PROFILE, else FOB_PROFILE, else default." placeholder:"PROFILE"`
}

// line is a command line with these flags.
func (f settingFlags) line(command, key string) []string {
	words := []string{"fob", "config", command, key}
	if f.Profile != "" {
		words = append(words, "--profile", f.Profile)
	}
	return words
}

// setting is the one that the flags name. Its profile need not exist.
func (f settingFlags) setting(a *app, config *awsconfig.Config) (awsconfig.Setting, error) {
	profile := cmp.Or(f.Profile, a.getenv("AWS_PROFILE"), a.getenv("FOB_PROFILE"), "default")
	s, err := config.ParseSetting(f.Key, profile)
	if err != nil {
		return s, usagef("%q is not the name of a setting: %v", f.Key, err)
	}
	s.FoldCase = host.FoldCase
	if f.Profile != "" && (!s.Profiled() || s.Name != f.Profile) {
		if s.Profiled() {
			return s, noHelpf("%s already names the profile; leave out --profile", f.Key)
		}
		return s, noHelpf("%s is not a setting of a profile; leave out --profile", f.Key)
	}
	if _, _, set := config.Setting(awsconfig.Setting{Kind: s.Kind, Name: s.Name, Key: s.Key}); !set && awsconfig.IsProfileKey(s.Sub) {
		// The AWS CLI would nest it under a key that has the profile's name.
		return s, &plan.NoProfileError{Profile: s.Key, Nearest: plan.Nearest(s.Key, config.Names())}
	}
	if _, err := s.Header(false); err != nil {
		return s, noHelpf("%v", err)
	}
	return s, nil
}

// existing is setting for one whose section must be there.
func (f settingFlags) existing(a *app) (awsconfig.Setting, *awsconfig.Config, error) {
	config, err := a.files.Parse()
	if err != nil {
		return awsconfig.Setting{}, nil, err
	}
	s, err := f.setting(a, config)
	if err != nil {
		return s, nil, err
	}
	_, exists := config.Section(s.Kind, s.Name)
	switch {
	case exists:
		return s, config, nil
	case !s.Profiled():
		return s, nil, &noSectionError{s.Kind, s.Name, a.host.Tilde(a.files.Config), plan.Nearest(s.Name, config.SectionNames(s.Kind))}
	case f.Profile == "" && s.Name == "default":
		return s, config, nil // nobody named it
	}
	if err := config.Spoiled(s.Name); err != nil {
		return s, nil, err
	}
	return s, nil, &plan.NoProfileError{Profile: s.Name, Nearest: plan.Nearest(s.Name, config.Names())}
}

type configGetCmd struct {
	settingFlags
	JSON bool `help:"Print JSON, with the file and the line."`
}

func (configGetCmd) Help() string {
	return `Prints what the AWS files say, whatever the environment says. include_profile and fob_
settings do not count. If the setting is not there, it prints nothing, and the exit code
is 1. A secret access key or a session token is not printed.

    fob config get region
    fob config get dev.s3.addressing_style
    fob config get region --profile dev --json`
}

// settingRow is a setting in config get --json.
type settingRow struct {
	Section string `json:"section"`
	Key     string `json:"key"`
	Value   string `json:"value"`
	File    string `json:"file"`
	Line    int    `json:"line"`
}

func (c *configGetCmd) Run(a *app) error {
	s, config, err := c.existing(a)
	if err != nil {
		return err
	}
	if secretPart(s) {
		return &usageError{
			Problem: s.String() + " is a secret, which fob does not print",
			NoHelp:  true, Way: ui.Type("fob", "exec", s.Name).To("gives a command session credentials"),
		}
	}
	v, nested, ok := config.Setting(s)
	switch {
	case !ok:
		if term.IsTerminal(os.Stdout) { // a person sees that it is not empty
			header, _ := s.Header(false) // setting has made sure of it
			a.out.Say("%s has no %s.", header, s)
		}
		return errNegative
	case len(nested) > 0:
		return &usageError{
			Problem: (&awsconfig.NestError{Key: s.Key, Nested: nested}).Error(),
			Way:     ui.Type(c.line("get", c.Key+"."+nested[0])...), NoHelp: true,
		}
	case unprintable(s, v.Text):
		return &usageError{
			Problem: plan.At(v) + ": the value of " + s.String() + " has what looks like an access key in it, which fob does not print",
			Way:     ui.Advise("read the line in an editor"), NoHelp: true,
		}
	case c.JSON:
		header, err := s.Header(false)
		if err != nil {
			return err
		}
		warnRead(a, config, v)
		return a.out.JSON(settingRow{Section: strings.Trim(header, "[]"), Key: s.String(), Value: v.Text, File: v.File, Line: v.Line})
	}
	warnRead(a, config, v)
	return a.out.Lines(v.Text + "\n")
}

// warnRead says of a line that not every tool reads it as fob does.
func warnRead(a *app, config *awsconfig.Config, v awsconfig.Value) {
	if problem := doctor.ReadDifferently(config, v); problem != "" {
		a.out.Warn("%s: %s", plan.At(v), problem)
	}
}

// settingProblem words what is wrong with a change.
func settingProblem(err error) error {
	nested, under := errors.AsType[*awsconfig.NestError](err)
	value, unfit := errors.AsType[*awsconfig.ValueError](err)
	switch {
	case under:
		return noHelpf("%v", nested)
	case unfit:
		return noHelpf("%v", value)
	}
	return err
}
