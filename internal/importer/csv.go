package importer

import (
	"encoding/csv"
	"io"
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
