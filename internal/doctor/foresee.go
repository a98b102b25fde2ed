package doctor

import (
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/awsconfig"
	"fob/internal/cmdline"
	"fob/internal/wire"
)

// A reader foresees what tools do with profiles of these files. Where a tool reads a line
// otherwise than fob, awsCLI and goSDK do not know it: they look at what fob reads.
type reader struct {
	*awsconfig.Config
	differences []awsconfig.Difference
	sdk         goSDK
	javaScript  jsSDK
	java        javaSDK
}

func newReader(c *awsconfig.Config) *reader {
	return &reader{c, c.AllDifferences(), goSDK{c.ForGo()}, jsSDK{c.JavaScript()}, javaSDK{c.Java()}}
}

// tools are those that doctor foresees.
func (r *reader) tools() []tool {
	const fails = "fails, because it cannot ask for an MFA code"
	return []tool{
		{[]string{"AWS CLI", "boto3"}, r.cli, "asks for an MFA code by itself", true, true},
		{[]string{"Go SDK (Terraform)"}, r.goSDK, fails, false, true},
		{[]string{"JavaScript SDK"}, r.javaScript.chain, fails, false, true},
		{[]string{"Java SDK"}, r.java.chain, "sends no MFA code, so AWS refuses if the role requires one", false, false},
	}
}

// cli is what the AWS CLI does. It rejects a file that it cannot read, whatever profile is
// wanted.
func (r *reader) cli(profile string) chain {
	if d, ok := r.first(func(d awsconfig.Difference) bool { return d.Kind.Fails() && d.Kind != awsconfig.LoneQuote }); ok {
		return broken(d, "it cannot read the file")
	}
	everywhere := []awsconfig.DifferenceKind{awsconfig.CarriageReturn, awsconfig.DefaultValues}
	if d, ok := r.first(func(d awsconfig.Difference) bool {
		if d.Kind == awsconfig.Continuation && !d.Splits() && !slices.Contains(keys, d.Name) {
			return false // only the value above has more lines than in another tool
		}
		return slices.Contains(everywhere, d.Kind) || r.matters(d) && r.concerns(d, profile)
	}); ok {
		return chain{unsure: place(d)}
	}
	return awsCLI{r.Config}.chain(profile)
}

// goSDK is what the Go SDK does. fob reads values and repeated keys as it does.
func (r *reader) goSDK(profile string) chain {
	if d, ok := r.first(func(d awsconfig.Difference) bool { return d.Kind == awsconfig.LoneQuote }); ok {
		return broken(d, "it crashes on the quote")
	}
	alike := []awsconfig.DifferenceKind{awsconfig.ByteOrderMark, awsconfig.DuplicateKey, awsconfig.InlineComment, awsconfig.QuotedValue, awsconfig.EmptyLine}
	if d, ok := r.first(func(d awsconfig.Difference) bool {
		switch {
		case d.Kind == awsconfig.NotUTF8: // nothing is known of the lines below
			return true
		case slices.Contains(alike, d.Kind) && !d.KeepsQuotes(), d.Kind == awsconfig.DuplicateSection && d.CLI == d.Go && !d.Splits():
			return false
		}
		return r.matters(d) && r.concerns(d, profile)
	}); ok {
		return chain{unsure: place(d)}
	}
	return r.sdk.chain(profile)
}

func (r *reader) first(is func(awsconfig.Difference) bool) (d awsconfig.Difference, ok bool) {
	if i := slices.IndexFunc(r.differences, is); i >= 0 {
		return r.differences[i], true
	}
	return d, false
}

// broken is what comes of a line for which a tool refuses the whole file.
func broken(d awsconfig.Difference, why string) chain {
	return chain{refused: why, at: place(d), broken: true}
}

func place(d awsconfig.Difference) awsconfig.Value {
	return awsconfig.Value{File: d.File, Line: d.Line}
}

// matters reports whether a line may have a say in which credentials a profile gets: the
// value of a region has none.
func (r *reader) matters(d awsconfig.Difference) bool {
	value := []awsconfig.DifferenceKind{awsconfig.InlineComment, awsconfig.QuotedValue, awsconfig.EmptyLine, awsconfig.WhiteSpace}
	return !slices.Contains(value, d.Kind) || slices.Contains(keys, strings.ToLower(d.Name))
}

// concerns reports whether a line belongs to a profile, to one that it takes its credentials
// from, or to the sign-in of one.
func (r *reader) concerns(d awsconfig.Difference, profile string) bool {
	var seen []string
	for profile != "" && !slices.Contains(seen, profile) {
		seen = append(seen, profile)
		section, _ := r.Profile(profile)
		session, _ := section.Own("sso_session")
		if r.Concerns(d, "profile", profile) || session.Text != "" && r.Concerns(d, "sso-session", session.Text) {
			return true
		}
		source, _ := section.Own("source_profile")
		profile = source.Text
	}
	return false
}

// reaches reports whether the AWS CLI and the Go SDK get the credentials of a profile from
// fob.
func (r *reader) reaches(name, program string) bool {
	section, _ := r.Profile(name)
	return reaches(section, program, r.cli(name), r.goSDK(name))
}

// reaches reports whether these chains get the credentials of a profile from fob, perhaps
// with roles that tools assume by themselves, and without a code that they would have to ask
// for, or a duration that AWS refuses.
func reaches(section awsconfig.Profile, program string, chains ...chain) bool {
	return !slices.ContainsFunc(chains, func(c chain) bool {
		return !c.throughFob(program) || c.needsCode() || overlong(section, c, program)
	})
}

// absent is the file without which a chain gives nothing: the fob that it runs, where no
// shell may find another one, or the token of a web identity. It is "" if all is there.
func (c chain) absent(program string) (file, verb string) {
	if c.refused != "" || c.unsure.File != "" {
		return "", ""
	}
	switch source := c.steps[0].values[0].Text; {
	case c.throughFob(program) && wire.Doubt(source) == "" && !isProgram(cmdline.Words(source)[0]):
		return cmdline.Words(source)[0], "run"
	case c.steps[0].kind == "web" && filepath.IsAbs(source) && !exists(source):
		return source, "read"
	}
	return "", ""
}
