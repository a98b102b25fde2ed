package ststest

import (
	"context"
	"slices"
	"testing"
	"time"

	"fob/internal/creds"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// fob signs its calls of IAM itself, because that SDK package costs every start
// a third of what may be done before main. Here the SDK judges the fake.
func iamClient(s *Server, c creds.Session, region string) *iam.Client {
	return iam.New(iam.Options{
		Region:       region,
		BaseEndpoint: &s.URL,
		Retryer:      aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return sdkCredentials(c), nil
		}),
	})
}

// pair are two codes in a row, of which the server's clock is in the second.
func pair(s *Server, serial string) (first, second *string) {
	step := s.Step(serial)
	return aws.String(s.CodeAt(serial, step-1)), aws.String(s.CodeAt(serial, step))
}

func TestVirtualDevice(t *testing.T) {
	s := start(t, Config{})
	ctx := context.Background()
	c := iamClient(s, jo, "us-east-1")
	const serial = "arn:aws:iam::111111111111:mfa/new"
	made := must(c.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("new")}))
	if *made.VirtualMFADevice.SerialNumber != serial || len(made.VirtualMFADevice.Base32StringSeed) != 64 {
		t.Fatalf("got %s, a seed of %d characters", *made.VirtualMFADevice.SerialNumber, len(made.VirtualMFADevice.Base32StringSeed))
	}
	if left := s.Devices(""); !slices.Equal(left, []string{serial}) {
		t.Errorf("left %v", left)
	}
	_, err := c.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("new")})
	wantErr(t, err, "EntityAlreadyExists", "at the same path and name")
	_, err = sessionToken(s, jo, withCode(serial, s.Code(serial)))
	wantErr(t, err, "AccessDenied", "unable to validate") // not enabled

	enable := func(first, second *string) error {
		_, err := c.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{UserName: aws.String("jo"), SerialNumber: aws.String(serial),
			AuthenticationCode1: first, AuthenticationCode2: second})
		return err
	}
	first, second := pair(s, serial)
	wantErr(t, enable(second, first), "InvalidAuthenticationCode", "")
	wantErr(t, enable(second, second), "InvalidAuthenticationCode", "")
	wantErr(t, enable(aws.String("12345x"), second), "ValidationError", "")
	if err := enable(first, second); err != nil {
		t.Fatal(err)
	}
	wantErr(t, enable(pair(s, serial)), "EntityAlreadyExists", "in use")
	// Both codes are used up.
	_, err = sessionToken(s, jo, withCode(serial, *second))
	wantErr(t, err, "AccessDenied", "invalid MFA one time pass code")
	must(sessionToken(s, jo, withCode(serial, s.CodeAt(serial, s.Step(serial)+1))))

	list := must(c.ListMFADevices(ctx, nil))
	if list.IsTruncated || len(list.MFADevices) != 2 || *list.MFADevices[1].SerialNumber != serial || *list.MFADevices[1].UserName != "jo" {
		t.Errorf("got %+v", list.MFADevices)
	}

	remove := &iam.DeleteVirtualMFADeviceInput{SerialNumber: aws.String(serial)}
	_, err = c.DeleteVirtualMFADevice(ctx, remove)
	wantErr(t, err, "DeleteConflict", "Must deactivate first")
	deactivate := &iam.DeactivateMFADeviceInput{UserName: aws.String("jo"), SerialNumber: aws.String(serial)}
	must(c.DeactivateMFADevice(ctx, deactivate))
	_, err = c.DeactivateMFADevice(ctx, deactivate)
	wantErr(t, err, "NoSuchEntity", "")
	must(c.DeleteVirtualMFADevice(ctx, remove))
	_, err = c.DeleteVirtualMFADevice(ctx, remove)
	wantErr(t, err, "NoSuchEntity", "")
	if left := s.Devices(""); left != nil {
		t.Errorf("left %v", left)
	}
}

func withCode(serial, code string) *sts.GetSessionTokenInput {
	return &sts.GetSessionTokenInput{SerialNumber: &serial, TokenCode: &code}
}

func TestDevicesComeInPages(t *testing.T) {
	s := start(t, Config{})
	var devices []Device
	for _, name := range []string{"a", "b", "c"} {
		devices = append(devices, Device{Serial: "arn:aws:iam::111111111111:mfa/" + name, Seed: creds.Seed{Secret: creds.NewSecret(DemoSeed)}})
	}
	if err := s.AddUser(User{ARN: DemoUser, Keys: []creds.Key{jo.Key}, MFA: devices}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for pages := iam.NewListMFADevicesPaginator(iamClient(s, jo, "us-east-1"), nil); pages.HasMorePages(); {
		for _, d := range must(pages.NextPage(context.Background())).MFADevices {
			got = append(got, (*d.SerialNumber)[len("arn:aws:iam::111111111111:mfa/"):])
		}
	}
	if !slices.Equal(got, []string{"a", "b", "c", "jo"}) {
		t.Errorf("got %v", got)
	}
}

// Who may call IAM: keys and sessions with MFA, in the home region, about themselves.
func TestWhoMayCallIAM(t *testing.T) {
	s := start(t, Config{})
	ctx := context.Background()
	list := func(c creds.Session, user string) error {
		in := &iam.ListMFADevicesInput{}
		if user != "" {
			in.UserName = &user
		}
		_, err := iamClient(s, c, "us-east-1").ListMFADevices(ctx, in)
		return err
	}
	plain := must(sessionToken(s, jo, nil))
	mfa := must(sessionToken(s, jo, withCode(DemoSerial, s.Code(DemoSerial))))
	role := must(assume(s, jo, &sts.AssumeRoleInput{RoleArn: aws.String(openARN)}))
	for _, c := range []struct {
		name  string
		creds creds.Session
		user  string
		code  string
	}{
		{"a key", jo, "", ""},
		{"a key, by name", jo, "jo", ""},
		{"somebody else", jo, "ali", "AccessDenied"},
		{"a session", plain, "", "InvalidClientTokenId"},
		{"a session with MFA", mfa, "jo", ""},
		{"a role", role, "", "ValidationError"},
	} {
		wantErr(t, list(c.creds, c.user), c.code, "")
	}
	_, err := iamClient(s, jo, "eu-west-1").ListMFADevices(ctx, nil)
	wantErr(t, err, "SignatureDoesNotMatch", "valid region")

	s.DemandMFA("ListMFADevices")
	wantErr(t, list(jo, ""), "AccessDenied", "iam:ListMFADevices")
	wantErr(t, list(mfa, ""), "", "")
	s.Deny("ListMFADevices")
	wantErr(t, list(mfa, ""), "AccessDenied", "iam:ListMFADevices")
	s.Allow("ListMFADevices")
	wantErr(t, list(jo, ""), "", "")
}

// Eight devices are enough for anybody.
func TestTooManyDevices(t *testing.T) {
	s := start(t, Config{})
	var devices []Device
	for _, name := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		devices = append(devices, Device{Serial: "arn:aws:iam::111111111111:mfa/" + name, Seed: creds.Seed{Secret: creds.NewSecret(DemoSeed), Period: time.Hour}})
	}
	if err := s.AddUser(User{ARN: DemoUser, Keys: []creds.Key{jo.Key}, MFA: devices}); err != nil {
		t.Fatal(err)
	}
	c := iamClient(s, jo, "us-east-1")
	made := must(c.CreateVirtualMFADevice(context.Background(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("9")}))
	first, second := pair(s, *made.VirtualMFADevice.SerialNumber)
	_, err := c.EnableMFADevice(context.Background(), &iam.EnableMFADeviceInput{UserName: aws.String("jo"),
		SerialNumber: made.VirtualMFADevice.SerialNumber, AuthenticationCode1: first, AuthenticationCode2: second})
	wantErr(t, err, "LimitExceeded", "")
}
