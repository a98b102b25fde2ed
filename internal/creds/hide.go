package creds

import "strings"

// hidden is what messages have in the place of a secret.
const hidden = "(hidden)"

// Hide is a text without what looks like a secret in it, such as one that was pasted in
// the place of a region. What a person reads goes through it, and what fob writes outside
// the store. Hiding twice changes nothing.
func Hide(text string) string {
	const least = seedLength
	if len(text) < least && !strings.Contains(text, "=") {
		return text
	}
	var b strings.Builder
	done := 0
	for from, to := range secretsIn(text) {
		b.WriteString(text[done:from] + hidden)
		done = to
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

// Secrets are the parts of a text that Hide hides.
func Secrets(text string) (all []string) {
	for from, to := range secretsIn(text) {
		all = append(all, text[from:to])
	}
	return all
}

// HasKey reports whether a text has an access key or the ID of one in it, or another
// secret.
func HasKey(text string) bool {
	for range secretsIn(text) {
		return true
	}
	for i := 0; i < len(text); {
		to := runEnd(text, i)
		if IsKeyID(text[i:to]) && !joined(text, i, to) {
			return true
		}
		i = max(to, i+1)
	}
	return false
}

// secretsIn yields where the secrets of a text begin and end.
func secretsIn(text string) func(yield func(from, to int) bool) {
	return func(yield func(from, to int) bool) {
		for i := 0; i < len(text); {
			from, to := secretAt(text, i)
			if from < to && !yield(from, to) {
				return
			}
			i = max(to, i+1)
		}
	}
}

// secretAt is the secret in the run of letters, digits, + and / that begins at i; or the
// end of the run, twice.
func secretAt(text string, i int) (from, to int) {
	const (
		age, otp = "AGE-SECRET-KEY-", "otpauth://"
		token    = 100 // characters; a session token has several hundred, and a path has dots or dashes
	)
	end := runEnd(text, i)
	switch rest := text[i:]; {
	case end == i:
		return i, i
	case strings.HasPrefix(rest, age) && runEnd(text, i+len(age)) > i+len(age)+1, strings.HasPrefix(rest, otp) && wordEnd(text, i) > i+len(otp):
		return i, wordEnd(text, i)
	}
	if endsSecretName(text[:end]) {
		return assigned(text, end)
	}
	from = i
	switch {
	case from > 0 && text[from-1] == '\\' && strings.IndexByte("nrt", text[from]) >= 0: // \n in quotes
		from++
	case strings.HasPrefix(text[from:end], "//"): // of a URL
		from += len("//")
	}
	run := text[from:end]
	random := LooksSecret(run) && strings.ContainsAny(run, "0123456789+") || len(run) >= token && mixed(run)
	if !random || run[0] == '/' || joined(text, from, end) || names(text[:from]) {
		return end, end
	}
	return from, end
}

// runEnd is where the letters, digits, + and / that begin at i end.
func runEnd(text string, i int) int {
	for i < len(text) && (isAlnum(text[i]) || text[i] == '+' || text[i] == '/') {
		i++
	}
	return i
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func mixed(run string) bool {
	return strings.ToLower(run) != run && strings.ToUpper(run) != run && strings.ContainsAny(run, "0123456789")
}

// wordEnd is the end of the word at i, without the quotes and brackets around it.
func wordEnd(text string, i int) int {
	if n := strings.IndexAny(text[i:], " \t\r\n\"'`\\<>()[]{},;"); n >= 0 {
		return i + n
	}
	return len(text)
}

// joined reports whether a run is a part of a longer name, as in base64url, a UUID or a
// path with a file's extension.
func joined(text string, from, to int) bool {
	joins := func(c byte) bool { return c == '-' || c == '_' || c == '.' }
	return from > 1 && joins(text[from-1]) && isAlnum(text[from-2]) ||
		to+1 < len(text) && joins(text[to]) && isAlnum(text[to+1])
}

// names reports whether what follows in the same word is a part of an ARN, or of the name
// of an application secret.
func names(before string) bool {
	word := before[strings.LastIndexAny(before, " \t\r\n\"'`=,;()")+1:]
	return strings.Contains(word, "arn:") || strings.HasSuffix(word, "ssm:") || strings.HasSuffix(word, "secretsmanager:")
}

// endsSecretName reports whether a text ends with the name of a setting whose value is a
// secret.
func endsSecretName(text string) bool {
	for _, name := range []string{"aws_secret_access_key", "aws_session_token", "aws_security_token"} {
		if at := len(text) - len(name); at >= 0 && strings.EqualFold(text[at:], name) {
			return true
		}
	}
	return false
}

// assigned is the value that the text gives to the name before i.
func assigned(text string, i int) (from, to int) {
	rest := strings.TrimLeft(text[i:], " \t")
	if rest == "" || rest[0] != '=' && rest[0] != ':' {
		return i, i
	}
	spaced := strings.TrimLeft(rest[1:], " \t")
	from = len(text) - len(spaced)
	to = wordEnd(text, from)
	if rest[0] == ':' && strings.Trim(spaced[:to-from], "abcdefghijklmnopqrstuvwxyz") == "" {
		return i, i // a sentence continues
	}
	return from, to
}
