package ststest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The part of Systems Manager that reads parameters:
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html

// DemoRegion is where parameters and secrets are unless they say otherwise.
const DemoRegion = "eu-west-1"

// A Parameter is one version of an entry of the Parameter Store.
type Parameter struct {
	// Name is /a/path or a-name.
	Name string
	// Account and Region default to DemoAccount and DemoRegion.
	Account, Region string
	// Type is String, StringList or SecureString; String if empty.
	Type  string
	Value string
	// Labels name this version, and no older one from now on.
	Labels []string
	// KeyDisabled makes KMS refuse to decrypt it.
	KeyDisabled bool
	// Shared lets other accounts read it by its ARN.
	Shared bool
}

// A storedParameter is all versions of a parameter, the first of which is number 1.
type storedParameter struct {
	arn      string
	versions []Parameter
	changed  time.Time
}

func (p *storedParameter) latest() Parameter { return p.versions[len(p.versions)-1] }

// AddParameter adds a version to a parameter, or the first one, and returns its ARN.
func (s *Server) AddParameter(p Parameter) (arn string, err error) {
	p.Account, p.Region, p.Type = cmp.Or(p.Account, DemoAccount), cmp.Or(p.Region, DemoRegion), cmp.Or(p.Type, "String")
	if !parameterName.MatchString(p.Name) {
		return "", fmt.Errorf("%q is not the name of a parameter", p.Name)
	}
	if !slices.Contains([]string{"String", "StringList", "SecureString"}, p.Type) {
		return "", fmt.Errorf("%q is not the type of a parameter", p.Type)
	}
	arn = parameterARN(p.Region, p.Account, p.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := s.world.parameters[arn]
	if stored == nil {
		stored = &storedParameter{arn: arn}
		s.world.parameters[arn] = stored
	}
	for i := range stored.versions {
		stored.versions[i].Labels = slices.DeleteFunc(slices.Clone(stored.versions[i].Labels), func(label string) bool { return slices.Contains(p.Labels, label) })
	}
	stored.versions = append(stored.versions, p)
	stored.changed = s.now()
	return arn, nil
}

var (
	parameterName  = regexp.MustCompile(`^(/?[a-zA-Z0-9_.-]+|(/[a-zA-Z0-9_.-]+)+)$`)
	parameterLabel = regexp.MustCompile(`^[a-zA-Z_.-][a-zA-Z0-9_.-]{0,99}$`)
)

// parameterARN is like "parameter/a/path" for both "/a/path" and "a-name".
func parameterARN(region, account, name string) string {
	return "arn:" + partitions[partitionIn(region)].name + ":ssm:" + region + ":" + account + ":parameter/" + strings.TrimPrefix(name, "/")
}

type parameterEntry struct {
	Name             string
	Type             string
	Value            string
	Version          int
	Selector         string `json:",omitempty"`
	SourceResult     string `json:",omitempty"`
	LastModifiedDate float64
	ARN              string
	DataType         string
}

type parameterList struct {
	Parameters        []parameterEntry
	InvalidParameters []string
}

// getParameters answers in the order of the alphabet, and refuses all names for one that
// the caller may not read.
func (q *targetCall) getParameters() (any, error) {
	var in struct {
		Names          []string
		WithDecryption bool
	}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	var v validation
	v.names("Names", in.Names, 10)
	if err := v.validationException(); err != nil {
		return nil, err
	}
	wanted := make([]parameterReference, len(in.Names))
	for i, name := range in.Names {
		var err error
		if wanted[i], err = q.reference(name); err != nil {
			return nil, err
		}
	}
	for _, w := range wanted {
		if err := q.denied("ssm", "GetParameters", w.arn, w.name); err != nil {
			return nil, err
		}
	}
	list := parameterList{Parameters: []parameterEntry{}, InvalidParameters: []string{}}
	for _, w := range wanted {
		entry, err := q.parameter(w, in.WithDecryption)
		switch {
		case err != nil:
			return nil, err
		case entry == nil:
			list.InvalidParameters = append(list.InvalidParameters, w.text)
		default:
			list.Parameters = append(list.Parameters, *entry)
		}
	}
	slices.SortStableFunc(list.Parameters, func(a, b parameterEntry) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// A parameterReference is what calls name a parameter by: text is NAME[:SELECTOR] or
// ARN[:SELECTOR], the selector being a version or a label.
type parameterReference struct {
	text, arn, name string
	selector        string
	stored          *storedParameter // nil if there is none
}

// ofSecret is what a parameter begins with that is in fact a secret of Secrets Manager.
const ofSecret = "/aws/reference/secretsmanager/"

func (q *targetCall) reference(text string) (parameterReference, error) {
	name, selector, selected := strings.Cut(text, ":")
	w := parameterReference{text: text, name: name, selector: selector}
	if name == "arn" {
		parts := strings.SplitN(text, ":", 7)
		if selected = len(parts) == 7; selected {
			w.selector = parts[6]
		} else {
			w.selector = ""
		}
		w.arn = strings.Join(parts[:min(len(parts), 6)], ":")
		resource := arnPart(w.arn, resourcePart)
		if !strings.HasPrefix(resource, "parameter/") {
			return w, badRequest("ValidationException", "Invalid parameter ARN")
		}
		w.name = strings.TrimPrefix(resource, "parameter")
		if w.stored = q.world.parameters[w.arn]; w.stored != nil {
			w.name = w.stored.latest().Name
		}
	} else {
		w.arn = parameterARN(q.region, q.caller.account(), name)
		if p := q.world.parameters[w.arn]; p != nil && p.latest().Name == name {
			w.stored = p
		}
	}
	switch {
	case !strings.HasPrefix(w.name, ofSecret) && !parameterName.MatchString(w.name):
		return w, badRequest("ValidationException", `Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, `+
			"it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_")
	case selected && !w.version() && !parameterLabel.MatchString(w.selector):
		return w, badRequest("ValidationException", "Invalid label format "+w.selector+`. A label name can't be prefixed with numbers, "ssm", or "aws" `+
			"(case-insensitive). You can specify letters, numbers, and the following symbols: period (.), dash (-), or underscore (_).")
	case arnPart(w.arn, accountPart) != q.caller.account() && (w.stored == nil || !w.stored.latest().Shared):
		return w, denied("User: %s is not authorized to perform: ssm:GetParameters on resource: %s because no resource-based policy allows the ssm:GetParameters action",
			q.caller.arn, w.arn)
	}
	if arnPart(w.arn, regionPart) != q.region {
		w.stored = nil
	}
	return w, nil
}

// version reports whether the selector is a number.
func (w parameterReference) version() bool {
	_, err := strconv.ParseUint(w.selector, 10, 63)
	return err == nil
}

// parameter is nil if there is no such parameter, or no such version of it.
func (q *targetCall) parameter(w parameterReference, decrypt bool) (*parameterEntry, error) {
	if id, ok := strings.CutPrefix(w.name, ofSecret); ok {
		return q.secretAsParameter(w, id, decrypt)
	}
	stored := w.stored
	if stored == nil {
		return nil, nil
	}
	n := len(stored.versions)
	switch {
	case w.version():
		n, _ = strconv.Atoi(w.selector)
	case w.selector != "":
		n = 1 + slices.IndexFunc(stored.versions, func(p Parameter) bool { return slices.Contains(p.Labels, w.selector) })
	}
	if n < 1 || n > len(stored.versions) {
		return nil, nil
	}
	p := stored.versions[n-1]
	e := &parameterEntry{Name: p.Name, Type: p.Type, Value: p.Value, Version: n, LastModifiedDate: seconds(stored.changed), ARN: stored.arn, DataType: "text"}
	if w.selector != "" {
		e.Selector = ":" + w.selector
	}
	switch {
	case p.Type != "SecureString":
	case !decrypt:
		e.Value = "AQICAH" + base64.StdEncoding.EncodeToString(make([]byte, 150))
	case q.world.denies("Decrypt", p.Name, q.caller):
		return nil, denied("The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
	case p.KeyDisabled:
		return nil, badRequest("InvalidKeyId", "arn:aws:kms:"+q.region+":"+p.Account+":key/00000000-0000-4000-8000-000000000000 is disabled.")
	}
	return e, nil
}

// secretAsParameter is how Systems Manager passes on a secret: with both permissions.
func (q *targetCall) secretAsParameter(w parameterReference, id string, decrypt bool) (*parameterEntry, error) {
	if !decrypt {
		return nil, badRequest("ValidationException", "WithDecryption flag must be True for retrieving a Secret Manager secret.")
	}
	e, err := q.secret(secretReference{id: id})
	switch {
	case isRefusal(err, "ResourceNotFoundException"):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &parameterEntry{Name: w.name, Type: "SecureString", Value: e.SecretString, LastModifiedDate: e.CreatedDate, ARN: w.arn, DataType: "text",
		SourceResult: `{"name":` + strconv.Quote(e.Name) + `,"ARN":` + strconv.Quote(e.ARN) + `}`}, nil
}

// seconds is a time as documents have it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
