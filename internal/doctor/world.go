package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"fob/internal/awsapi"
	"fob/internal/awsconfig"
	"fob/internal/broker"
	"fob/internal/cmdline"
	"fob/internal/plan"
	"fob/internal/ui"
	"fob/keyring"
)

// clock says that this computer's clock is wrong, as far as that can be told without AWS:
// by what fob has learned when AWS last took a code, and by what is in the store.
func (e *exam) clock(context.Context) error {
	all, err := e.Profiles()
	if err != nil {
		return nil // the config's check has reported it
	}
	names, _ := all.Names()
	if e.Profile != "" {
		names = []string{e.Profile}
	}
	set := ui.Advise("have the system set the clock (NTP)")
	var skew time.Duration
	device := ""
	for _, made := range all.Plans(names) {
		serial := made.Plan.MFASerial()
		if made.Err != nil || serial == "" {
			continue
		}
		if d := broker.Skew(serial, e.Store); d.Abs() > skew.Abs() {
			skew, device = d, plan.ShortSerial(serial)
		}
	}
	if skew != 0 {
		e.advise(set, "this computer's clock was %s when AWS last took a code of %s", awsapi.Ahead(skew), device)
	}
	for _, kind := range []keyring.Kind{keyring.KindKey, keyring.KindSeed} {
		infos, _ := e.Store.Infos(kind) // the store's check has said what is damaged
		for _, i := range infos {
			if i.PutBack(e.Now()) {
				e.advise(set, "this computer's clock is behind, or it was ahead: %q was stored at %s", i.Name, e.Clock(i.Created))
				return nil
			}
		}
	}
	return nil
}

// endpoint says what is called in the place of AWS.
func (e *exam) endpoint(made plan.Plan) {
	if made.STS.IsAWS() {
		return
	}
	from := "the AWS config"
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"} {
		if e.Getenv(name) != "" {
			from = name
		}
	}
	e.ok("endpoint: %s (%s), which is not AWS", made.STS.URL, from)
}

// overlooked looks for profiles that the AWS CLI and the Go SDK ask fob for, and another
// SDK does not, because it reads the files in its own way.
func (e *exam) overlooked(config *awsconfig.Config, names []string) {
	var asked []string
	r := newReader(config)
	for _, name := range names {
		section, _ := config.Profile(name)
		if _, asks := e.served(section); asks && r.reaches(name, e.Program) {
			asked = append(asked, name)
		}
	}
	if len(asked) == 0 || e.Profile != "" { // the check of tools says it
		return
	}
	for _, t := range r.tools()[2:] {
		for _, name := range asked {
			c := t.chain(name)
			if c.throughFob(e.Program) {
				continue
			}
			why, do := "it "+c.String(), ui.Advise("write keys in lower case, and use names of letters, digits and _.%%@:/+-")
			if c.stumbled != "" {
				why = c.stumbled
			}
			at := ""
			if c.at.File != "" {
				at = plan.At(c.at) + ": "
				do = ui.Advise("start the line in the first column")
			}
			e.advise(do, "%sthe %s does not ask fob for %s: %s", at, t.names[0], name, why)
			e.alike(t.names[0]+at, name)
		}
	}
}

// otherFob says that tools run another fob for a profile than this one. It does not run
// that one for its version: somebody may look at a config before they trust it.
func (e *exam) otherFob(line awsconfig.Value, profile string) {
	theirs, err := exec.LookPath(cmdline.Words(line.Text)[0])
	if err != nil {
		return // the check of profiles says so
	}
	ours, err := exec.LookPath(e.Program)
	if err != nil || sameFile(theirs, ours) {
		return
	}
	e.add(Advice, fmt.Sprintf("%s: tools run %s, and this is %s", plan.At(line), e.Tilde(theirs), e.Tilde(ours)), e.again(line, profile)...)
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, problem := os.Stat(b)
	return err == nil && problem == nil && os.SameFile(x, y)
}
