package rotate

import "slices"

// Status is what AWS has of a key.
type Status int

// The statuses. A key that is Expired is Inactive: nothing but AWS can set that.
const (
	Absent Status = iota
	Inactive
	Active
)

// State is all that a decision depends on.
type State struct {
	// Step is the journal's; "" if there is none.
	Step string
	// Back: the old key becomes the profile's again.
	Back bool
	// Due: the profile's key is old enough to be replaced.
	Due      bool
	Old, New Status
	// Lost: the user has a key that is lost. Strange: they have one that is neither that nor
	// one of the two.
	Lost, Strange bool
	// ToSwitch: a profile does not have the new key, ToReturn: one does not have the old
	// one. Profiles that have a third key are not counted, and if all do, Replaced is set.
	ToSwitch, ToReturn, Replaced bool
	// Young: AWS may not list yet what it was last asked for.
	Young bool
	// Proved: AWS has accepted the key that the profiles are to get.
	Proved bool
	// Rest: the old key is left inactive.
	Rest bool
}

// Action is what is done next.
type Action string

// The actions. The last of a run are those from Finish on; Full and those after it are
// errors.
const (
	Begin      Action = "begin"
	Create     Action = "create"
	Await      Action = "await" // what AWS lists a little later
	DropLost   Action = "drop lost"
	Prove      Action = "prove"
	Switch     Action = "switch"
	Deactivate Action = "deactivate"
	Delete     Action = "delete"

	Return     Action = "return"
	Reactivate Action = "reactivate"
	SwitchBack Action = "switch back"
	DeleteNew  Action = "delete new"
	Onward     Action = "onward" // because there is no way back

	Finish Action = "finish"
	Leave  Action = "leave"
	Forget Action = "forget"
	NotDue Action = "not due"

	Full     Action = "full"
	Nothing  Action = "nothing" // to go back from
	OldGone  Action = "old gone"
	NewGone  Action = "new gone"
	Replaced Action = "replaced"
	Unknown  Action = "unknown" // a journal of another version of fob
)

// Decide is the next action. It is a pure function: that of the package's table.
func Decide(s State) Action {
	steps := []string{"", Began, Created, Switched, Deactivated, Returning}
	if slices.Contains(steps, s.Step) && (s.Back || s.Step == Returning) {
		return decideBack(s)
	}
	switch s.Step {
	case "":
		return decideBegin(s)
	case Began:
		return decideCreate(s)
	case Created, Switched, Deactivated:
		return decideOn(s)
	}
	return Unknown
}

func decideOn(s State) Action {
	newGone := s.New == Inactive || s.New == Absent && !s.Young
	switch {
	case s.Replaced:
		return Replaced
	case newGone:
		return NewGone
	case s.ToSwitch && !s.Proved:
		return Prove
	case s.ToSwitch, s.Step == Created:
		return Switch
	case s.Old == Absent && !s.Young:
		return Finish
	case s.Step == Switched, s.Old == Active:
		return Deactivate
	case s.Rest:
		return Leave
	}
	return Delete
}

func decideBegin(s State) Action {
	switch {
	case !s.Due:
		return NotDue
	case s.Strange:
		return Full
	case s.Old != Active:
		return OldGone
	}
	return Begin
}

func decideCreate(s State) Action {
	switch {
	case s.Replaced:
		return Replaced
	case s.Lost:
		return DropLost
	case s.Strange:
		return Full
	case s.Young:
		return Await
	case s.Old != Active:
		return OldGone
	}
	return Create
}

func decideBack(s State) Action {
	switch {
	case s.Step == "":
		return Nothing
	case s.Step == Began && s.Lost:
		return DropLost
	case s.Young && (s.Step == Began || s.Old == Absent || s.Old == Inactive && s.New == Absent):
		return Await
	case s.Step == Began, s.Replaced: // nobody knows whether what replaced them works
		return Forget
	case s.Old == Absent && s.Step == Returning && s.New == Active:
		return Onward
	case s.Old == Absent:
		return OldGone
	case s.Step != Returning:
		return Return
	case s.Old == Inactive && s.New != Active:
		return NewGone
	case s.Old == Inactive:
		return Reactivate
	case s.ToReturn && !s.Proved:
		return Prove
	case s.ToReturn:
		return SwitchBack
	case s.New != Absent || s.Young:
		return DeleteNew
	}
	return Forget
}
