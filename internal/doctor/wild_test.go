package doctor

import (
	"fmt"
	"strings"
)

// wild makes files whose syntax is unusual in one to three ways.
func (m *maker) wild() sample {
	names := m.profileNames()
	for range 1 + m.IntN(3) {
		m.traits[m.weighted(`bom 02 crlf 03 mixed-crlf 01 lone-cr 01
			comment-hash 04 comment-semicolon 03 comment-tab 02 hash-in-value 02 line-comment 03 indented-comment 02
			quoted-value 04 half-quoted 01 lone-quote 02 quoted-empty 01
			quoted-name 04 single-quoted-name 02 blank-name 03 quoted-blank-name 03 two-blanks 01 quote-in-name 01 backslash-name 01 hash-name 01
			header-spaces 03 header-tab 02 header-comment 03 header-comment-bracket 02 header-indented 03 header-trailing 02
			no-prefix 03 other-prefix 02 prefix-in-credentials 02 upper-prefix 01 upper-default 02 both-defaults 03 brackets-in-name 02 text-after 02 no-bracket 01 empty-header 01
			continued 03 continued-comment 02 continued-blank 02 sub-properties 03 sub-colon 01 sub-comment 01 sub-quoted 01 sub-plain 01
			indented-section 03 indented-key 02
			key-case 03 key-colon 01 colon-in-value 02 equals-in-value 02 no-spaces 03 tabs 03 key-space 01 trailing-space 02
			duplicate-key 04 duplicate-section 04 duplicate-quoted 02
			outside 01 no-equals 01 empty-key 01 unicode-value 02 nbsp 01 control 01 no-newline 02`)] = true
	}
	if m.traits["upper-default"] {
		names = append(names, "DEFAULT")
	}
	if m.traits["both-defaults"] && !contains(names, "default") {
		names = append(names, "default")
	}
	blocks := m.blocks(names)
	if m.traits["duplicate-section"] || m.traits["duplicate-quoted"] || m.traits["both-defaults"] {
		b := blocks[m.IntN(len(blocks))]
		for m.traits["both-defaults"] && (b.name != "default" || b.credentials) {
			b = blocks[m.IntN(len(blocks))]
			if !hasDefault(blocks) {
				blocks = append(blocks, &block{kind: "profile", name: "default"})
			}
		}
		if b.kind == "profile" {
			other := &block{kind: b.kind, name: b.name, credentials: b.credentials}
			m.fill(b.name, other, other)
			blocks = append(blocks, other)
		}
	}
	var files [2]string
	seen := map[string]bool{}
	for i, b := range blocks {
		id := fmt.Sprint(b.credentials, plainHeader(b))
		files[index(b.credentials)] += m.write(b, i == m.IntN(len(blocks)) || m.chance(50), seen[id])
		seen[id] = true
	}
	for i := range files {
		files[i] = m.whole(files[i])
	}
	return m.sample(files)
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}

func hasDefault(blocks []*block) bool {
	for _, b := range blocks {
		if b.kind == "profile" && b.name == "default" && !b.credentials {
			return true
		}
	}
	return false
}

// whole does what concerns a whole file.
func (m *maker) whole(text string) string {
	if text == "" {
		return text
	}
	if m.traits["outside"] && m.chance(50) {
		text = "region = eu-west-3\n" + text
	}
	switch {
	case m.traits["crlf"]:
		text = strings.ReplaceAll(text, "\n", "\r\n")
	case m.traits["mixed-crlf"]:
		lines := strings.SplitAfter(text, "\n")
		for i, l := range lines {
			if m.chance(40) {
				lines[i] = strings.ReplaceAll(l, "\n", "\r\n")
			}
		}
		text = strings.Join(lines, "")
	}
	if m.traits["no-newline"] {
		text = strings.TrimRight(text, "\n")
	}
	if m.traits["bom"] && m.chance(70) {
		text = "\ufeff" + text
	}
	return text
}

// header writes a header; odd ones have one of the sample's traits.
func (m *maker) header(b *block, odd, again bool) string {
	plain := plainHeader(b)
	if again && m.traits["both-defaults"] && plain == "[default]" {
		return "[profile default]"
	}
	if again && m.traits["duplicate-quoted"] && !b.credentials {
		return "[" + b.kind + ` "` + b.name + `"]`
	}
	if !odd {
		return plain
	}
	inner := plain[1 : len(plain)-1]
	kind := b.kind + " "
	if b.credentials {
		kind = ""
	}
	named := func(name string) string {
		m.also = append(m.also, name)
		return "[" + kind + name + "]"
	}
	for _, t := range []struct {
		trait string
		make  func() string
	}{
		{"quoted-name", func() string { return named(`"` + b.name + `"`) }},
		{"single-quoted-name", func() string { return named(`'` + b.name + `'`) }},
		{"blank-name", func() string { return named(b.name + " two") }},
		{"quoted-blank-name", func() string { m.also = append(m.also, b.name+" two"); return named(`"` + b.name + ` two"`) }},
		{"two-blanks", func() string { m.also = append(m.also, b.name+"  two"); return "[" + kind + " " + b.name + "]" }},
		{"quote-in-name", func() string { return named(b.name + "'s") }},
		{"backslash-name", func() string { m.also = append(m.also, b.name+"s"); return named(b.name + `\s`) }},
		{"hash-name", func() string { return named(b.name + "#1") }},
		{"header-spaces", func() string {
			m.also = append(m.also, " "+inner+" ", " "+inner, inner+" ")
			return m.pick("[ "+inner+" ]", "[ "+inner+"]", "["+inner+" ]")
		}},
		{"header-tab", func() string { return strings.Replace(plain, " ", "\t", 1) }},
		{"header-comment", func() string { return plain + m.pick(" # note", " ; note", "# note", ";note", "\t# note") }},
		{"header-comment-bracket", func() string { return plain + m.pick(" # see [x]", " ; [x] y", " # a ] b") }},
		{"header-indented", func() string { return m.pick(" ", "\t", "    ") + plain }},
		{"header-trailing", func() string { return plain + m.pick(" ", "\t", "  \t ") }},
		{"no-prefix", func() string { return "[" + b.name + "]" }},
		{"other-prefix", func() string {
			m.also = append(m.also, m.pick("profiles", "profile-old", "sso-sessions")+" "+b.name)
			return "[" + m.also[len(m.also)-1] + "]"
		}},
		{"prefix-in-credentials", func() string {
			m.also = append(m.also, "profile "+b.name)
			return "[profile " + b.name + "]"
		}},
		{"upper-prefix", func() string { return strings.Replace(plain, "profile ", "Profile ", 1) }},
		{"brackets-in-name", func() string { return named(`Co-[` + b.name + `]/Role`) }},
		{"text-after", func() string { return plain + m.pick("x", " text", " = 1") }},
		{"no-bracket", func() string { return strings.TrimSuffix(plain, "]") }},
		{"empty-header", func() string { return m.pick("[]", "[ ]", "[profile ]", "[profile]", `[profile ""]`) }},
	} {
		if m.traits[t.trait] && m.chance(60) {
			return t.make()
		}
	}
	return plain
}

// write writes a block; odd ones have the sample's traits.
func (m *maker) write(b *block, odd, again bool) string {
	var s strings.Builder
	s.WriteString(m.header(b, odd, again) + "\n")
	indent := ""
	if odd && m.traits["indented-section"] {
		indent = m.pick(" ", "  ", "\t")
	}
	settings := b.settings
	if odd && m.traits["duplicate-key"] && len(settings) > 0 {
		again := settings[m.IntN(len(settings))]
		if m.chance(60) && again.key == "region" {
			again.value = "eu-north-1"
		}
		settings = append(settings[:len(settings):len(settings)], again)
	}
	for _, p := range settings {
		special := odd && m.chance(60)
		if special && m.traits["line-comment"] {
			s.WriteString(m.pick("# a comment\n", "; a = comment\n", "#[profile x]\n", "\n"))
		}
		if special && m.traits["indented-comment"] {
			s.WriteString(m.pick("  # a comment\n", "\t; a = comment\n", "   \n", " #[profile x]\n"))
		}
		if special && m.traits["no-equals"] && m.chance(30) {
			s.WriteString("nonsense\n")
		}
		if special && m.traits["empty-key"] && m.chance(30) {
			s.WriteString("= nothing\n")
		}
		if special {
			s.WriteString(indent + m.setting(p))
		} else {
			s.WriteString(indent + strings.ReplaceAll(p.key+" = "+p.value, "\n", "\n"+indent) + "\n")
		}
	}
	if m.chance(60) {
		s.WriteString("\n")
	}
	return s.String()
}

// setting writes a property with the sample's traits.
func (m *maker) setting(p setting) string {
	key, sep, value := p.key, " = ", p.value
	nested := strings.HasPrefix(value, "\n")
	t := m.traits
	if t["key-case"] {
		key = m.pick(strings.ToUpper(key), strings.ToUpper(key[:1])+key[1:])
	}
	if t["no-spaces"] {
		sep = m.pick("=", "= ", " =")
	}
	if t["tabs"] {
		sep = m.pick("\t=\t", "\t= ", " =\t", "=\t\t")
	}
	if t["key-colon"] && m.chance(50) {
		sep = m.pick(": ", ":", " : ")
	}
	if t["key-space"] && m.chance(50) {
		key = strings.Replace(key, "_", " ", 1)
	}
	if t["indented-key"] && m.chance(60) {
		key = m.pick(" ", "\t", "    ") + key
	}
	if nested {
		return key + strings.TrimRight(sep, " \t") + m.nested(value) + "\n"
	}
	switch {
	case t["quoted-value"]:
		value = m.pick(`"`+value+`"`, `'`+value+`'`)
	case t["half-quoted"] && key != "credential_process": // a shell would refuse that
		value = m.pick(`"`+value, value+`'`, `"`+value+`'`)
	case t["lone-quote"] && m.chance(40):
		value = m.pick(`"`, "'")
	case t["quoted-empty"] && m.chance(40):
		value = m.pick(`""`, `''`)
	}
	if t["hash-in-value"] {
		value += m.pick("#1", ";x", "#")
	}
	if t["colon-in-value"] && p.key == "region" {
		return "cli_follow_urlparam = a:b=c:d\n" + key + sep + value + "\n"
	}
	if t["equals-in-value"] && p.key == "region" {
		return "sdk_ua_app_id = =a==\n" + key + sep + value + "\n"
	}
	if t["unicode-value"] && m.chance(50) {
		value += m.pick("é", "日本", "🙂")
	}
	if t["nbsp"] {
		value += m.pick("\u00a0", "\u3000", "\u2003#x")
	}
	if t["control"] {
		value = m.pick("\x1f"+value, value+"\x1c", "\x0b"+value+"\x0c", value+"\x0cx", value+"\u2028x", value+"\u0085x = y")
	}
	if t["lone-cr"] {
		value += m.pick("\r", "\rregion = us-west-1")
	}
	switch {
	case t["comment-hash"]:
		value += m.pick(" # note", "  #note", " # a = b", " # a;b #c")
	case t["comment-semicolon"]:
		value += m.pick(" ; note", " ;note", " ; [x]")
	case t["comment-tab"]:
		value += m.pick("\t# note", "\t\t;note")
	}
	if t["trailing-space"] {
		value += m.pick(" ", "\t", "   ")
	}
	line := key + sep + value + "\n"
	switch {
	case t["continued"] && m.chance(50):
		line += m.pick("  more\n", "\tmore\n\t  and more\n", "  a = b\n", "  [x]\n")
	case t["continued-comment"] && m.chance(50):
		line += m.pick("  more # note\n", "  # note\n  more\n")
	case t["continued-blank"] && m.chance(50):
		line += "\n  more\n"
	}
	return line
}

// nested writes the lines under an empty value.
func (m *maker) nested(value string) string {
	switch {
	case m.traits["sub-colon"]:
		return strings.Replace(value, " = ", ": ", 1)
	case m.traits["sub-comment"]:
		return value + " # note"
	case m.traits["sub-quoted"]:
		return strings.Replace(value, "path", `"path"`, 1)
	case m.traits["sub-plain"]:
		return value + "\n  nonsense"
	}
	return value
}
