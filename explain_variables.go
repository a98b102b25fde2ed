package main

import (
	"fmt"

	"fob/internal/plan"
	"fob/internal/ui"
)

// printVariables prints which variables fob exec sets, and what it reads for them. Text in
// the AWS config is not shown: it may be a secret that should not be there.
func printVariables(a *app, p plan.Plan) {
	for _, v := range p.Env {
		what := "text in the AWS config"
		var read []string
		for _, ref := range plan.References([]plan.Variable{v}) {
			read = append(read, fmt.Sprintf("%s (%s)", ref, ref.Region))
		}
		if len(read) > 0 {
			what = "fob exec reads " + ui.List(read)
		}
		a.out.Hang(ui.Plain.Text("Variable: "), ui.Plain.Text(fmt.Sprintf("%s (%s): %s", v.Name, v.From, what)))
	}
}
