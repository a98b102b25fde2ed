package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/plan"
)

// What one call may ask for, by the API references.
const (
	maxParameters = 10
	maxSecrets    = 20
)

// maxBatch is above any answer with 20 secrets of 64 KiB, of which each byte may be
// escaped with six.
const maxBatch = 8 << 20

// fetch reads the sources of references, each once. An error is about none of them in
// particular: AWS cannot be reached, or does not accept the session.
func (r Reader) fetch(ctx context.Context, refs []plan.Reference) (results, error) {
	found := results{}
	for _, place := range places(refs) {
		caller, err := r.Dial(place.service, place.region)
		if err != nil {
			return nil, err
		}
		f := fetcher{Reader: r, caller: caller, found: found}
		read := f.parameters
		if place.service == "secretsmanager" {
			read = f.secrets
		}
		if err := read(ctx, place.sources); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// place is a service in a region, and what is read there.
type place struct {
	service, region string
	sources         []source
}

func places(refs []plan.Reference) (all []place) {
	for _, ref := range refs {
		i := slices.IndexFunc(all, func(p place) bool { return p.service == ref.Service && p.region == ref.Region })
		if i < 0 {
			i, all = len(all), append(all, place{service: ref.Service, region: ref.Region})
		}
		if s := sourceOf(ref); !slices.Contains(all[i].sources, s) {
			all[i].sources = append(all[i].sources, s)
		}
	}
	return all
}

// fetcher reads from one service in one region.
type fetcher struct {
	Reader
	caller Caller
	found  results
}

func (f fetcher) call(ctx context.Context, service, target, action string, max int64, body, answer any) error {
	return f.caller.JSON(ctx, f.With, awsapi.JSON{
		Service: service, Action: action, Method: "POST", Target: target + "." + action, Body: body,
		Again: true, MaxAnswer: max,
	}, answer)
}

// parameters reads parameters, ten at a time.
func (f fetcher) parameters(ctx context.Context, all []source) error {
	for _, batch := range parameterBatches(all) {
		err := f.parameterBatch(ctx, batch)
		if isAboutOne(err) && len(batch) > 1 {
			// AWS refuses all of them because of one, and does not say which.
			for _, s := range batch {
				if err := f.keep(s, f.parameterBatch(ctx, []source{s})); err != nil {
					return err
				}
			}
			continue
		}
		if err := f.keep(batch[0], err); err != nil {
			return err
		}
	}
	return nil
}

// parameterBatches puts each parameter into a batch in which no other version of it is:
// the answer's order is not that of the request, and some servers do not repeat which
// version they were asked for.
func parameterBatches(all []source) (batches [][]source) {
	for _, s := range all {
		i := slices.IndexFunc(batches, func(batch []source) bool {
			return len(batch) < maxParameters && !slices.ContainsFunc(batch, func(o source) bool { return o.id == s.id })
		})
		if i < 0 {
			i, batches = len(batches), append(batches, nil)
		}
		batches[i] = append(batches[i], s)
	}
	return batches
}

// parameter is one in an answer.
type parameter struct {
	ARN, Name, Value, Selector string
	Version                    int64
}

// is reports whether a parameter is the one that was asked for.
func (p parameter) is(s source) bool {
	switch {
	case p.Name != s.id && p.ARN != s.id:
		return false
	case s.version == "" || p.Selector != "":
		return strings.TrimPrefix(p.Selector, ":") == s.version
	}
	_, err := strconv.Atoi(s.version)
	return err != nil || p.Version == 0 || strconv.FormatInt(p.Version, 10) == s.version
}

func (f fetcher) parameterBatch(ctx context.Context, batch []source) error {
	body := struct {
		Names          []string
		WithDecryption bool
	}{WithDecryption: true}
	for _, s := range batch {
		name := s.id
		if s.version != "" {
			name += ":" + s.version
		}
		body.Names = append(body.Names, name)
	}
	var answer struct{ Parameters []parameter }
	if err := f.call(ctx, "ssm", "AmazonSSM", "GetParameters", 0, body, &answer); err != nil {
		return err
	}
	for _, s := range batch {
		f.found[s] = result{err: &AbsentError{What: what("parameter", s.version), Region: s.region}}
		for _, p := range answer.Parameters {
			if p.is(s) {
				f.found[s] = result{text: creds.NewSecret(p.Value)}
			}
		}
	}
	return nil
}

func what(kind, version string) string {
	if version != "" {
		return "version of the " + kind
	}
	return kind
}

// secrets reads secrets: those without a version twenty at a time.
func (f fetcher) secrets(ctx context.Context, all []source) error {
	var single, current []source
	for _, s := range all {
		if s.version != "" || s.stage != "" {
			single = append(single, s)
			continue
		}
		current = append(current, s)
	}
	for batch := range slices.Chunk(current, maxSecrets) {
		// One secret takes one call, and one permission less.
		if len(batch) > 1 {
			if err := f.secretBatch(ctx, batch); err != nil && !isAboutOne(err) {
				return err
			}
		}
		// What the batch did not give is asked for alone: the session may have no
		// permission for batches, and a refusal then says more.
		for _, s := range batch {
			if _, ok := f.found[s]; !ok {
				single = append(single, s)
			}
		}
	}
	for _, s := range single {
		if err := f.keep(s, f.secret(ctx, s)); err != nil {
			return err
		}
	}
	return nil
}

// secret is one in an answer.
type secret struct {
	ARN, Name    string
	SecretString *string
	SecretBinary []byte
}

// is reports whether a secret is the one that was asked for: by its name, its ARN, or
// its ARN without the six characters that AWS adds.
func (s secret) is(id string) bool {
	const added = len("-AbCdEf")
	return s.Name == id || s.ARN == id ||
		len(s.ARN) > added && s.ARN[:len(s.ARN)-added] == id && strings.HasSuffix(id, ":secret:"+s.Name)
}

func (s secret) result() result {
	switch {
	case s.SecretString != nil:
		return result{text: creds.NewSecret(*s.SecretString)}
	case len(s.SecretBinary) > 0:
		return result{text: creds.NewSecret(string(s.SecretBinary))}
	}
	return result{err: errEmpty}
}

func (f fetcher) secretBatch(ctx context.Context, batch []source) error {
	var body struct{ SecretIdList []string }
	for _, s := range batch {
		body.SecretIdList = append(body.SecretIdList, s.id)
	}
	var answer struct{ SecretValues []secret }
	if err := f.call(ctx, "secretsmanager", "secretsmanager", "BatchGetSecretValue", maxBatch, body, &answer); err != nil {
		return err
	}
	for _, s := range batch {
		for _, found := range answer.SecretValues {
			if found.is(s.id) {
				f.found[s] = found.result()
			}
		}
	}
	return nil
}

func (f fetcher) secret(ctx context.Context, s source) error {
	body := struct {
		SecretId     string
		VersionId    string `json:",omitempty"`
		VersionStage string `json:",omitempty"`
	}{s.id, s.version, s.stage}
	var answer secret
	const action = "GetSecretValue"
	if err := f.call(ctx, "secretsmanager", "secretsmanager", action, 0, body, &answer); err != nil {
		return err
	}
	if !answer.is(s.id) {
		return &awsapi.AnswerError{Action: action, Host: "AWS", Problem: "a different secret from the one requested"}
	}
	f.found[s] = answer.result()
	return nil
}

// keep keeps an error that is about one source; it returns any other.
func (f fetcher) keep(s source, err error) error {
	if !isAboutOne(err) {
		return err
	}
	var refused *awsapi.RefusedError
	if errors.As(err, &refused) && refused.Code == "ResourceNotFoundException" {
		err = &AbsentError{What: what("secret", s.version+s.stage), Region: s.region}
	}
	f.found[s] = result{err: err}
	return nil
}

// ofSession are the codes of AWS for what is wrong with the session, or with the service,
// whichever value is asked for.
var ofSession = []string{
	"ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException", "InvalidClientTokenId",
	"MissingAuthenticationTokenException", "MissingAuthenticationToken", "IncompleteSignatureException",
	"OptInRequired", "UnknownOperationException", "RequestExpired", "NotAuthorized",
}

// isAboutOne reports whether AWS refused a call because of a value that it asked for.
func isAboutOne(err error) bool {
	var refused *awsapi.RefusedError
	return errors.As(err, &refused) && !slices.Contains(ofSession, refused.Code) && !refused.Unsupported
}

// keyOf is a value in a secret that is a JSON object. What is not a string is printed as
// in the secret. Go's own words would quote it.
func keyOf(text, key string) (string, error) {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &object) != nil || object == nil {
		return "", errNotObject
	}
	raw, ok := object[key]
	if !ok {
		return "", errNoKey
	}
	switch raw[0] {
	case '{', '[':
		return "", errNotValue
	case 'n':
		return "", errNull
	case '"':
		var value string
		err := json.Unmarshal(raw, &value)
		return value, err
	}
	return string(raw), nil
}
