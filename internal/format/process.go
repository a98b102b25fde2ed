package format

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/creds"
)

// Process is the document of a credential_process, version 1 (AWS SDKs and Tools
// Reference Guide, "Process credential provider"). Unknown values are left out,
// because SDKs cannot handle empty strings and nulls.
func Process(s creds.Session) ([]byte, error) {
	doc := struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string `json:",omitempty"`
		Expiration      string `json:",omitempty"`
		AccountID       string `json:"AccountId,omitempty"`
	}{1, s.ID, s.Secret.Reveal(), s.Token.Reveal(), Time(s.Expires), s.AccountID}
	out, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}

// ReadProcess reads the document that another program prints as a
// credential_process. Its errors complete the sentence "the credential_process of
// X ..." and quote nothing of the document.
func ReadProcess(doc []byte) (creds.Session, error) {
	var d struct {
		Version                                               int
		AccessKeyID, SecretAccessKey, SessionToken, AccountID string
		Expiration                                            *string
	}
	// Only Go takes names in other letters, and the last of two that differ in that.
	var members map[string]json.RawMessage
	err := json.Unmarshal(doc, &members)
	for name, to := range map[string]any{
		"Version": &d.Version, "AccessKeyId": &d.AccessKeyID, "SecretAccessKey": &d.SecretAccessKey,
		"SessionToken": &d.SessionToken, "Expiration": &d.Expiration, "AccountId": &d.AccountID,
	} {
		if member, ok := members[name]; ok && err == nil {
			err = json.Unmarshal(member, to)
		}
	}
	if err != nil {
		return creds.Session{}, errors.New("did not print credentials as JSON")
	}
	switch {
	case d.Version != 1:
		return creds.Session{}, fmt.Errorf("printed Version %d; only 1 is supported", d.Version)
	case d.AccessKeyID == "" || d.SecretAccessKey == "":
		return creds.Session{}, errors.New("printed no AccessKeyId or SecretAccessKey")
	}
	s := creds.Session{
		Key:       creds.Key{ID: d.AccessKeyID, Secret: creds.NewSecret(d.SecretAccessKey)},
		Token:     creds.NewSecret(d.SessionToken),
		AccountID: d.AccountID,
	}
	if d.Expiration != nil { // an empty one is not "never"
		t, err := time.Parse(time.RFC3339, *d.Expiration)
		if err != nil {
			return creds.Session{}, errors.New("printed an invalid Expiration")
		}
		s.Expires = t.UTC()
	}
	for _, text := range []string{d.AccessKeyID, d.SecretAccessKey, d.SessionToken, d.AccountID} {
		if !printable(text) || strings.Contains(text, " ") {
			return creds.Session{}, errors.New("printed credentials with invalid characters")
		}
	}
	if len(s.AccountID) != 12 || strings.Trim(s.AccountID, "0123456789") != "" {
		s.AccountID = "" // SDKs make host names of it
	}
	return s, nil
}
