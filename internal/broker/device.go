package broker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"fob/internal/mfa"
)

const (
	// reuseWindow is how long a code could be taken for a fresh one: AWS takes those of
	// the step before and after the current 30 s.
	reuseWindow = 2 * time.Minute
	// maxAhead is how far in the future a use may be: two of AWS's 30 s steps.
	maxAhead = time.Minute
	// maxUsed is how many used codes are remembered of a device.
	maxUsed = 8
)

// deviceLock is the name of an MFA device's lock, whose state is the device's memory.
func deviceLock(serial string) string { return "mfa-" + serial }

// deviceState is what the lock file of an MFA device remembers.
type deviceState struct {
	Used []usedCode `json:"used,omitempty"`
	// Seq counts outcomes: a waiter takes over only what came while it waited.
	Seq     int     `json:"seq,omitempty"`
	Outcome Outcome `json:"outcome,omitempty"`
	Message string  `json:"message,omitempty"`
	// Plan is the ID that the outcome is about; empty if it is the device.
	Plan string `json:"plan,omitempty"`
}

// usedCode is a code that was sent, or was about to be.
type usedCode struct {
	At time.Time `json:"at"`
	// Mark is 16 bits of the code's hash: enough to notice a code that is typed
	// twice, too little to find one that AWS may still take.
	Mark string `json:"mark"`
	// Step is the code's time step if it was made from a seed, in the seed's periods.
	Step int64 `json:"step,omitempty"`
}

func (r *run) deviceState(name string) deviceState {
	var d deviceState
	if r.Sessions == nil {
		return d
	}
	state, err := r.Sessions.LockState(name)
	if err == nil && len(state) > 0 {
		err = json.Unmarshal(state, &d)
	}
	if err != nil {
		r.Log("the memory of %s is not readable and begins anew: %v", name, err)
		return deviceState{}
	}
	return d
}

// lastStep is the last step whose code was used, 0 if none is known. Entries
// from the future are ignored: the clock went back.
func (d deviceState) lastStep(now time.Time) int64 {
	var last int64
	for _, u := range d.Used {
		if u.At.Sub(now) < maxAhead {
			last = max(last, u.Step)
		}
	}
	return last
}

// usedAt recognises the codes that AWS may remember now.
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

// use adds a code; old ones are dropped.
func (d deviceState) use(a mfa.Answer, now time.Time) deviceState {
	u := usedCode{At: now.UTC(), Mark: mark(a.Code), Step: a.Step}
	d.Used = append(append([]usedCode{}, d.Used[max(0, len(d.Used)-maxUsed+1):]...), u)
	d.Outcome, d.Message, d.Plan = "", "", ""
	return d
}

func mark(code string) string {
	sum := sha256.Sum256([]byte("fob used code " + code))
	return hex.EncodeToString(sum[:2])
}
