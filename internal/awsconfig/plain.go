package awsconfig

import "strings"

// Plain rewrites a line that the AWS CLI and the Go SDK read differently, so that both
// read what fob reads there: a comment behind the value goes to a line of its own, above,
// and quotes around the value go. It returns the text unchanged if the line is not such a
// one, or if the value needs them.
func Plain(text string, num int) string {
	start := 0
	for range num - 1 {
		i := strings.IndexByte(text[start:], '\n')
		if i < 0 {
			return text
		}
		start += i + 1
	}
	line, rest := text[start:], ""
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line, rest = line[:i], line[i:]
	}
	if bare, ok := strings.CutSuffix(line, "\r"); ok {
		line, rest = bare, "\r"+rest
	}
	key, body, problem := cutKey(line)
	if problem != "" || kindOf(line) != plain {
		return text
	}
	note := strings.TrimSpace(body[comment(body):])
	value := readValue(body)
	if value == "" || strings.ContainsAny(value, `"'`) || writable([2]string{strings.ToLower(key), value}) != nil {
		return text
	}
	at := strings.IndexByte(line, '=') + 1
	line = line[:at] + leading(body) + value
	if note != "" {
		line = note + lineEnd(text) + line
	}
	return text[:start] + line + rest
}

// WithoutMark is a text without a byte order mark.
func WithoutMark(text string) string { return strings.TrimPrefix(text, bom) }
