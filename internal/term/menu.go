package term

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Choice is one of the things that a person can pick.
type Choice struct {
	Name string
	// Cells are what else is known about it. Those of all choices stand in columns.
	Cells []string
}

// Menu is a question with a list of answers.
type Menu struct {
	// Noun is what is picked, in the singular: "profile".
	Noun string
	// Choices are at least one, best first.
	Choices []Choice
	// Plain means that the terminal knows no escape sequences.
	Plain bool
	// Dim means that it may show what matters less in a weaker color.
	Dim bool
}

// maxRows is how many choices are on the screen at once. More are not read, but
// narrowed by typing.
const maxRows = 12

// menu is a Menu while a person picks. It knows nothing of terminals.
type menu struct {
	Menu              // with clean text
	folded [][]string // of each choice, the texts to look in
	widths []int      // of the columns

	query    string
	found    []int // the choices that match, best first
	selected int   // in found
	top      int   // in found, the first one on the screen
	rows     int   // how many were on the screen
	refused  bool  // Enter was pressed, and there was nothing to pick
}

func newMenu(m Menu) *menu {
	clean := &menu{Menu: m}
	clean.Noun, clean.Choices = Clean(m.Noun), make([]Choice, len(m.Choices))
	for i, c := range m.Choices {
		texts := []string{Clean(c.Name)}
		for _, cell := range c.Cells {
			texts = append(texts, Clean(cell))
		}
		clean.Choices[i] = Choice{texts[0], texts[1:]}
		var folded []string
		for column, text := range texts {
			if column == len(clean.widths) {
				clean.widths = append(clean.widths, 0)
			}
			clean.widths[column] = max(clean.widths[column], Width(text))
			folded = append(folded, strings.ToLower(text))
		}
		clean.folded = append(clean.folded, folded)
	}
	clean.filter("")
	return clean
}

// filter looks for the choices that hold every word of the query.
func (m *menu) filter(query string) {
	m.query, m.selected, m.top, m.refused = query, 0, 0, false
	m.found = m.matches(query)
}

func (m *menu) matches(query string) []int {
	words := strings.Fields(strings.ToLower(query))
	ranks := make([]int, len(m.folded))
	var found []int
	for i, texts := range m.folded {
		if r, ok := rank(words, texts); ok {
			ranks[i] = r
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b int) int { return ranks[a] - ranks[b] })
	return found
}

// Has reports whether every word of a query is in what is known of a choice.
func (c Choice) Has(query string) bool {
	texts := []string{strings.ToLower(c.Name)}
	for _, cell := range c.Cells {
		texts = append(texts, strings.ToLower(cell))
	}
	_, ok := rank(strings.Fields(strings.ToLower(query)), texts)
	return ok
}

// rank is how well a choice matches the words; 0 is best. The first text is its name.
func rank(words, texts []string) (sum int, ok bool) {
	for _, word := range words {
		switch name := texts[0]; {
		case name == word:
		case strings.HasPrefix(name, word):
			sum++
		case strings.Contains(name, word):
			sum += 2
		case slices.ContainsFunc(texts[1:], func(text string) bool { return strings.Contains(text, word) }):
			sum += 3
		default:
			return 0, false
		}
	}
	return sum, true
}

// press does what a key means, except to end the menu. It reports whether a choice is
// picked.
func (m *menu) press(a action, text string) (picked bool) {
	last := len(m.found) - 1
	switch a {
	case insert:
		if len(m.query)+len(text) <= maxLine {
			m.filter(m.query + text)
		}
	case deleteChar:
		_, n := utf8.DecodeLastRuneInString(m.query)
		m.filter(m.query[:len(m.query)-n])
	case deleteWord:
		words := strings.TrimRightFunc(m.query, unicode.IsSpace)
		m.filter(words[:strings.LastIndexByte(words, ' ')+1])
	case deleteAll:
		m.filter("")
	case moveUp:
		m.selected--
	case moveDown:
		m.selected++
	case pageUp:
		m.selected -= m.rows
	case pageDown:
		m.selected += m.rows
	case moveFirst:
		m.selected = 0
	case moveLast:
		m.selected = last
	case accept:
		m.refused = last < 0
		picked = last >= 0
	}
	m.selected = max(min(m.selected, last), 0)
	return picked
}

// title is the noun as it begins a line.
func (m *menu) title() string {
	r, n := utf8.DecodeRuneInString(m.Noun)
	return string(unicode.ToUpper(r)) + m.Noun[n:]
}

// view is what the screen shows: its lines, each shorter than the screen is wide, and
// in which column of the first one the cursor is.
func (m *menu) view(rows, columns int) (lines []string, cursor int) {
	width := columns - 1 // some terminals go to the next line after the last column
	head := m.title() + " (type to filter, Enter to choose): "
	if Width(head)+Width(m.query) > width {
		head = m.title() + ": "
	}
	head += m.query
	for Width(head) > width { // the end of the query is what is being typed
		_, n := utf8.DecodeRuneInString(head)
		head = head[n:]
	}
	lines, cursor = append(lines, head), Width(head)

	// The first and the last line are not for choices, and one is for the command.
	m.rows = max(min(maxRows, rows-3, len(m.found)), min(1, len(m.found)))
	m.top = max(min(m.top, m.selected), m.selected-m.rows+1)
	widths := m.fit(width - 2)
	for i := m.top; i < m.top+m.rows; i++ {
		mark := "  "
		if i == m.selected {
			mark = "> "
		}
		lines = append(lines, mark+m.row(m.Choices[m.found[i]], widths, width-2, m.Dim && i != m.selected))
	}
	if foot := m.foot(); foot != "" && len(lines) < rows {
		lines = append(lines, dim("  "+Cut(foot, width-2), m.Dim))
	}
	return lines[:min(len(lines), max(rows, 1))], cursor
}

// foot says what the list does not show.
func (m *menu) foot() string {
	switch {
	case m.refused:
		return m.noMatch(m.query) + ": change that with Backspace or Ctrl-U"
	case len(m.found) == 0:
		return m.noMatch(m.query)
	case len(m.found) < len(m.Choices):
		return fmt.Sprintf("%d of %d", len(m.found), len(m.Choices))
	case m.rows < len(m.Choices):
		return fmt.Sprintf("%d of %d", m.selected+1, len(m.Choices))
	}
	return ""
}

func (m *menu) noMatch(query string) string {
	return fmt.Sprintf("no %s matches %q", m.Noun, strings.Join(strings.Fields(query), " "))
}

const (
	// leastWidth is how narrow a column becomes before the last ones are cut off: an
	// account ID stays whole.
	leastWidth = 12
	// leastCell is how much of a cell says anything.
	leastCell = 6
)

// fit is how wide the columns are on so many columns of the screen. The widest becomes
// narrower first.
func (m *menu) fit(columns int) []int {
	widths := slices.Clone(m.widths)
	all := 2 * (len(widths) - 1)
	for _, w := range widths {
		all += w
	}
	for ; all > columns; all-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= leastWidth {
			break // the last columns are cut off
		}
		widths[widest]--
	}
	return widths
}

// row is a choice on one line, of at most so many columns.
func (m *menu) row(c Choice, widths []int, columns int, weak bool) string {
	width := min(widths[0], columns)
	name, cells := pad(c.Name, width), ""
	for i, cell := range c.Cells {
		columns -= width + 2
		if width = min(widths[i+1], columns); width < min(widths[i+1], leastCell) {
			break
		}
		cells += "  " + pad(cell, width)
	}
	if cells = strings.TrimRight(cells, " "); cells == "" {
		return strings.TrimRight(name, " ")
	}
	return name + dim(cells, weak)
}

// dim is text in a weaker color, where that is wanted.
func dim(text string, weak bool) string {
	if !weak {
		return text
	}
	return "\x1b[2m" + text + "\x1b[0m"
}

// pad cuts clean text to a width, or fills it up with spaces.
func pad(s string, width int) string {
	s = Cut(s, width)
	return s + strings.Repeat(" ", max(width-Width(s), 0))
}
