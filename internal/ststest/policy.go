package ststest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
)

// SessionAllows reports whether a session with these session policies may do an action
// in a region, as far as they decide it: what one of them denies is denied, and what
// none of them allows is denied, too
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html).
// It is an error where a policy says something that this package does not evaluate. The
// server itself does not look into policies.
func SessionAllows(policies []string, action, region string) (bool, error) {
	allowed := false
	for _, text := range policies {
		var doc struct {
			Version, ID string `json:",omitempty"`
			Statement   []statement
		}
		if err := strictly(text, &doc); err != nil {
			return false, err
		}
		for _, s := range doc.Statement {
			applies, err := s.applies(action, region)
			switch {
			case err != nil:
				return false, err
			case applies && s.Effect == "Deny":
				return false, nil
			case applies:
				allowed = true
			}
		}
	}
	return allowed, nil
}

func strictly(text string, v any) error {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

type statement struct {
	Effect            string
	Action, NotAction texts
	Resource          texts
	Condition         map[string]map[string]texts
}

// texts are one or several strings.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return json.Unmarshal(data, (*[]string)(t))
	}
	*t = make(texts, 1)
	return json.Unmarshal(data, &(*t)[0])
}

func (s statement) applies(action, region string) (bool, error) {
	if s.Effect != "Allow" && s.Effect != "Deny" || (s.Action == nil) == (s.NotAction == nil) || !slices.Equal(s.Resource, texts{"*"}) {
		return false, errors.New("a statement with another Effect, Action or Resource")
	}
	named := slices.ContainsFunc(append(s.Action, s.NotAction...), func(pattern string) bool {
		ok, err := path.Match(pattern, action) // neither has a slash
		return ok && err == nil
	})
	applies := named == (s.Action != nil)
	for operator, keys := range s.Condition {
		for key, values := range keys {
			if key != "aws:RequestedRegion" || operator != "StringEquals" && operator != "StringNotEquals" {
				return false, fmt.Errorf("the condition %s of %s", operator, key)
			}
			applies = applies && slices.Contains(values, region) == (operator == "StringEquals")
		}
	}
	return applies, nil
}
