package doctor

import "testing"

// What made two checks fail is one thing for a person; JSON has both findings.
func TestGroupedSaysOnce(t *testing.T) {
	wrong := func(check, what string) Finding { return Finding{Check: check, Level: Wrong, What: what} }
	r := Report{Findings: []Finding{
		wrong("files", "another user's"), wrong("store", "another user's"), wrong("store", "damaged"),
		{Check: "ways", Level: OK, What: "fine"}, {Check: "profiles", Level: OK, What: "fine"},
	}}
	if got := r.Grouped(); got.Count(Wrong) != 2 || len(got.Findings) != 4 {
		t.Errorf("got %+v", got.Findings)
	}
	if r.Count(Wrong) != 3 {
		t.Errorf("the report itself has %d", r.Count(Wrong))
	}
}
