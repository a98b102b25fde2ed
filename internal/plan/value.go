package plan

import (
	"fmt"

	"fob/internal/awsconfig"
)

// get reads a value that is not empty. fob_KEY wins over KEY.
func get(p awsconfig.Profile, key string) (awsconfig.Value, bool) {
	v, ok := p.Get(key)
	return v, ok && v.Text != ""
}

func plain(p awsconfig.Profile, key string) (awsconfig.Value, bool) {
	v, ok := p.Plain(key)
	return v, ok && v.Text != ""
}

// At is "file:line" of a value, or the name of the variable that it is from; "" for the
// zero value.
func At(v awsconfig.Value) string {
	if v.Line == 0 {
		return v.File
	}
	return fmt.Sprintf("%s:%d", v.File, v.Line)
}

func where(p awsconfig.Profile) string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}
