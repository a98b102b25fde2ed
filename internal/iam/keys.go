package iam

import (
	"context"
	"net/url"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
)

// MaxKeys is how many access keys a user may have; AWS raises it for nobody:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const MaxKeys = 2

// Codes of awsapi.RefusedError about access keys.
const (
	// TooMany: the user has MaxKeys keys already.
	TooMany = "LimitExceeded"
	// UnknownKey: AWS does not know the key that signed the call, or does not know it yet.
	UnknownKey = "InvalidClientTokenId"
)

// AccessKey is an access key of the user as IAM lists it, without its secret.
type AccessKey struct {
	ID      string
	Status  string    // Active, Inactive or Expired
	Created time.Time // zero if the answer has no date that can be read
}

// Active reports whether AWS accepts the key.
func (k AccessKey) Active() bool { return k.Status == "Active" }

// keyAnswer is an access key in an answer.
type keyAnswer struct {
	ID      string `xml:"AccessKeyId"`
	Status  string
	Created string `xml:"CreateDate"`
	Secret  string `xml:"SecretAccessKey"`
}

func (a keyAnswer) key() AccessKey { return AccessKey{a.ID, a.Status, date(a.Created)} }

// date reads a time of IAM's. One that cannot be read is unknown, and not an error: an
// answer with a secret must not be thrown away because of it.
func date(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// AccessKeys lists the user's access keys. All calls about keys name the user, which AWS
// demands where a session signs them.
func (c Client) AccessKeys(ctx context.Context) (keys []AccessKey, err error) {
	const action = "ListAccessKeys"
	err = pages(ctx, action, MaxKeys, func(ctx context.Context, marker url.Values) (page, error) {
		var answer struct {
			Result struct {
				page
				Keys []keyAnswer `xml:"AccessKeyMetadata>member"`
			} `xml:"ListAccessKeysResult"`
		}
		params := url.Values{"UserName": {c.User}}
		for name, values := range marker {
			params[name] = values
		}
		err := c.AWS.Query(ctx, c.With, again(action, params), &answer)
		for _, k := range answer.Result.Keys {
			keys = append(keys, k.key())
		}
		return answer.Result.page, err
	})
	for _, k := range keys {
		if err == nil && !creds.IsPrintable(k.ID) {
			err = &awsapi.AnswerError{Action: action, Host: "AWS", Problem: "a malformed access key ID"}
		}
	}
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// CreateAccessKey creates an access key. AWS shows its secret in this answer only, so the
// call is never repeated: after an awsapi.AnswerError, or an UnreachableError with Sent,
// the user may have a key that nobody knows the secret of.
func (c Client) CreateAccessKey(ctx context.Context) (creds.Key, AccessKey, error) {
	const action = "CreateAccessKey"
	var answer struct {
		Key keyAnswer `xml:"CreateAccessKeyResult>AccessKey"`
	}
	if err := c.AWS.Query(ctx, c.With, query(action, url.Values{"UserName": {c.User}}), &answer); err != nil {
		return creds.Key{}, AccessKey{}, err
	}
	if !creds.IsPrintable(answer.Key.ID) || !creds.IsPrintable(answer.Key.Secret) {
		return creds.Key{}, AccessKey{}, &awsapi.AnswerError{Action: action, Host: "AWS", Problem: "no access key"}
	}
	return creds.Key{ID: answer.Key.ID, Secret: creds.NewSecret(answer.Key.Secret)}, answer.Key.key(), nil
}

// SetAccessKey activates or deactivates an access key of the user.
func (c Client) SetAccessKey(ctx context.Context, id string, active bool) error {
	status := "Inactive"
	if active {
		status = "Active"
	}
	return c.do(ctx, again("UpdateAccessKey", url.Values{"UserName": {c.User}, "AccessKeyId": {id}, "Status": {status}}))
}

// DeleteAccessKey deletes an access key of the user. One that does not exist is not an
// error.
func (c Client) DeleteAccessKey(ctx context.Context, id string) error {
	err := c.do(ctx, again("DeleteAccessKey", url.Values{"UserName": {c.User}, "AccessKeyId": {id}}))
	if Refused(err, Gone) {
		return nil
	}
	return err
}

// AccessKeyUse asks when an access key was last used.
func (c Client) AccessKeyUse(ctx context.Context, id string) (creds.KeyUse, error) {
	var answer struct {
		Use struct {
			At      string `xml:"LastUsedDate"`
			Service string `xml:"ServiceName"`
			Region  string
		} `xml:"GetAccessKeyLastUsedResult>AccessKeyLastUsed"`
	}
	if err := c.AWS.Query(ctx, c.With, again("GetAccessKeyLastUsed", url.Values{"AccessKeyId": {id}}), &answer); err != nil {
		return creds.KeyUse{}, err
	}
	use := creds.KeyUse{At: date(answer.Use.At)}
	if !use.At.IsZero() {
		use.Service, use.Region = answer.Use.Service, answer.Use.Region
	}
	return use, nil
}
