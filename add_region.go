package main

import (
	"cmp"
	"fmt"
	"slices"

	"fob/internal/creds"
	"fob/internal/plan"
)

// askRegion is the region to write; "" if the profile has one, or needs none.
func (c *addCmd) askRegion(a *app) (string, error) {
	all, err := a.profiles()
	if err != nil {
		return "", err
	}
	if p, ok := all.Config.Profile(c.Profile); ok {
		if _, ok := p.Get("region"); ok && c.Region == "" {
			return "", nil
		}
	}
	suggestion := suggestedRegion(a, all, c.Region, c.Source)
	if c.Region != "" || c.NoConfig || c.FromEnv || c.Stdin {
		return suggestion, nil
	}
	prompt := "Default region (Enter for none): "
	if suggestion != "" {
		prompt = "Default region [" + suggestion + "]: "
	}
	answer, err := a.person.Ask(a.ctx, "ask for the region", prompt, func(answer string) error {
		if answer == "" || isNone(answer) || c.takesRegion(a, answer) {
			return nil
		}
		return fmt.Errorf("%q is not a region; use a name such as eu-west-1", answer)
	})
	if isNone(answer) {
		return "", err
	}
	return cmp.Or(answer, suggestion), err
}

// isNone reports whether an answer says that there is none.
func isNone(answer string) bool { return answer == "none" || answer == "-" }

// takesRegion reports whether an answer can be a region, and is not "yes". Servers other
// than AWS have their own names for regions.
func (c *addCmd) takesRegion(a *app, answer string) bool {
	if slices.Contains([]string{"y", "yes", "n", "no"}, answer) {
		return false
	}
	return plan.IsAWSRegion(answer) || c.issuer(a) == creds.Other && plan.IsRegion(answer)
}
