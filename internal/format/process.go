package format

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/creds"
)

// Process is the document of a credential_process, version 1 (AWS SDKs and
// Tools Reference Guide, "Process credential provider"). What is not known is
// left out: SDKs stumble over empty strings and nulls.
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

// ReadProcess reads what another program prints as a credential_process. Its
// errors quote nothing of it.
func ReadProcess(doc []byte) (creds.Session, error) {
	var d struct {
		Version         int
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
		AccountID       string `json:"AccountId"`
	}
	if json.Unmarshal(doc, &d) != nil {
		return creds.Session{}, errors.New("printed something that is not the JSON of credentials")
	}
	switch {
	case d.Version != 1:
		return creds.Session{}, fmt.Errorf("printed version %d of the document, not 1", d.Version)
	case d.AccessKeyID == "" || d.SecretAccessKey == "":
		return creds.Session{}, errors.New("printed no AccessKeyId or no SecretAccessKey")
	}
	s := creds.Session{
		Key:       creds.Key{ID: d.AccessKeyID, Secret: creds.NewSecret(d.SecretAccessKey)},
		Token:     creds.NewSecret(d.SessionToken),
		AccountID: d.AccountID,
	}
	if d.Expiration != "" {
		t, err := time.Parse(time.RFC3339, d.Expiration)
		if err != nil {
			return creds.Session{}, errors.New("printed an Expiration that is no time")
		}
		s.Expires = t.UTC()
	}
	for _, text := range []string{d.AccessKeyID, d.SecretAccessKey, d.SessionToken, d.AccountID} {
		if !printable(text) || strings.Contains(text, " ") {
			return creds.Session{}, errors.New("printed credentials with characters that none have")
		}
	}
	return s, nil
}
