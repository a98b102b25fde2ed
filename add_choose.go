package main

import (
	"errors"
	"slices"
	"strings"

	"fob/internal/awsapi"
	"fob/internal/plan"
	"fob/internal/ui"
)

// choose lets the user choose one of several devices.
func (c *addCmd) choose(a *app, serials []string) (string, error) {
	if c.FromEnv || c.Stdin {
		a.out.Note("this user has %d MFA devices; choose one with --mfa-serial: %s", len(serials), strings.Join(serials, " or "))
		return "", nil
	}
	choices := make([]ui.Choice, 0, len(serials)+1)
	for _, serial := range append(slices.Clone(serials), "none") {
		choices = append(choices, ui.Choice{Name: serial})
	}
	i, err := a.person.Pick(a.ctx, "ask for the MFA device", "MFA device", choices)
	if err != nil || i == len(serials) {
		return "", err
	}
	return serials[i], nil
}

// askSerial asks for the device, and suggests its usual ARN. guess: the user took that.
func (c *addCmd) askSerial(a *app, id awsapi.Identity) (serial string, guess bool, err error) {
	if c.FromEnv || c.Stdin { // nobody may be there
		if !c.NoVerify {
			a.out.Note("could not list the user's MFA devices; name one with --mfa-serial ARN")
		}
		return "", false, nil
	}
	arn, _ := plan.ParseARN(id.ARN)
	likely := arn.LikelyMFASerial()
	prompt := "MFA device, its ARN or serial number (Enter for none): "
	if likely != "" {
		a.out.Say("fob could not list this user's MFA devices; the one in brackets is a guess.")
		prompt = "MFA device (- for none) [" + likely + "]: "
	}
	answer, err := a.person.Ask(a.ctx, "ask for the MFA device", prompt, func(answer string) error {
		if answer == "" || isNone(answer) {
			return nil
		}
		if problem := plan.CheckSerial(answer, userARN(id)); problem != "" {
			return errors.New(problem)
		}
		return nil
	})
	switch {
	case err != nil || isNone(answer):
		return "", false, err
	case answer == "":
		return likely, likely != "", nil
	}
	return answer, false, nil
}
