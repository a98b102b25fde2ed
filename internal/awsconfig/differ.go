package awsconfig

import "strings"

// Difference is a line that the AWS CLI (botocore) reads in another way than the
// Go SDK and fob, or fails at.
type Difference struct {
	File string
	Line int // from 1
	// Fails: the AWS CLI refuses the whole file.
	Fails   bool
	Problem string
	Remedy  string // what to change in the file
}

// Differences are those of both files, in their order. They quote no value.
func (c *Config) Differences() []Difference {
	var all []Difference
	for _, d := range []*document{c.config, c.credentials} {
		all = append(all, d.differences()...)
	}
	return all
}

func (d *document) differences() (all []Difference) {
	add := func(line int, fails bool, problem, remedy string) {
		all = append(all, Difference{d.Path, line, fails, problem, remedy})
	}
	if strings.HasPrefix(d.Text, bom) {
		add(1, true, "the file begins with a byte order mark, at which the AWS CLI fails", "save the file as UTF-8 without one")
	}
	sections := map[string]bool{}
	for i := range d.marks {
		s := d.at(i)
		if sections[s.inner] {
			add(s.line, true, "a second ["+s.inner+"], at which the AWS CLI fails", "make one section of the two")
		}
		sections[s.inner] = true
		if text := d.Text[s.start:s.body]; strings.Contains(text, "[ ") || strings.Contains(text, " ]") {
			add(s.line, false, "the AWS CLI takes the blanks inside the brackets for a part of the name", "take them out")
		}
		keys := map[string]bool{}
		for _, p := range s.properties(d.Text) {
			if keys[p.key] {
				add(p.num, true, "a second "+p.key+" in one section, at which the AWS CLI fails", "take one of them out")
			}
			keys[p.key] = true
			_, rest, _ := cutKey(p.text)
			if comment(rest) < len(rest) {
				add(p.num, false, "the AWS CLI takes the comment for a part of the value of "+p.key, "give the comment a line of its own")
			}
		}
	}
	return all
}
