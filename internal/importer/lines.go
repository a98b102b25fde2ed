package importer

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fob/internal/profiles"
)

// texts are the AWS files in two states: as they are, and without the plain text. What is
// wrong with the second is said with lines of the first, which is what a person can open.
type texts struct {
	files     profiles.Files
	disk, now profiles.Texts
}

// onDisk is a problem of now, with the lines that disk has. A line that is only in now is
// left out.
func (t texts) onDisk(problem string) string {
	for _, f := range []struct{ path, disk, now string }{
		{t.files.Config, t.disk.Config, t.now.Config},
		{t.files.Credentials, t.disk.Credentials, t.now.Credentials},
	} {
		shown := t.files.Tilde(f.path)
		place := regexp.MustCompile(regexp.QuoteMeta(shown) + `:(\d+)`)
		problem = place.ReplaceAllStringFunc(problem, func(at string) string {
			n, _ := strconv.Atoi(at[len(shown)+1:])
			if line := sameLine(f.disk, f.now, n); line > 0 {
				return shown + ":" + strconv.Itoa(line)
			}
			return shown
		})
	}
	return problem
}

// sameLine is the line of disk that has become a line of now, from 1; 0 if there is none.
func sameLine(disk, now string, line int) int {
	lines, at := strings.Split(disk, "\n"), 0
	for n, text := range strings.Split(now, "\n") {
		i := slices.Index(lines[at:], text)
		if i >= 0 {
			at += i + 1
		}
		switch {
		case n+1 != line:
		case i >= 0:
			return at
		default:
			return 0
		}
	}
	return 0
}
