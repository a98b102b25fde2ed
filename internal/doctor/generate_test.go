package doctor

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// sample is a pair of AWS files, and the names to ask for.
type sample struct {
	files    [2]string // the config file and the credentials file
	profiles []string
	// traits say what is special about the files' syntax.
	traits map[string]bool
	// plain says the same as fob is to read it, in the SDKs' words: without fob's own
	// keys, byte order marks and quotes around names.
	plain [2]string
}

const startURL = "https://corp.awsapps.com/start"

// maker writes AWS files as people and tools write them.
type maker struct {
	*rand.Rand
	traits map[string]bool
	names  []string
	also   []string // names that one of the readers could take a header for
	serial int
}

// sampleOf makes the n-th sample: the same one at every run. Two in five have unusual
// syntax; the others have plain syntax and unusual combinations of keys.
func sampleOf(n int) sample {
	m := &maker{Rand: rand.New(rand.NewPCG(uint64(n), 11)), traits: map[string]bool{}}
	if n%5 < 2 {
		return m.wild()
	}
	return m.calm()
}

func (m *maker) chance(percent int) bool { return m.IntN(100) < percent }

func (m *maker) pick(from ...string) string { return from[m.IntN(len(from))] }

// weighted picks from pairs of a name and a weight: "a 3 b 1".
func (m *maker) weighted(choices string) string {
	f := strings.Fields(choices)
	var all []string
	for i := 0; i < len(f); i += 2 {
		for range int(f[i+1][0]-'0')*10 + int(f[i+1][1]-'0') {
			all = append(all, f[i])
		}
	}
	return m.pick(all...)
}

type setting struct{ key, value string }

// block is a section as it is meant.
type block struct {
	kind, name  string // "profile", "sso-session", "services"
	credentials bool
	settings    []setting
}

func (b *block) has(key string) bool {
	return slices.ContainsFunc(b.settings, func(s setting) bool { return s.key == key })
}

func (b *block) add(key, value string) {
	if !b.has(key) {
		b.settings = append(b.settings, setting{key, value})
	}
}

func (m *maker) number() string {
	m.serial++
	return fmt.Sprintf("%04d", m.serial)
}

// blocks makes the content of both files.
func (m *maker) blocks(names []string) (all []*block) {
	m.names = names
	for _, name := range names {
		config := &block{kind: "profile", name: name}
		credentials := &block{kind: "profile", name: name, credentials: true}
		m.fill(name, config, credentials)
		if len(config.settings) > 0 || len(credentials.settings) == 0 || m.chance(30) {
			all = append(all, config)
		}
		if len(credentials.settings) > 0 {
			all = append(all, credentials)
		}
	}
	if m.chance(90) {
		all = append(all, m.ssoSession("corp", "eu-west-1"))
	}
	if m.chance(20) {
		all = append(all, m.ssoSession("lab", "us-gov-west-1"))
	}
	if m.chance(10) {
		all = append(all, &block{kind: "services", name: "local", settings: []setting{{"sts", "\n  endpoint_url = http://localhost:4566"}}})
	}
	m.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// fill gives a profile its sources of credentials, and what else stands in a section.
func (m *maker) fill(name string, config, credentials *block) {
	either := config
	if m.chance(15) {
		either = credentials
	}
	switch m.weighted("static 20 role 30 process 07 web 07 sso 12 login 04 none 06 mix 14") {
	case "static":
		m.static(config, credentials)
	case "role":
		m.role(name, either)
		if m.chance(15) {
			m.static(config, credentials)
		}
	case "process":
		m.process(name, either)
	case "web":
		m.web(either)
	case "sso":
		m.sso(either)
	case "login":
		either.add("login_session", m.pick("arn:aws:iam::111111111111:user/jo", "arn:aws:sts::111111111111:assumed-role/Admin/jo", "jo"))
	case "none":
	case "mix":
		if m.chance(40) {
			m.static(config, credentials)
		}
		if m.chance(45) {
			m.role(name, either)
		}
		if m.chance(35) {
			m.process(name, either)
		}
		if m.chance(15) {
			m.web(either)
		}
		if m.chance(25) {
			m.sso(either)
		}
		if m.chance(12) {
			either.add("login_session", "arn:aws:iam::111111111111:user/jo")
		}
		if m.chance(20) {
			config.add("source_profile", m.source(name))
		}
		if m.chance(8) {
			config.add("credential_source", "Environment")
		}
	}
	if m.chance(65) {
		either.add("region", m.pick("eu-west-1", "us-east-1", "eu-central-1", "ap-southeast-2"))
	}
	if m.chance(12) {
		config.add("mfa_serial", m.serialNumber())
	}
	for range m.IntN(3) {
		s := [][2]string{
			{"output", "json"}, {"cli_pager", ""}, {"s3", "\n  addressing_style = path\n  max_concurrent_requests = 20"},
			{"services", "local"}, {"parameter_validation", "false"}, {"aws_account_id", "111111111111"}, {"cli_timestamp_format", "iso8601"},
			{"sts_regional_endpoints", "regional"}, {"cli_auto_prompt", "on-partial"}, {"granted_sso_start_url", "https://x"},
			{"retry_mode", m.pick("legacy", "standard", "standard", "adaptive")}, {"max_attempts", "5"}, {"defaults_mode", "standard"},
		}[m.IntN(13)]
		config.add(s[0], s[1])
	}
	if m.chance(3) && len(config.settings) > 0 {
		// Left empty, as by a program that writes every key it knows.
		s := &config.settings[m.IntN(len(config.settings))]
		s.value = ""
	}
}

func (m *maker) serialNumber() string {
	return m.pick("arn:aws:iam::111111111111:mfa/jo", "arn:aws:iam::111111111111:mfa/phone", "GAHT12345678")
}

func (m *maker) static(config, credentials *block) {
	where := []*block{credentials}
	switch m.IntN(10) {
	case 0, 1, 2:
		where = []*block{config}
	case 3:
		where = []*block{config, credentials}
	}
	for _, b := range where {
		n := m.number()
		if !m.chance(3) {
			b.add("aws_access_key_id", "AKIAIOSFODNN7EXA"+n)
		}
		if !m.chance(3) {
			b.add("aws_secret_access_key", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEX"+n)
		}
		if m.chance(15) {
			b.add(m.pick("aws_session_token", "aws_session_token", "aws_session_token", "aws_security_token"), "FwoGZXIvYXdzEBYaD=="+n)
		}
	}
}

func (m *maker) source(name string) string {
	if m.chance(12) {
		return name
	}
	if m.chance(4) {
		return "gone"
	}
	return m.pick(m.names...)
}

func (m *maker) role(name string, b *block) {
	b.add("role_arn", "arn:aws:iam::222222222222:role/"+m.pick("deploy", "admin", "path/to/audit")+m.number())
	switch m.IntN(20) {
	case 0:
	case 1, 2:
		b.add("credential_source", m.pick("Environment", "Environment", "EcsContainer", "Ec2InstanceMetadata", "Environmint"))
	default:
		b.add("source_profile", m.source(name))
	}
	if m.chance(30) {
		b.add("mfa_serial", m.serialNumber())
	}
	if m.chance(20) {
		b.add("external_id", m.pick("partner-7", "a:b/c@d=e"))
	}
	if m.chance(20) {
		b.add("role_session_name", m.pick("deploy@corp", "jo.doe"))
	}
	if m.chance(25) {
		b.add("duration_seconds", m.pick("900", "1200", "3600", "7200", "43200", "1h"))
	}
}

func (m *maker) process(name string, b *block) {
	n := m.number()
	b.add("credential_process", m.pick(
		"/opt/tools/credentials --account "+n,
		`"/opt/my tools/credentials" --account `+n,
		"aws-vault exec base --json --prompt=ykman --region=eu-west-1 -- "+n,
		`/opt/tools/credentials "--role=arn:aws:iam::1:role/x" 'a b' `+n,
	))
}

func (m *maker) web(b *block) {
	if m.chance(90) {
		b.add("web_identity_token_file", m.pick("/var/run/secrets/token", "/var/run/secrets/token"+m.number(), "/tokens/"+m.number(), "token"))
	}
	if m.chance(15) {
		b.add("web_identity_token_process", "print-token "+m.number())
	}
	if m.chance(85) {
		b.add("role_arn", "arn:aws:iam::222222222222:role/web"+m.number())
	}
	if m.chance(20) {
		b.add("role_session_name", "web.app")
	}
	if m.chance(20) {
		b.add("duration_seconds", m.pick("900", "1200", "3600", "7200", "43200"))
	}
}

func (m *maker) sso(b *block) {
	all := []setting{
		{"sso_session", m.pick("corp", "corp", "corp", "corp", "lab", "gone")},
		{"sso_start_url", m.pick(startURL, startURL, startURL+"/#/", "http://corp.example.com/start")},
		{"sso_region", m.pick("eu-west-1", "eu-west-1", "us-east-1", "no where")},
		{"sso_account_id", m.pick("333333333333", "444444444444", "012345678901", "33")},
		{"sso_role_name", "Admin" + m.number()},
	}
	if m.chance(12) { // a part of it, perhaps of one key
		m.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, s := range all[:1+m.IntN(3)] {
			b.add(s.key, s.value)
		}
		return
	}
	if m.chance(70) {
		b.add("sso_session", all[0].value)
		if m.chance(10) {
			b.add("sso_region", all[2].value)
		}
		if m.chance(10) {
			b.add("sso_start_url", startURL)
		}
	} else {
		b.add("sso_start_url", all[1].value)
		b.add("sso_region", all[2].value)
	}
	if m.chance(94) {
		b.add("sso_account_id", all[3].value)
	}
	if m.chance(94) {
		b.add("sso_role_name", all[4].value)
	}
}

// ssoSession writes the section of a sign-in, seldom with a key too few or too many.
func (m *maker) ssoSession(name, region string) *block {
	b := &block{kind: "sso-session", name: name}
	if m.chance(95) {
		b.add("sso_region", region)
	}
	if m.chance(95) {
		b.add("sso_start_url", startURL)
	}
	if m.chance(50) {
		b.add("sso_registration_scopes", m.pick("sso:account:access", "sso:account:access, codewhisperer:completions"))
	}
	if m.chance(5) {
		b.add("sso_account_id", "333333333333")
	}
	if m.chance(3) {
		b.add("sso_role_name", "Shared")
	}
	return b
}

// profileNames chooses the names of a sample's profiles.
func (m *maker) profileNames() []string {
	all := []string{"default", "dev", "prod", "base", "staging", "jo@corp.com", "team/prod", "x.y", "UPPER", "a:b", "c+d", "w%1", "Ünïcode", "111111111111_Admin"}
	m.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:2+m.IntN(3)]
}

func plainHeader(b *block) string {
	if b.credentials || b.kind == "profile" && b.name == "default" {
		return "[" + b.name + "]"
	}
	return "[" + b.kind + " " + b.name + "]"
}

func plainFiles(blocks []*block) (files [2]string) {
	for _, b := range blocks {
		var s strings.Builder
		fmt.Fprintf(&s, "%s\n", plainHeader(b))
		for _, p := range b.settings {
			fmt.Fprintf(&s, "%s = %s\n", p.key, p.value)
		}
		files[index(b.credentials)] += s.String()
	}
	return files
}

func index(second bool) int {
	if second {
		return 1
	}
	return 0
}

func (m *maker) sample(files [2]string) sample {
	profiles := slices.Concat(m.names, m.also)
	slices.Sort(profiles)
	return sample{files: files, profiles: slices.Compact(profiles), traits: m.traits, plain: [2]string{plainText(files[0], true), plainText(files[1], false)}}
}

// calm makes files of plain syntax.
func (m *maker) calm() sample {
	blocks := m.blocks(m.profileNames())
	files := plainFiles(blocks)
	s := m.sample(files)
	if m.chance(25) {
		own := plainFiles(m.forFob(blocks))
		s.plain = [2]string{plainText(own[0], true), plainText(own[1], false)}
		s.files = plainFiles(blocks)
	}
	return s
}

// forFob adds keys that only fob knows to the blocks, and returns a copy in which the
// SDKs' own keys say the same.
func (m *maker) forFob(blocks []*block) (own []*block) {
	sections := map[string][2]*block{} // by name, in the config file and the credentials file
	var profiles []*block
	for _, b := range blocks {
		if b.kind == "profile" {
			pair := sections[b.name]
			pair[index(b.credentials)] = b
			sections[b.name] = pair
			if !b.credentials {
				profiles = append(profiles, b)
			}
		}
	}
	// A profile includes only one that stands after it here, so there is no loop.
	includes := map[string]string{}
	for i, b := range profiles {
		if i+1 < len(profiles) && m.chance(30) {
			includes[b.name] = profiles[i+1+m.IntN(len(profiles)-i-1)].name
			b.add("include_profile", includes[b.name])
		}
		for range m.IntN(3) {
			key, value := "", ""
			switch m.IntN(10) {
			case 0, 1:
				key, value = "role_arn", "arn:aws:iam::222222222222:role/fob"+m.number()
			case 2, 3:
				key, value = "source_profile", m.source(b.name)
			case 4:
				key, value = "mfa_serial", m.pick("none", m.serialNumber())
			case 5:
				key, value = "region", m.pick("us-west-2", "")
			case 6:
				key, value = "external_id", m.pick("partner-8", "")
			case 7:
				key, value = "sso_session", m.pick("corp", "")
			case 8:
				s := []setting{{"sso_account_id", "555555555555"}, {"sso_role_name", "FobAdmin"}, {"sso_start_url", startURL}, {"sso_region", "eu-west-1"}}[m.IntN(4)]
				key, value = s.key, m.pick(s.value, s.value, "")
			case 9:
				s := []setting{{"login_session", "arn:aws:iam::111111111111:user/fob"}, {"web_identity_token_file", "/fob"}, {"credential_process", "/opt/fob"}}[m.IntN(3)]
				key, value = s.key, m.pick(s.value, s.value, "")
			}
			b.add("fob_"+key, value)
		}
	}
	merged := func(name string) map[string]string { // as fob reads it
		all := map[string]string{}
		for _, b := range sections[name] {
			if b != nil {
				for _, s := range b.settings {
					all[s.key] = s.value
				}
			}
		}
		for key, value := range maps.Clone(all) {
			if bare, ok := strings.CutPrefix(key, "fob_"); ok {
				delete(all, key)
				all[bare] = value
			}
		}
		return all
	}
	added := map[*block]map[string]string{}
	for _, b := range profiles {
		all := merged(b.name)
		for name := includes[b.name]; name != ""; name = includes[name] {
			for key, value := range merged(name) {
				if key == "source_profile" && value == b.name {
					value = "" // which counts in no profile that has it from another one
				}
				if _, ok := all[key]; !ok && !strings.HasPrefix(key, "aws_") {
					all[key] = value
				}
			}
		}
		maps.DeleteFunc(all, func(key, value string) bool { return value == "" || key == "include_profile" })
		added[b] = all
	}
	for _, b := range blocks {
		all, ok := added[b]
		switch {
		case ok:
		case b.kind == "profile":
			config := sections[b.name][0]
			if config == nil {
				break
			}
			// What the config file's section now says of a key wins there.
			c := *b
			c.settings = slices.DeleteFunc(slices.Clone(b.settings), func(s setting) bool { return !strings.HasPrefix(s.key, "aws_") })
			own = append(own, &c)
			continue
		}
		if !ok {
			own = append(own, b)
			continue
		}
		c := &block{kind: b.kind, name: b.name}
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if !strings.HasPrefix(key, "aws_") || b.has(key) {
				value := all[key]
				if strings.HasPrefix(key, "aws_") {
					value = b.settings[slices.IndexFunc(b.settings, func(s setting) bool { return s.key == key })].value
				}
				c.settings = append(c.settings, setting{key, value})
			}
		}
		own = append(own, c)
	}
	return own
}

var quotedName = regexp.MustCompile(`(?m)^(\s*\[\s*(?:profile|sso-session|services)[ \t]+)(?:"([^"]+)"|'([^']+)')`)

func plainText(text string, config bool) string {
	text = strings.TrimPrefix(text, "\ufeff")
	if config {
		text = quotedName.ReplaceAllString(text, "$1$2$3")
	}
	return text
}
