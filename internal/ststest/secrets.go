package ststest

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The part of Secrets Manager that reads secrets:
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html

// A Secret is one version of a secret of Secrets Manager.
type Secret struct {
	Name string
	// Account and Region default to DemoAccount and DemoRegion.
	Account, Region string
	// Text or Binary is its value.
	Text   string
	Binary []byte
	// VersionID is chosen by the server if empty.
	VersionID string
	// Stages name this version, and no older one from now on: AWSCURRENT if nil.
	Stages []string
	// KeyDisabled makes KMS refuse to decrypt it.
	KeyDisabled bool
	// Deleted secrets wait for their end, and cannot be read.
	Deleted bool
	// Shared lets other accounts read it by its ARN.
	Shared bool
}

type storedSecret struct {
	arn      string
	versions []Secret
	changed  time.Time
}

// AddSecret adds a version to a secret, or the first one, and returns the secret's ARN and
// the version's ID.
func (s *Server) AddSecret(c Secret) (arn, versionID string, err error) {
	c.Account, c.Region, c.VersionID = cmp.Or(c.Account, DemoAccount), cmp.Or(c.Region, DemoRegion), cmp.Or(c.VersionID, requestID())
	if c.Stages == nil {
		c.Stages = []string{current}
	}
	if !secretName.MatchString(c.Name) {
		return "", "", fmt.Errorf("%q is not the name of a secret", c.Name)
	}
	// AWS puts six characters of chance after the name; here they are always the same.
	sum := sha256.Sum256([]byte(c.Region + c.Account + c.Name))
	arn = secretARN(c.Region, c.Account, c.Name) + "-" + base32.StdEncoding.EncodeToString(sum[:])[:6]
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := s.world.secrets[arn]
	if stored == nil {
		stored = &storedSecret{arn: arn}
		s.world.secrets[arn] = stored
	}
	stored.stage(c.Stages)
	stored.versions = append(stored.versions, c)
	stored.changed = s.now()
	return arn, c.VersionID, nil
}

// AWS's own stages.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// stage takes the stages of a new version from the older ones. The one that was current
// becomes the previous one.
func (c *storedSecret) stage(stages []string) {
	for i := range c.versions {
		v := &c.versions[i]
		was := slices.Contains(v.Stages, current)
		moved := slices.Contains(stages, current)
		v.Stages = slices.DeleteFunc(slices.Clone(v.Stages), func(stage string) bool {
			return slices.Contains(stages, stage) || moved && stage == previous
		})
		if was && moved {
			v.Stages = append(v.Stages, previous)
		}
	}
}

var secretName = regexp.MustCompile(`^[a-zA-Z0-9/_+=.@!-]{1,512}$`)

func secretARN(region, account, name string) string {
	return "arn:" + partitions[partitionIn(region)].name + ":secretsmanager:" + region + ":" + account + ":secret:" + name
}

// PageSecrets makes BatchGetSecretValue answer at most so many secrets at once; 0 is all.
func (s *Server) PageSecrets(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.secretPage = n
}

type secretEntry struct {
	ARN           string
	Name          string
	VersionID     string `json:"VersionId"`
	SecretBinary  []byte `json:",omitempty"`
	SecretString  string `json:",omitempty"`
	VersionStages []string
	CreatedDate   float64
}

// A secretReference is how a call names a version: the ID is a name, an ARN, or an ARN
// without the six characters at its end.
type secretReference struct{ id, version, stage string }

func (q *targetCall) getSecretValue() (any, error) {
	var in struct{ SecretId, VersionId, VersionStage *string }
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	var v validation
	text := func(parameter string, value *string, least, most int) string {
		if value == nil {
			return ""
		}
		v.length(parameter, *value, least, most)
		return *value
	}
	if in.SecretId == nil {
		v.fail("null", "SecretId", "Member must not be null")
	}
	w := secretReference{text("SecretId", in.SecretId, 1, maxName), text("VersionId", in.VersionId, 32, 64), text("VersionStage", in.VersionStage, 1, 256)}
	if err := v.validationException(); err != nil {
		return nil, err
	}
	return q.secret(w)
}

// find returns the secret that an ID names; nil if there is none.
func (q *targetCall) find(id string) *storedSecret {
	if c := q.world.secrets[id]; c != nil && arnPart(id, regionPart) == q.region {
		return c
	}
	const suffix = len("-abcdef")
	for arn, c := range q.world.secrets {
		own := secretARN(q.region, q.caller.account(), c.versions[0].Name) == arn[:len(arn)-suffix]
		if own && (id == c.versions[0].Name || id == arn[:len(arn)-suffix]) {
			return c
		}
	}
	return nil
}

func (q *targetCall) secret(w secretReference) (*secretEntry, error) {
	name := w.id
	if strings.HasPrefix(w.id, "arn:") {
		if name = arnPart(w.id, resourcePart); !strings.HasPrefix(name, "secret:") {
			return nil, badRequest("ValidationException", "Invalid ARN.")
		}
		name = strings.TrimPrefix(name, "secret:")
	}
	if !secretName.MatchString(name) {
		return nil, badRequest("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	stored, resource := q.find(w.id), w.id
	if stored != nil {
		name, resource = stored.versions[0].Name, stored.arn
	}
	if err := q.denied("secretsmanager", "GetSecretValue", resource, name); err != nil {
		return nil, err
	}
	if account := arnPart(w.id, accountPart); account != "" && account != q.caller.account() && (stored == nil || !stored.latest().Shared) {
		return nil, denied("User: %s is not authorized to perform: secretsmanager:GetSecretValue on resource: %s "+
			"because no resource-based policy allows the secretsmanager:GetSecretValue action", q.caller.arn, w.id)
	}
	if stored == nil {
		return nil, badRequest("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	if stored.latest().Deleted {
		return nil, badRequest("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
	}
	c, err := stored.version(w)
	switch {
	case err != nil:
		return nil, err
	case q.world.denies("Decrypt", name, q.caller):
		return nil, denied("Access to KMS is not allowed")
	case c.KeyDisabled:
		return nil, badRequest("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
	}
	return &secretEntry{stored.arn, c.Name, c.VersionID, c.Binary, c.Text, c.Stages, seconds(stored.changed)}, nil
}

func (c *storedSecret) latest() Secret { return c.versions[len(c.versions)-1] }

// version finds what a call wants of a secret: what is current if it does not say.
func (c *storedSecret) version(w secretReference) (Secret, error) {
	stage := w.stage
	if w.version == "" {
		stage = cmp.Or(stage, current)
	}
	for _, v := range c.versions {
		switch {
		case w.version != "" && v.VersionID == w.version:
			if stage != "" && !slices.Contains(v.Stages, stage) {
				return v, badRequest("InvalidRequestException", "You provided a VersionStage that is not associated to the provided VersionId.")
			}
			return v, nil
		case w.version == "" && slices.Contains(v.Stages, stage):
			return v, nil
		}
	}
	what := "staging label: " + stage
	if w.version != "" {
		what = "VersionId: " + w.version
	}
	return Secret{}, badRequest("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for "+what)
}

type secretProblem struct{ SecretId, ErrorCode, Message string }

type secretBatch struct {
	SecretValues []*secretEntry
	Errors       []secretProblem
	NextToken    string `json:",omitempty"`
}

// batchGetSecretValue answers in no order that the caller could know, each secret once, and
// says one by one which it does not have.
func (q *targetCall) batchGetSecretValue() (any, error) {
	var in struct {
		SecretIdList []string
		Filters      []any
		MaxResults   *int
		NextToken    string
	}
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	if (in.SecretIdList == nil) == (in.Filters == nil) {
		return nil, badRequest("InvalidParameterException", "Either 'SecretIdList' or 'Filters' must be provided, but not both.")
	}
	if in.MaxResults != nil || in.Filters != nil { // not of use to fob
		return nil, badRequest("InvalidParameterException", "this fake has no filters")
	}
	var v validation
	v.names("SecretIdList", in.SecretIdList, 20)
	if err := v.validationException(); err != nil {
		return nil, err
	}
	if err := q.denied("secretsmanager", "BatchGetSecretValue", "", ""); err != nil {
		return nil, err
	}
	from := 0
	if in.NextToken != "" {
		var err error
		if from, err = strconv.Atoi(in.NextToken); err != nil || from <= 0 || from >= len(in.SecretIdList) {
			return nil, badRequest("InvalidNextTokenException", "The NextToken value is invalid.")
		}
	}
	ids := in.SecretIdList[from:]
	batch := secretBatch{SecretValues: []*secretEntry{}, Errors: []secretProblem{}}
	if n := q.world.secretPage; n > 0 && n < len(ids) {
		ids, batch.NextToken = ids[:n], strconv.Itoa(from+n)
	}
	for _, id := range ids {
		entry, err := q.secret(secretReference{id: id})
		if e := (*refusal)(nil); errors.As(err, &e) {
			batch.Errors = append(batch.Errors, secretProblem{id, cmp.Or(jsonCodes[e.code], e.code), e.message})
		} else if !slices.ContainsFunc(batch.SecretValues, func(other *secretEntry) bool { return other.ARN == entry.ARN }) {
			batch.SecretValues = append(batch.SecretValues, entry)
		}
	}
	slices.SortFunc(batch.SecretValues, func(a, b *secretEntry) int { return strings.Compare(b.Name, a.Name) })
	return batch, nil
}

// isRefusal reports whether an error is a certain one of AWS's.
func isRefusal(err error, code string) bool {
	e := (*refusal)(nil)
	return errors.As(err, &e) && e.code == code
}
