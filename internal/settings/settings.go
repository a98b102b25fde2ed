// Package settings reads config.toml, the defaults of flags, and tells kong about
// them. Every setting knows its line, so that a mistake is reported with file and
// line before anything is done. fob never writes this file.
package settings

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// Type is what kind of value a setting has.
type Type string

// The types that flags have. A number has none of them: no flag of fob is one.
const (
	String Type = "a string"
	Bool   Type = "true or false"
	List   Type = "a list of strings"
)

// Setting is one `key = value`.
type Setting struct {
	// Table is the command it is for, "" for all.
	Table string
	Key   string
	Type  Type
	// Text is the value; Texts is a list's.
	Text  string
	Texts []string
	Line  int
}

// SyntaxError is a file that is not TOML, or has a value that no flag can have.
type SyntaxError struct {
	Line    int
	Problem string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// Parse reads the text of a config.toml. The error is a *SyntaxError.
func Parse(text []byte) ([]Setting, error) {
	// Only the unstable parser has positions, but it does not detect duplicates.
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // editors on Windows write it
	var whole map[string]any
	if err := toml.Unmarshal(text, &whole); err != nil {
		var decode *toml.DecodeError
		if errors.As(err, &decode) {
			line, _ := decode.Position()
			return nil, &SyntaxError{line, words(strings.TrimPrefix(decode.Error(), "toml: "))}
		}
		return nil, &SyntaxError{1, err.Error()}
	}
	var p unstable.Parser
	p.Reset(text)
	var all []Setting
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		line := p.Shape(keyOf(e).Raw).Start.Line
		switch e.Kind {
		case unstable.Table:
			table = name(e.Key())
		case unstable.KeyValue:
			s, err := setting(e)
			if err != nil {
				return nil, &SyntaxError{line, err.Error()}
			}
			s.Table, s.Line = table, line
			all = append(all, s)
		default:
			return nil, &SyntaxError{line, "only [table] and key = value are allowed"}
		}
	}
	return all, nil
}

// words are the parser's about a mistake, or better ones: about a value that is not
// quoted it says what it tried to read.
func words(problem string) string {
	for _, value := range []string{"expected keyword", "at start of value"} {
		if strings.Contains(problem, value) {
			return `a value must be in quotes ("..."), or true or false`
		}
	}
	return problem
}

// keyOf is the first node that has a position of its own.
func keyOf(e *unstable.Node) *unstable.Node {
	it := e.Key()
	it.Next()
	return it.Node()
}

func name(it unstable.Iterator) string {
	var parts []string
	for it.Next() {
		parts = append(parts, string(it.Node().Data))
	}
	return strings.Join(parts, ".")
}

func setting(e *unstable.Node) (Setting, error) {
	s := Setting{Key: name(e.Key())}
	v := e.Value()
	switch v.Kind {
	case unstable.String:
		s.Type, s.Text = String, string(v.Data)
	case unstable.Bool:
		s.Type, s.Text = Bool, string(v.Data)
	case unstable.Integer:
		s.Text = string(v.Data)
	case unstable.Array:
		s.Type = List
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.String {
				return s, fmt.Errorf("%s must be a list of strings", s.Key)
			}
			s.Texts = append(s.Texts, string(it.Node().Data))
		}
	default:
		return s, fmt.Errorf("%s must be a string, true, false or a list of strings", s.Key)
	}
	return s, nil
}
