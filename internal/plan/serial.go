package plan

import (
	"fmt"

	"fob/internal/awsconfig"
	"fob/internal/creds"
)

// serial is the MFA device that the plan uses: the one named nearest to the
// profile asked for. Only a long-lived key can be used with one.
func (r *resolver) serial() (none awsconfig.Value, err error) {
	v, ok := r.namedSerial()
	switch {
	case !ok || v.Text == "none":
		return none, nil
	case !r.longLived:
		r.note("%s: the MFA serial is ignored, because this chain does not start with a long-lived key", At(v))
		return none, nil
	}
	r.use(v)
	if err := r.checkSerial(v); err != nil {
		return v, err
	}
	if r.key.Account == "" && !r.foreign() {
		if r.doubt = DoubtSerial(v.Text, keyID(r.source)); r.doubt != "" {
			r.note("%s: %s", At(v), r.doubt)
		}
	}
	return v, nil
}

// namedSerial is the device that stands nearest to the profile asked for. The variable
// counts if the whole chain names none.
func (r *resolver) namedSerial() (awsconfig.Value, bool) {
	for _, h := range r.chain {
		if v, ok := get(h.section, "mfa_serial"); ok {
			return v, true
		}
	}
	return r.lookUp(r.chain[0], "mfa_serial")
}

// DoubtSerial says why serial is hardly the MFA device of a key that AWS was not asked
// about; "" if it may be.
func DoubtSerial(serial, keyID string) string {
	a, ok := ParseARN(serial)
	guess := creds.GuessAccount(keyID)
	if !ok || guess == "" || a.Account == guess {
		return ""
	}
	return fmt.Sprintf("the MFA device is in account %s, but the ID of the key %s looks like one of account %s", a.Account, keyID, guess)
}

// lostMFA finds the MFA device that [default] lends to other profiles in aws-vault, if
// nothing in the chain names one, or says that there is none.
func (r *resolver) lostMFA() (none LostMFA) {
	if _, named := r.namedSerial(); named {
		return none
	}
	heir := "" // would inherit it; the nearest to the key, on which most profiles stand
	for _, h := range r.chain {
		if h.name == "default" {
			return none
		}
		if _, includes := get(h.section, "include_profile"); !includes {
			heir = h.name
		}
	}
	if heir == "" || !r.longLived || r.opts.NoSession {
		return none
	}
	section, _ := r.facts.Config.Profile("default")
	v, ok := section.Own("mfa_serial")
	if !ok || v.Text == "" || r.checkSerial(v) != nil {
		return none
	}
	r.note("no MFA: the mfa_serial of [default] (%s) does not count for other profiles, unlike in aws-vault; add fob_mfa_serial = %s to [profile %s]", At(v), v.Text, heir)
	return LostMFA{Serial: v, Profile: heir}
}

// mfaProcess is the command that prints the device's codes: the nearest one;
// the search ends at a profile that names another device.
func (r *resolver) mfaProcess(serial string) Command {
	if serial == "" {
		return Command{}
	}
	for _, h := range r.chain {
		if v, ok := get(h.section, "mfa_serial"); ok && v.Text != serial {
			break
		}
		if v, ok := get(h.section, "mfa_process"); ok {
			return Command{Line: v.Text, From: At(v)}
		}
	}
	return Command{}
}

func (r *resolver) checkSerial(v awsconfig.Value) error {
	a, ok := ParseARN(v.Text)
	if a.IsSecurityKey() {
		return &SecurityKeyError{Profile: r.chain[0].name, Serial: v.Text, At: At(v)}
	}
	user, _ := ParseARN(r.key.ARN)
	user.Account = r.key.Account
	if problem := CheckSerial(v.Text, user); problem != "" {
		return &ConfigError{At: At(v), Problem: problem}
	}
	if !ok {
		return nil // the number of a hardware device tells nothing else
	}
	return r.samePartition(v, a)
}

// securityKey is the type of a FIDO device's ARN: u2f/user/NAME/DEVICE.
const securityKey = "u2f"

// CheckSerial says why serial cannot be the MFA device of a user's key, or "" if it
// can: it looks like a device that gives codes, and is in the user's account and
// partition. The user may be the zero ARN, if nobody knows.
func CheckSerial(serial string, user ARN) (problem string) {
	a, isARN := ParseARN(serial)
	switch {
	case a.IsSecurityKey():
		return securityKeyProblem(serial)
	case !isSerialNumber(serial):
		return fmt.Sprintf("%q is not an MFA serial", serial)
	case !isARN && serial[:4] != "arn:":
		return ""
	case !a.isIAM("mfa"):
		return fmt.Sprintf("%q is not an MFA device ARN", serial)
	case user.Partition != "" && a.Partition != user.Partition:
		return fmt.Sprintf("the MFA device is in partition %q, but the key is in %q", a.Partition, user.Partition)
	case user.Account != "" && a.Account != user.Account:
		return fmt.Sprintf("the MFA device is in account %s, but the key is in %s", a.Account, user.Account)
	}
	return ""
}

func securityKeyProblem(serial string) string {
	return serial + " is a FIDO security key, which AWS accepts only in the browser, not for session credentials"
}
