package importer

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"fob/internal/creds"
)

// csvKey is a row of a CSV file.
type csvKey struct {
	line             int
	user, id, secret string
}

// readCSV reads a file as the console offers it: that of a new key, or that of new users.
// The columns have any order and any case; ok is false if it is not such a file.
func readCSV(text string) (keys []csvKey, ok bool) {
	text = creds.Typed(text)
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	titles, err := r.Read()
	if err != nil {
		return nil, false
	}
	user, id, secret := -1, -1, -1
	for i, title := range titles {
		switch strings.ToLower(strings.ReplaceAll(strings.TrimSpace(title), " ", "")) {
		case "username":
			user = i
		case "accesskeyid":
			id = i
		case "secretaccesskey":
			secret = i
		}
	}
	if id < 0 || secret < 0 {
		return nil, false
	}
	for {
		row, err := r.Read()
		if err != nil {
			return keys, err == io.EOF // of a file that cannot be read to its end nobody knows all keys
		}
		field := func(i int) string {
			if i < 0 || i >= len(row) {
				return ""
			}
			return strings.TrimSpace(row[i])
		}
		line, _ := r.FieldPos(0)
		// Users without programmatic access have empty fields.
		if field(id) != "" || field(secret) != "" {
			keys = append(keys, csvKey{line, field(user), field(id), field(secret)})
		}
	}
}

// known are the columns of the console's CSV files, and the members of what
// create-access-key prints, that nobody misses when the key has moved.
var known = []string{
	"username", "accesskeyid", "secretaccesskey", "consoleloginlink", "consolesign-inurl", "status", "createdate", "version", "accesskey",
}

// Others are the titles of what a file with keys holds beside them, such as the password
// for the console, which AWS shows only once.
func Others(text string) (titles []string) {
	text = creds.Typed(text)
	add := func(title string) {
		word := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(title), " ", ""))
		if !slices.Contains(known, word) && !slices.Contains(titles, title) {
			titles = append(titles, title)
		}
	}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		members(text, add)
		slices.Sort(titles) // Go's maps have no order
		return titles
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	columns, _ := r.Read() // the text has been read before
	if _, ok := readCSV(text); !ok {
		return nil // two lines
	}
	for row, err := r.Read(); err == nil; row, err = r.Read() {
		for i, field := range row {
			switch {
			case strings.TrimSpace(field) == "":
			case i < len(columns):
				add(strings.TrimSpace(columns[i]))
			default:
				add("")
			}
		}
	}
	return titles
}

// members are those of an object in JSON, and of the one in it that has the key.
func members(text string, add func(string)) {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &object) != nil {
		return
	}
	for name, value := range object {
		if s := string(value); s != "null" && s != `""` {
			add(name)
		}
		if strings.EqualFold(name, "AccessKey") {
			members(string(value), add)
		}
	}
}
