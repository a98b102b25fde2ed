package broker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"fob/internal/mfa"
	"fob/internal/plan"
	"fob/keyring"
)

const (
	// reuseWindow is for how long a used code could look new: AWS also accepts the
	// codes of the 30 s before and after the current ones.
	reuseWindow = 2 * time.Minute
	// maxUsed is how many used codes are remembered for a device.
	maxUsed = 8
)

// deviceLock names the lock of an MFA device. Its state is a deviceState.
func deviceLock(serial string) string { return "mfa-" + serial }

// deviceState is what all processes remember of an MFA device.
type deviceState struct {
	Used []usedCode `json:"used,omitempty"`
	// Skew is how far this computer's clock was ahead of AWS's when that was last
	// measured; 0 if it was right.
	Skew time.Duration `json:"skew,omitempty"`
	// Refusal is about the session with the ID About, or about the device. A waiting
	// process accepts only one that came while it waited.
	keyring.Refusal
}

// usedCode is a code that was sent, or was about to be sent.
type usedCode struct {
	At time.Time `json:"at"`
	// Mark is 16 bits of the code's hash: enough to notice a code that is typed
	// twice, too little to recover a code that AWS may still accept.
	Mark string `json:"mark"`
	// Step is the time step of a code that fob made, counted in the seed's periods.
	Step int64 `json:"step,omitempty"`
}

// deviceState reads the state of a device's lock. A damaged one is ignored.
func (r *run) deviceState(name string) deviceState {
	if r.Sessions == nil {
		return deviceState{}
	}
	d, err := readDevice(r.Sessions, name)
	if err != nil {
		r.Log("cannot read the used codes of %s, starting over: %v", name, err)
	}
	return d
}

func readDevice(s lockStates, name string) (d deviceState, err error) {
	state, err := s.LockState(name)
	if err == nil && len(state) > 0 {
		err = json.Unmarshal(state, &d)
	}
	if err != nil {
		return deviceState{}, err
	}
	return d, nil
}

// lockStates is the part of Sessions that says what is remembered.
type lockStates interface {
	LockState(name string) ([]byte, error)
}

// At is the moment of a question about the cached sessions of a plan, with what the
// store remembers of AWS's clock.
func At(now time.Time, p plan.Plan, s lockStates) Moment {
	if p.MaxMFAAge == 0 {
		return Moment{Now: now}
	}
	return Moment{Now: now, Skew: Skew(p.MFASerial(), s)}
}

// Skew is how far this computer's clock was ahead of AWS's when an MFA device was
// last used.
func Skew(serial string, s lockStates) time.Duration {
	d, _ := readDevice(s, deviceLock(serial)) // a damaged one is ignored
	return d.Skew
}

// usedStep reports whether the code of a step was used. The number of a step is that
// of its code, whatever the clock was when it was sent.
func (d deviceState) usedStep(step int64) bool {
	return slices.ContainsFunc(d.Used, func(u usedCode) bool { return u.Step == step })
}

// usedAt returns a function that reports whether a code was used a short time before
// now.
func (d deviceState) usedAt(now time.Time) func(code string) bool {
	return func(code string) bool {
		for _, u := range d.Used {
			if u.Mark == mark(code) && now.Sub(u.At).Abs() < reuseWindow {
				return true
			}
		}
		return false
	}
}

// uses reports whether a code is used.
func (d deviceState) uses(a mfa.Answer, now time.Time) bool {
	return a.Step != 0 && d.usedStep(a.Step) || d.usedAt(now)(a.Code)
}

// use adds a used code and drops the oldest.
func (d deviceState) use(a mfa.Answer, now time.Time) deviceState {
	u := usedCode{At: now.UTC(), Mark: mark(a.Code), Step: a.Step}
	d.Used = append(append([]usedCode{}, d.Used[max(0, len(d.Used)-maxUsed+1):]...), u)
	d.Refusal = d.Cleared()
	return d
}

// mark is a code's usedCode.Mark.
func mark(code string) string {
	sum := sha256.Sum256([]byte("fob used code " + code))
	return hex.EncodeToString(sum[:2])
}
