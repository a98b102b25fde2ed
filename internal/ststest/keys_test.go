package ststest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/creds"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// createKey makes a key for jo.
func createKey(s *Server, with creds.Session) (creds.Session, *types.AccessKey, error) {
	out, err := iamClient(s, with, "us-east-1").CreateAccessKey(context.Background(), &iam.CreateAccessKeyInput{UserName: aws.String("jo")})
	if err != nil {
		return creds.Session{}, nil, err
	}
	k := out.AccessKey
	return creds.Session{Key: creds.Key{ID: *k.AccessKeyId, Secret: creds.NewSecret(*k.SecretAccessKey)}}, k, nil
}

func setKey(s *Server, with creds.Session, id string, status types.StatusType) error {
	_, err := iamClient(s, with, "us-east-1").UpdateAccessKey(context.Background(),
		&iam.UpdateAccessKeyInput{UserName: aws.String("jo"), AccessKeyId: &id, Status: status})
	return err
}

func deleteKey(s *Server, with creds.Session, id string) error {
	_, err := iamClient(s, with, "us-east-1").DeleteAccessKey(context.Background(),
		&iam.DeleteAccessKeyInput{UserName: aws.String("jo"), AccessKeyId: &id})
	return err
}

// A key's life: two of them at most, inactive ones count and are refused, deleted ones
// are unknown.
func TestAccessKeys(t *testing.T) {
	s := start(t, Config{})
	ctx := context.Background()
	fresh, made, err := createKey(s, jo)
	if err != nil {
		t.Fatal(err)
	}
	if *made.UserName != "jo" || made.Status != "Active" || len(*made.SecretAccessKey) != 40 || made.CreateDate == nil ||
		creds.GuessAccount(fresh.ID) != DemoAccount || !strings.HasPrefix(fresh.ID, "AKIA") {
		t.Errorf("made %s, %s, %s", *made.UserName, fresh.ID, made.Status)
	}
	_, _, err = createKey(s, jo)
	wantErr(t, err, "LimitExceeded", "AccessKeysPerUser: 2")
	must(sessionToken(s, fresh, nil))
	if got := s.CreatedSecrets(); !slices.Equal(got, []string{*made.SecretAccessKey}) {
		t.Errorf("%d secrets were created", len(got))
	}

	s.AgeKey(jo.ID, 100*24*time.Hour)
	var listed []string
	for pages := iam.NewListAccessKeysPaginator(iamClient(s, fresh, "us-east-1"), nil); pages.HasMorePages(); {
		page := must(pages.NextPage(ctx))
		if len(page.AccessKeyMetadata) != 1 {
			t.Errorf("%d keys in a page", len(page.AccessKeyMetadata))
		}
		for _, k := range page.AccessKeyMetadata {
			listed = append(listed, *k.AccessKeyId)
			if age := s.Now().Sub(*k.CreateDate); *k.AccessKeyId == jo.ID && age.Round(time.Minute) != 100*24*time.Hour {
				t.Errorf("an age of %s", age)
			}
		}
	}
	if !slices.Equal(listed, []string{jo.ID, fresh.ID}) {
		t.Errorf("listed %v", listed)
	}

	wantErr(t, setKey(s, fresh, "AKIAUNKNOWNEXAMPLE00", types.StatusTypeInactive), "NoSuchEntity", "cannot be found")
	wantErr(t, setKey(s, fresh, ali.ID, types.StatusTypeInactive), "ValidationError", "") // too short an ID
	wantErr(t, setKey(s, fresh, jo.ID, "Expired"), "InvalidInput", "")
	wantErr(t, setKey(s, fresh, jo.ID, "off"), "ValidationError", "enum value set")
	wantErr(t, setKey(s, fresh, jo.ID, types.StatusTypeInactive), "", "")
	if keys := s.Keys(DemoUser); len(keys) != 2 || keys[0].Active || !keys[1].Active {
		t.Errorf("%+v", keys)
	}
	_, err = sessionToken(s, jo, nil)
	wantErr(t, err, "InvalidClientTokenId", "")
	_, _, err = createKey(s, fresh)
	wantErr(t, err, "LimitExceeded", "")
	wantErr(t, setKey(s, fresh, jo.ID, types.StatusTypeActive), "", "")
	must(sessionToken(s, jo, nil))

	wantErr(t, deleteKey(s, fresh, jo.ID), "", "")
	wantErr(t, deleteKey(s, fresh, jo.ID), "NoSuchEntity", "cannot be found")
	_, err = sessionToken(s, jo, nil)
	wantErr(t, err, "InvalidClientTokenId", "")
	if keys := s.Keys(DemoUser); len(keys) != 1 || keys[0].ID != fresh.ID {
		t.Errorf("%+v", keys)
	}
	wantErr(t, deleteKey(s, fresh, fresh.ID), "", "") // a key may delete itself
}

// A temporary key must say whose keys it means, even its own user's.
func TestKeysOfASession(t *testing.T) {
	s := start(t, Config{})
	ctx := context.Background()
	mfa := must(sessionToken(s, jo, withCode(DemoSerial, s.Code(DemoSerial))))
	c := iamClient(s, mfa, "us-east-1")
	must(c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String("jo")}))
	_, err := c.ListAccessKeys(ctx, nil)
	wantErr(t, err, "ValidationError", "Must specify userName")
	_, err = c.CreateAccessKey(ctx, nil)
	wantErr(t, err, "ValidationError", "Must specify userName")
	_, err = c.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{AccessKeyId: aws.String(jo.ID), Status: "Inactive"})
	wantErr(t, err, "ValidationError", "Must specify userName")
	_, err = c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{AccessKeyId: aws.String(jo.ID)})
	wantErr(t, err, "ValidationError", "Must specify userName")
	_, err = c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String("ali")})
	wantErr(t, err, "AccessDenied", "iam:ListAccessKeys")

	plain := must(sessionToken(s, jo, nil))
	_, _, err = createKey(s, plain)
	wantErr(t, err, "InvalidClientTokenId", "")
	made, _, err := createKey(s, mfa)
	wantErr(t, err, "", "")
	must(sessionToken(s, made, nil)) // it is a key and no session
	s.Deny("DeleteAccessKey")
	wantErr(t, deleteKey(s, mfa, jo.ID), "AccessDenied", "iam:DeleteAccessKey")
}

func TestLastUse(t *testing.T) {
	s := start(t, Config{})
	lastUse := func(with creds.Session, id string) (*iam.GetAccessKeyLastUsedOutput, error) {
		return iamClient(s, with, "us-east-1").GetAccessKeyLastUsed(context.Background(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &id})
	}
	fresh, _, err := createKey(s, jo)
	if err != nil {
		t.Fatal(err)
	}
	never := must(lastUse(jo, fresh.ID))
	if u := never.AccessKeyLastUsed; *never.UserName != "jo" || u.LastUsedDate != nil || *u.ServiceName != "N/A" || *u.Region != "N/A" {
		t.Errorf("never: %+v", u)
	}
	must(sessionToken(s, fresh, nil))
	if u := must(lastUse(jo, fresh.ID)).AccessKeyLastUsed; u.LastUsedDate == nil || *u.ServiceName != "sts" || *u.Region != "eu-west-1" {
		t.Errorf("used: %+v", u)
	}
	s.UseKey(fresh.ID, "s3", "eu-central-1", time.Hour)
	if u := must(lastUse(jo, fresh.ID)).AccessKeyLastUsed; s.Now().Sub(*u.LastUsedDate).Round(time.Minute) != time.Hour || *u.ServiceName != "s3" {
		t.Errorf("an hour ago: %+v", u)
	}
	_, err = lastUse(jo, "AKIAUNKNOWNEXAMPLE00")
	wantErr(t, err, "AccessDenied", "on resource: access key AKIAUNKNOWNEXAMPLE00")
}

func TestNamedKeys(t *testing.T) {
	s := start(t, Config{})
	s.NameKeys("AKIAI44QH8DHBEXAMPLE")
	for _, want := range []string{"AKIAI44QH8DHBEXAMPLE", ""} {
		fresh, _, err := createKey(s, jo)
		if err != nil || (fresh.ID == "AKIAI44QH8DHBEXAMPLE") != (want != "") {
			t.Errorf("%s, %v", fresh.ID, err)
		}
		wantErr(t, deleteKey(s, jo, fresh.ID), "", "")
	}
}

// A new key is unknown for as long as the test wants, at whatever service.
func TestNewKeysAreLate(t *testing.T) {
	s := start(t, Config{})
	s.DelayKeys(2)
	fresh, _, err := createKey(s, jo)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sessionToken(s, fresh, nil)
	wantErr(t, err, "InvalidClientTokenId", "")
	wantErr(t, setKey(s, fresh, jo.ID, types.StatusTypeInactive), "InvalidClientTokenId", "")
	must(sessionToken(s, fresh, nil))
	if u := s.Keys(DemoUser); !u[0].Active {
		t.Error("a refused call was carried out")
	}
}

// IAM's lists can be older than its keys. A key that is not listed counts, and works.
func TestHiddenKeys(t *testing.T) {
	s := start(t, Config{})
	s.HideKeys(1)
	fresh, _, err := createKey(s, jo)
	if err != nil {
		t.Fatal(err)
	}
	listed := func() (ids []string) {
		for pages := iam.NewListAccessKeysPaginator(iamClient(s, fresh, "us-east-1"), nil); pages.HasMorePages(); {
			for _, k := range must(pages.NextPage(t.Context())).AccessKeyMetadata {
				ids = append(ids, *k.AccessKeyId)
			}
		}
		return ids
	}
	if got := listed(); !slices.Equal(got, []string{jo.ID}) {
		t.Errorf("listed at once: %v", got)
	}
	_, _, err = createKey(s, jo)
	wantErr(t, err, "LimitExceeded", "")
	if got := listed(); len(got) != 2 {
		t.Errorf("listed later: %v", got)
	}
	if _, err := s.obey(order{Op: "hide-keys"}); err == nil {
		t.Error("hidden for nothing")
	}
}

// Sessions of a key that is gone live on, or do not: nobody knows which AWS does.
func TestSessionsOfDeletedKeys(t *testing.T) {
	s := start(t, Config{})
	fresh, _, err := createKey(s, jo)
	if err != nil {
		t.Fatal(err)
	}
	session := must(sessionToken(s, fresh, nil))
	wantErr(t, setKey(s, jo, fresh.ID, types.StatusTypeInactive), "", "")
	must(identity(s, session))
	s.EndWithKey(true)
	_, err = identity(s, session)
	wantErr(t, err, "InvalidClientTokenId", "")
	wantErr(t, setKey(s, jo, fresh.ID, types.StatusTypeActive), "", "")
	must(identity(s, session))
	wantErr(t, deleteKey(s, jo, fresh.ID), "", "")
	_, err = identity(s, session)
	wantErr(t, err, "InvalidClientTokenId", "")
}

// Scripts see and change keys through the control.
func TestControlKeys(t *testing.T) {
	s := start(t, Config{})
	keys := func() []KeyState {
		t.Helper()
		a, err := s.obey(order{Op: "keys", ARN: DemoUser})
		if err != nil || a.Keys == nil {
			t.Fatal(a, err)
		}
		return *a.Keys
	}
	do := func(text string) {
		t.Helper()
		var o order
		if err := strictly(text, &o); err != nil {
			t.Fatal(err)
		}
		if _, err := s.obey(o); err != nil {
			t.Error(err)
		}
	}
	before := keys()
	do(`{"op":"deactivate","key":"` + DemoKeyID + `"}`)
	do(`{"op":"age-key","key":"` + DemoKeyID + `","by":"2160h"}`)
	if now := keys(); len(now) != 1 || now[0].Active || before[0].Created.Sub(now[0].Created) != 2160*time.Hour {
		t.Errorf("%+v", now)
	}
	do(`{"op":"activate","key":"` + DemoKeyID + `"}`)
	must(identity(s, jo))
	do(`{"op":"use-key","key":"` + DemoKeyID + `","service":"s3","region":"eu-west-1","by":"1h"}`)
	do(`{"op":"delay-keys","times":1}`)
	do(`{"op":"end-with-key"}`)
	session := must(sessionToken(s, jo, nil))
	fresh, _, err := createKey(s, jo)
	if err != nil {
		t.Fatal(err)
	}
	_, err = identity(s, fresh)
	wantErr(t, err, "InvalidClientTokenId", "")
	must(identity(s, fresh))
	do(`{"op":"delete","key":"` + DemoKeyID + `"}`)
	_, err = identity(s, session)
	wantErr(t, err, "InvalidClientTokenId", "")
	if _, err := s.obey(order{Op: "delay-keys"}); err == nil {
		t.Error("a delay of nothing")
	}
	if a, err := s.obey(order{Op: "keys", ARN: aliARN + "x"}); err != nil || a.Keys == nil || len(*a.Keys) != 0 {
		t.Error("keys of nobody", err)
	}
}
