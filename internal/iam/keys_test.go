package iam

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
)

// asked is an AWS with one answer, and remembers what it was asked.
type asked struct {
	answer  string
	refusal error
	queries []awsapi.Query
}

func (a *asked) Query(_ context.Context, _ creds.Session, q awsapi.Query, answer any) error {
	a.queries = append(a.queries, q)
	if a.refusal != nil {
		return a.refusal
	}
	return xml.Unmarshal([]byte(a.answer), answer)
}

const (
	oldID  = "AKIAIOSFODNN7EXAMPLE"
	nextID = "AKIAI44QH8DHBEXAMPLE"
	secret = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"
)

func list(members ...string) string {
	return "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata>" + strings.Join(members, "") +
		"</AccessKeyMetadata><IsTruncated>false</IsTruncated></ListAccessKeysResult></ListAccessKeysResponse>"
}

func member(id, status, created string) string {
	return fmt.Sprintf("<member><UserName>jo</UserName><AccessKeyId>%s</AccessKeyId><Status>%s</Status><CreateDate>%s</CreateDate></member>", id, status, created)
}

// Every call names the user where its API has a place for that: with a session, AWS
// demands it. Only the creation is never repeated.
func TestKeyCalls(t *testing.T) {
	for _, row := range []struct {
		call  func(Client) error
		want  url.Values
		again bool
	}{
		{func(c Client) error { _, err := c.AccessKeys(t.Context()); return err }, url.Values{"UserName": {"jo"}}, true},
		{func(c Client) error { _, _, _ = c.CreateAccessKey(t.Context()); return nil }, url.Values{"UserName": {"jo"}}, false},
		{func(c Client) error { return c.SetAccessKey(t.Context(), oldID, true) }, url.Values{"UserName": {"jo"}, "AccessKeyId": {oldID}, "Status": {"Active"}}, true},
		{func(c Client) error { return c.SetAccessKey(t.Context(), oldID, false) }, url.Values{"UserName": {"jo"}, "AccessKeyId": {oldID}, "Status": {"Inactive"}}, true},
		{func(c Client) error { return c.DeleteAccessKey(t.Context(), oldID) }, url.Values{"UserName": {"jo"}, "AccessKeyId": {oldID}}, true},
		{func(c Client) error { _, err := c.AccessKeyUse(t.Context(), oldID); return err }, url.Values{"AccessKeyId": {oldID}}, true},
	} {
		aws := &asked{answer: list()}
		if err := row.call(Client{AWS: aws, User: "jo"}); err != nil {
			t.Error(err)
		}
		if q := aws.queries[0]; q.Params.Encode() != row.want.Encode() || q.Again != row.again || q.Service != "iam" {
			t.Errorf("%+v, want %v", q, row.want)
		}
	}
}

func TestAccessKeys(t *testing.T) {
	created := time.Date(2026, 8, 20, 9, 30, 0, 0, time.UTC)
	aws := &asked{answer: list(member(oldID, "Active", "2026-08-20T09:30:00Z"), member(nextID, "Inactive", "soon"))}
	got, err := Client{AWS: aws, User: "jo"}.AccessKeys(t.Context())
	want := []AccessKey{{oldID, "Active", created}, {nextID, "Inactive", time.Time{}}}
	if err != nil || !slices.Equal(got, want) || !got[0].Active() || got[1].Active() {
		t.Errorf("%v, %v", got, err)
	}
	var answer *awsapi.AnswerError
	aws.answer = list(member("AKIA\n", "Active", ""))
	if _, err := (Client{AWS: aws}).AccessKeys(t.Context()); !errors.As(err, &answer) {
		t.Errorf("an ID with a line break: %v", err)
	}
}

// An answer must have a whole key, but not a date that can be read: its secret is not
// shown again.
func TestCreateAccessKey(t *testing.T) {
	for answer, ok := range map[string]bool{
		"<AccessKeyId>" + nextID + "</AccessKeyId><Status>Active</Status><SecretAccessKey>" + secret + "</SecretAccessKey><CreateDate>2026-11-30T10:00:00Z</CreateDate>": true,
		"<AccessKeyId>" + nextID + "</AccessKeyId><SecretAccessKey>" + secret + "</SecretAccessKey><CreateDate>?</CreateDate>":                                           true,
		"<AccessKeyId>" + nextID + "</AccessKeyId>":                                        false,
		"<SecretAccessKey>" + secret + "</SecretAccessKey>":                                false,
		"<AccessKeyId>" + nextID + "</AccessKeyId><SecretAccessKey>a\nb</SecretAccessKey>": false,
		"<AccessKeyId>a b</AccessKeyId><SecretAccessKey>" + secret + "</SecretAccessKey>":  false,
		"": false,
	} {
		aws := &asked{answer: "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey>" + answer + "</AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>"}
		key, listed, err := Client{AWS: aws, User: "jo"}.CreateAccessKey(t.Context())
		var wrong *awsapi.AnswerError
		if ok != (err == nil) || !ok && !errors.As(err, &wrong) {
			t.Errorf("%s: %v", answer, err)
		}
		if ok && (key.ID != nextID || key.Secret.Reveal() != secret || listed.ID != nextID) {
			t.Errorf("%s: %v, %v", answer, key, listed)
		}
	}
}

// A key that is already gone counts as deleted.
func TestDeleteAccessKeyTwice(t *testing.T) {
	for code, ok := range map[string]bool{Gone: true, Denied: false} {
		err := Client{AWS: &asked{refusal: &awsapi.RefusedError{Code: code}}}.DeleteAccessKey(t.Context(), oldID)
		if ok != (err == nil) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestAccessKeyUse(t *testing.T) {
	wrap := func(text string) string {
		return "<GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult><UserName>jo</UserName><AccessKeyLastUsed>" + text +
			"</AccessKeyLastUsed></GetAccessKeyLastUsedResult></GetAccessKeyLastUsedResponse>"
	}
	for text, want := range map[string]creds.KeyUse{
		"<LastUsedDate>2026-11-30T10:00:00Z</LastUsedDate><ServiceName>s3</ServiceName><Region>eu-west-1</Region>": {At: time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC), Service: "s3", Region: "eu-west-1"},
		"<ServiceName>N/A</ServiceName><Region>N/A</Region>":                                                       {},
	} {
		got, err := Client{AWS: &asked{answer: wrap(text)}}.AccessKeyUse(t.Context(), oldID)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}
