package plan

import (
	"fmt"
	"slices"
	"strings"

	"fob/internal/creds"
)

// Reference names a value in Parameter Store or Secrets Manager.
type Reference struct {
	// Service is "ssm" or "secretsmanager", as ServiceEndpoint takes it.
	Service string
	ID      string // a name or an ARN
	Region  string // where the service is called; "" until that is known
	// Version is a version or label of a parameter, or the version ID of a secret; Stage
	// is a stage of a secret. "" for the current ones.
	Version, Stage string
	// Key is the value's key in a secret that is a JSON object; "" for the whole secret.
	Key string
}

// String is the shortest spelling of a reference.
func (r Reference) String() string {
	switch {
	case r.Service == "ssm" && r.Version != "":
		return "ssm:" + r.ID + ":" + r.Version
	case r.Version != "" || r.Stage != "":
		fields := strings.Join([]string{r.Service, r.ID, secretString, r.Key, r.Stage, r.Version}, ":")
		return openReference + strings.TrimRight(fields, ":") + closeReference
	case r.Key != "":
		return r.Service + ":" + r.ID + "#" + r.Key
	}
	return r.Service + ":" + r.ID
}

// CloudFormation's spelling: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
const (
	openReference  = "{{resolve:"
	closeReference = "}}"
	secretString   = "SecretString"
)

// Part is a piece of a variable's value: text, or what a reference names. Text from the
// AWS config may be a secret that should not be there.
type Part struct {
	Text      creds.Secret
	Reference Reference // zero for text
}

// parseValue reads the value of a variable: text with references of CloudFormation's
// spelling in it, or one reference of fob's. Its errors repeat nothing of the value.
func parseValue(text string) ([]Part, error) {
	for _, service := range []string{"ssm", "secretsmanager"} {
		if rest, ok := strings.CutPrefix(text, service+":"); ok {
			ref, err := parseOwn(service, rest)
			return []Part{{Reference: ref}}, err
		}
	}
	var parts []Part
	for {
		before, rest, found := strings.Cut(text, openReference)
		if before != "" {
			parts = append(parts, Part{Text: creds.NewSecret(before)})
		}
		if !found {
			return parts, nil
		}
		inside, after, closed := strings.Cut(rest, closeReference)
		if !closed {
			return nil, fmt.Errorf("%s... does not end in %s", openReference, closeReference)
		}
		ref, err := parseResolve(inside)
		if err != nil {
			return nil, err
		}
		parts, text = append(parts, Part{Reference: ref}), after
	}
}

// parseOwn reads ssm:NAME[:VERSION] or secretsmanager:ID[#KEY], without the service.
func parseOwn(service, text string) (Reference, error) {
	if service == "ssm" {
		return parseParameter(text)
	}
	id, key, keyed := strings.Cut(text, "#")
	id, rest := cutID(id)
	switch {
	case rest != "":
		return Reference{}, fmt.Errorf("a reference to a version is written %ssecretsmanager:ID:%s:KEY:STAGE:VERSION%s", openReference, secretString, closeReference)
	case keyed && key == "":
		return Reference{}, fmt.Errorf("no key after #")
	}
	return secret(id, key, "", "")
}

// parseResolve reads what stands between {{resolve: and }}.
func parseResolve(text string) (Reference, error) {
	service, rest, _ := strings.Cut(text, ":")
	switch service {
	case "ssm", "ssm-secure":
		return parseParameter(rest)
	case "secretsmanager":
	default:
		return Reference{}, fmt.Errorf("a reference begins with %q, %q or %q", openReference+"ssm:", openReference+"ssm-secure:", openReference+"secretsmanager:")
	}
	id, rest := cutID(rest)
	fields := strings.Split(strings.TrimPrefix(rest, ":"), ":")
	if len(fields) > 4 {
		return Reference{}, fmt.Errorf("too many colons in a reference to a secret")
	}
	fields = append(fields, "", "", "")
	if fields[0] != "" && fields[0] != secretString {
		return Reference{}, fmt.Errorf("only %s can follow the name of a secret", secretString)
	}
	return secret(id, fields[1], fields[2], fields[3])
}

// cutID cuts the name or the ARN of a secret off, which may have colons of its own.
func cutID(text string) (id, rest string) {
	colons := 0 // that belong to it
	if strings.HasPrefix(text, "arn:") {
		colons = 6
	}
	for i, c := range text {
		if c != ':' {
			continue
		}
		if colons == 0 {
			return text[:i], text[i:]
		}
		colons--
	}
	return text, ""
}

func parseParameter(text string) (Reference, error) {
	ref := Reference{Service: "ssm"}
	id, version, versioned := text, "", false
	if colon := strings.LastIndexByte(text, ':'); colon >= 0 && !strings.HasPrefix(text[colon:], ":parameter/") {
		id, version, versioned = text[:colon], text[colon+1:], true
	}
	ref.ID, ref.Version = id, version
	name := id
	if strings.HasPrefix(id, "arn:") {
		var ok bool
		if name, ref.Region, ok = inARN(id, "ssm", "parameter/"); !ok {
			return Reference{}, fmt.Errorf("not the ARN of a parameter (arn:aws:ssm:REGION:ACCOUNT:parameter/NAME)")
		}
	}
	switch {
	case !isName(name, "/_.-+=@"):
		return Reference{}, fmt.Errorf("not the name of a parameter (letters, digits and / _ . -)")
	case versioned && !isName(version, "_.-"):
		return Reference{}, fmt.Errorf("not a version or label of a parameter")
	}
	return ref, nil
}

// secret checks a reference to a secret.
func secret(id, key, stage, version string) (Reference, error) {
	ref := Reference{Service: "secretsmanager", ID: id, Key: key, Stage: stage, Version: version}
	name := id
	if strings.HasPrefix(id, "arn:") {
		var ok bool
		if name, ref.Region, ok = inARN(id, "secretsmanager", "secret:"); !ok {
			return Reference{}, fmt.Errorf("not the ARN of a secret (arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME)")
		}
	}
	switch {
	case !isName(name, "/_+=.@-!"):
		return Reference{}, fmt.Errorf("not the name of a secret (letters, digits and / _ + = . @ -)")
	case stage != "" && version != "":
		return Reference{}, fmt.Errorf("a reference has a stage or a version ID, not both")
	case stage != "" && !isName(stage, "/_+=.@-"):
		return Reference{}, fmt.Errorf("not a stage of a secret")
	case version != "" && (len(version) < 32 || len(version) > 64 || !isName(version, "-")):
		return Reference{}, fmt.Errorf("not a version ID of a secret, which has 32 to 64 characters")
	case strings.ContainsFunc(key, isControl):
		return Reference{}, fmt.Errorf("a control character in the key")
	}
	return ref, nil
}

// inARN is the name in the ARN of a parameter or secret, and the ARN's region.
func inARN(arn, service, kind string) (name, region string, ok bool) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || f[2] != service || !IsRegion(f[3]) || !IsAccountID(f[4]) {
		return "", "", false
	}
	p, known := partitionNamed(f[1])
	name, ok = strings.CutPrefix(f[5], kind)
	return name, f[3], ok && known && partitionOf(f[3]).name == p.name
}

// isName reports whether a text has letters, digits and some other characters only.
func isName(text, others string) bool {
	return text != "" && len(text) <= 2048 && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(others, c)
	})
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// References are what the variables refer to, each once.
func References(all []Variable) (refs []Reference) {
	for _, v := range all {
		for _, part := range v.Value {
			if part.Reference != (Reference{}) && !slices.Contains(refs, part.Reference) {
				refs = append(refs, part.Reference)
			}
		}
	}
	return refs
}
