package rotate

import "testing"

// The package's table, and what else AWS and the profiles may say. Each row is a state
// that a run may find, with what fob rotate and fob rotate --abort do first.
func TestDecide(t *testing.T) {
	for _, row := range []struct {
		name     string
		state    State
		on, back Action
	}{
		{"nothing begun", State{Due: true, Old: Active, ToSwitch: true}, Begin, Nothing},
		{"a young key", State{Old: Active, ToSwitch: true}, NotDue, Nothing},
		{"an inactive key", State{Due: true, Old: Inactive, ToSwitch: true}, OldGone, Nothing},
		{"a second key", State{Due: true, Old: Active, ToSwitch: true, Strange: true}, Full, Nothing},

		{"about to ask", State{Step: Began, Old: Active, ToSwitch: true}, Create, Forget},
		{"just asked", State{Step: Began, Old: Active, ToSwitch: true, Young: true}, Await, Await},
		{"no answer, but a key", State{Step: Began, Old: Active, ToSwitch: true, Lost: true}, DropLost, DropLost},
		{"somebody else's key", State{Step: Began, Old: Active, ToSwitch: true, Strange: true}, Full, Forget},
		{"the old key deactivated by somebody", State{Step: Began, Old: Inactive, ToSwitch: true}, OldGone, Forget},
		{"a third key stored meanwhile", State{Step: Began, Old: Active, Replaced: true}, Replaced, Forget},

		{"created", State{Step: Created, Old: Active, New: Active, ToSwitch: true}, Prove, Return},
		{"created, and AWS does not list it yet", State{Step: Created, Old: Active, ToSwitch: true, Young: true}, Prove, Return},
		{"created, and deleted by somebody", State{Step: Created, Old: Active, ToSwitch: true}, NewGone, Return},
		{"created, and deactivated by somebody", State{Step: Created, Old: Active, New: Inactive, ToSwitch: true}, NewGone, Return},
		{"created, and AWS accepts it", State{Step: Created, Old: Active, New: Active, ToSwitch: true, Proved: true}, Switch, Return},
		{"half switched", State{Step: Created, Old: Active, New: Active, ToSwitch: true, ToReturn: true}, Prove, Return},
		{"switched, but that is not written down", State{Step: Created, Old: Active, New: Active, ToReturn: true}, Switch, Return},
		{"created, and the old key deleted by somebody", State{Step: Created, New: Active, ToSwitch: true}, Prove, OldGone},
		{"created, and a third key stored", State{Step: Created, Old: Active, New: Active, Replaced: true}, Replaced, Forget},
		{"deactivated, and a third key stored", State{Step: Deactivated, Old: Inactive, New: Active, Replaced: true}, Replaced, Forget},
		{"going back, and a third key stored", State{Step: Returning, Old: Active, New: Active, Replaced: true}, Forget, Forget},

		{"switched", State{Step: Switched, Old: Active, New: Active, ToReturn: true}, Deactivate, Return},
		{"switched, and the old key may be inactive", State{Step: Switched, Old: Inactive, New: Active, ToReturn: true}, Deactivate, Return},
		{"switched, and the old key deleted by somebody", State{Step: Switched, New: Active, ToReturn: true}, Finish, OldGone},
		{"switched, and AWS does not list the old key yet", State{Step: Switched, New: Active, ToReturn: true, Young: true}, Deactivate, Await},
		{"switched, and the new key deleted by somebody", State{Step: Switched, Old: Active, ToReturn: true}, NewGone, Return},
		{"switched, and a file with the old key came back", State{Step: Switched, Old: Active, New: Active, ToSwitch: true}, Prove, Return},

		{"deactivated", State{Step: Deactivated, Old: Inactive, New: Active, ToReturn: true}, Delete, Return},
		{"deactivated, to be left", State{Step: Deactivated, Old: Inactive, New: Active, ToReturn: true, Rest: true}, Leave, Return},
		{"deactivated, and activated by somebody", State{Step: Deactivated, Old: Active, New: Active, ToReturn: true}, Deactivate, Return},
		{"deactivated, and AWS does not list the old key yet", State{Step: Deactivated, New: Active, ToReturn: true, Young: true}, Delete, Await},
		{"deleted", State{Step: Deactivated, New: Active, ToReturn: true}, Finish, OldGone},

		{"going back", State{Step: Returning, Old: Inactive, New: Active, ToReturn: true}, Reactivate, Reactivate},
		{"the old key active again", State{Step: Returning, Old: Active, New: Active, ToReturn: true}, Prove, Prove},
		{"AWS accepts it", State{Step: Returning, Old: Active, New: Active, ToReturn: true, Proved: true}, SwitchBack, SwitchBack},
		{"back", State{Step: Returning, Old: Active, New: Active, ToSwitch: true}, DeleteNew, DeleteNew},
		{"back, and the new key is inactive", State{Step: Returning, Old: Active, New: Inactive, ToSwitch: true}, DeleteNew, DeleteNew},
		{"the new key not listed yet", State{Step: Returning, Old: Active, ToSwitch: true, Young: true}, DeleteNew, DeleteNew},
		{"neither can be used yet", State{Step: Returning, Old: Inactive, ToReturn: true, Young: true}, Await, Await},
		{"the new key deleted", State{Step: Returning, Old: Active, ToSwitch: true}, Forget, Forget},
		{"nothing to activate the old key with", State{Step: Returning, Old: Inactive, ToReturn: true}, NewGone, NewGone},
		{"the old key deleted by somebody", State{Step: Returning, New: Active, ToReturn: true}, Onward, Onward},
		{"the old key not listed yet", State{Step: Returning, New: Active, ToReturn: true, Young: true}, Await, Await},
		{"both deleted", State{Step: Returning, ToReturn: true}, OldGone, OldGone},
		{"both useless, and a third key stored", State{Step: Returning, Replaced: true}, Forget, Forget},

		{"a step of a later fob's", State{Step: "polished", Old: Active, New: Active}, Unknown, Unknown},
	} {
		if got := Decide(row.state); got != row.on {
			t.Errorf("%s: fob rotate does %q, want %q", row.name, got, row.on)
		}
		row.state.Back = true
		if got := Decide(row.state); got != row.back {
			t.Errorf("%s: --abort does %q, want %q", row.name, got, row.back)
		}
	}
}

// Whatever the state is: a key is deleted or deactivated only if the other one is active
// and the profiles have it, and no key is created where one may be lost.
func TestDecideNeverLosesAKey(t *testing.T) {
	flags := func(i int, n uint) bool { return i>>n&1 == 1 }
	steps := []string{"", Began, Created, Switched, Deactivated, Returning, "polished"}
	actions := map[Action]int{}
	for _, step := range steps {
		for old := Absent; old <= Active; old++ {
			for next := Absent; next <= Active; next++ {
				for i := range 1 << 10 {
					s := State{
						Step: step, Old: old, New: next, Back: flags(i, 0), Due: flags(i, 1), Lost: flags(i, 2), Strange: flags(i, 3),
						ToSwitch: flags(i, 4), ToReturn: flags(i, 5), Replaced: flags(i, 6), Young: flags(i, 7), Proved: flags(i, 8), Rest: flags(i, 9),
					}
					if s.Replaced && (s.ToSwitch || s.ToReturn) || s.Lost && step != Began || s.Back && step == Returning {
						continue
					}
					a := Decide(s)
					actions[a]++
					switch wrong := map[Action]bool{
						Delete:     s.New != Active && !s.Young || s.ToSwitch || s.Old == Active || s.Replaced,
						Deactivate: s.New != Active && !s.Young || s.ToSwitch || s.Replaced,
						Finish:     s.New != Active || s.ToSwitch || s.Old != Absent || s.Young,
						OldGone:    s.Old == Absent && s.Young && s.Step != Began && step != "",
						DeleteNew:  s.Old != Active || s.ToReturn || s.Replaced,
						Switch:     s.ToSwitch && !s.Proved,
						SwitchBack: s.ToReturn && !s.Proved || s.Old != Active,
						Create:     s.Lost || s.Young || s.Strange || s.Old != Active,
						Begin:      s.Strange || step != "" || s.Old != Active,
						Forget:     s.ToReturn && step == Returning,
					}; {
					case wrong[a]:
						t.Errorf("%q in %+v", a, s)
					case step == "polished" && a != Unknown:
						t.Errorf("%q at a step that is not known", a)
					}
				}
			}
		}
	}
	for _, a := range []Action{Begin, Create, Await, DropLost, Prove, Switch, Deactivate, Delete, Return, Reactivate, SwitchBack, DeleteNew, Onward, Finish, Leave, Forget, NotDue, Full, Nothing, OldGone, NewGone, Replaced, Unknown} {
		if actions[a] == 0 {
			t.Errorf("nothing leads to %q", a)
		}
	}
	if len(actions) != 23 {
		t.Errorf("%d actions", len(actions))
	}
}
