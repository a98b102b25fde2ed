// Package iam finds, creates and removes the MFA devices and the access keys of an IAM
// user, with that user's own credentials.
//
// An enrollment that fails or is cancelled leaves nothing behind: no device that
// nobody can use, and no seed of one. If AWS cannot be reached to clean up,
// LeftError names the device, and its seed is kept. What becomes of an access key whose
// secret was lost on the way is for the caller to decide. The package touches no other
// users and no policies, and leaves it to AWS to decide who may do what.
package iam

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"time"

	"fob/internal/awsapi"
	"fob/internal/creds"
	"fob/internal/mfa"
	"fob/internal/plan"
)

// Caller carries out calls: an *awsapi.Client.
type Caller interface {
	Query(ctx context.Context, with creds.Session, q awsapi.Query, answer any) error
}

// Client calls IAM for one user. Its errors are those of awsapi.
type Client struct {
	AWS Caller
	// With is the user's key, or a session of it with MFA. IAM accepts no session
	// without MFA.
	With creds.Session
	User string // the user's name
	// Prefix is the start of the ARNs of the user's virtual devices: arn:aws:iam::111111111111:mfa/
	Prefix string
	// Period is how long each code of a new device lasts; 0 is AWS's 30 s.
	Period time.Duration
}

// Device is a new virtual MFA device.
type Device struct {
	Serial string // its ARN
	Seed   creds.Seed
}

// DeleteDevice is the second call of Remove: if it fails, the device is no longer
// the user's, but still exists.
const DeleteDevice = "DeleteVirtualMFADevice"

// Codes of awsapi.RefusedError that callers act upon.
const (
	AlreadyExists = "EntityAlreadyExists"
	BadCode       = "InvalidAuthenticationCode"
	Busy          = "EntityTemporarilyUnmodifiable"
	Gone          = "NoSuchEntity"
	Denied        = "AccessDenied"
)

// Refused reports whether err is AWS's refusal with this code.
func Refused(err error, code string) bool {
	var refused *awsapi.RefusedError
	return errors.As(err, &refused) && refused.Code == code
}

// Devices returns the serials of the user's devices: ARNs, and the serial numbers
// of hardware devices.
func (c Client) Devices(ctx context.Context) (serials []string, err error) {
	const action = "ListMFADevices"
	err = pages(ctx, action, maxDevices, func(ctx context.Context, marker url.Values) (page, error) {
		var answer struct {
			Result struct {
				page
				Serials []string `xml:"MFADevices>member>SerialNumber"`
			} `xml:"ListMFADevicesResult"`
		}
		// Without UserName, AWS lists the devices of the user whose key signed the call.
		err := c.AWS.Query(ctx, c.With, again(action, marker), &answer)
		serials = append(serials, answer.Result.Serials...)
		return answer.Result.page, err
	})
	if err == nil && len(serials) > maxDevices {
		err = &awsapi.AnswerError{Action: action, Host: "AWS", Problem: "more MFA devices than a user can have"}
	}
	if err != nil {
		return nil, err
	}
	return serials, nil
}

// Create creates a virtual device. It belongs to nobody until it is enabled.
func (c Client) Create(ctx context.Context, name string) (Device, error) {
	var answer struct {
		Serial string `xml:"CreateVirtualMFADeviceResult>VirtualMFADevice>SerialNumber"`
		Seed   string `xml:"CreateVirtualMFADeviceResult>VirtualMFADevice>Base32StringSeed"`
	}
	const action = "CreateVirtualMFADevice"
	if err := c.AWS.Query(ctx, c.With, query(action, url.Values{"VirtualMFADeviceName": {name}}), &answer); err != nil {
		return Device{}, err
	}
	wrong := &awsapi.AnswerError{Action: action, Host: "AWS", Problem: "no MFA device of that name"}
	text, err := base64.StdEncoding.DecodeString(answer.Seed)
	if err != nil || answer.Serial != c.Prefix+name {
		return Device{}, wrong
	}
	seed, err := mfa.ParseSeed(string(text))
	if err != nil {
		return Device{}, wrong
	}
	seed.Period = cmp.Or(c.Period, seed.Period)
	return Device{answer.Serial, seed}, nil
}

// Enable gives a device to the user, with two consecutive codes.
func (c Client) Enable(ctx context.Context, serial, first, second string) error {
	q := query("EnableMFADevice", url.Values{
		"UserName": {c.User}, "SerialNumber": {serial}, "AuthenticationCode1": {first}, "AuthenticationCode2": {second},
	})
	q.Codes = []string{first, second}
	return c.do(ctx, q)
}

// Remove takes a device from the user, and deletes it if it is virtual. found is
// false, without an error, if it did not exist.
func (c Client) Remove(ctx context.Context, serial string) (found bool, err error) {
	err = c.do(ctx, again("DeactivateMFADevice", url.Values{"UserName": {c.User}, "SerialNumber": {serial}}))
	found = err == nil
	if Virtual(serial) && (found || Refused(err, Gone)) {
		// Finish the cleanup even if the user cancels.
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
		defer cancel()
		err = c.do(late, again(DeleteDevice, url.Values{"SerialNumber": {serial}}))
		found = found || err == nil
	}
	if Refused(err, Gone) {
		err = nil
	}
	return found, err
}

// Virtual reports whether a device is only a seed, and neither hardware nor a
// security key.
func Virtual(serial string) bool { return strings.Contains(serial, ":mfa/") }

// Split separates the serials of devices that have codes from those of FIDO
// security keys, which AWS accepts only in a browser, and from what cannot be a
// device of this user.
func (c Client) Split(serials []string) (codes, keys, others []string) {
	for _, s := range serials {
		arn, isARN := plan.ParseARN(s)
		switch {
		case arn.IsSecurityKey():
			keys = append(keys, s)
		case plan.CheckSerial(s, plan.ARN{}) == "" && (!isARN || strings.HasPrefix(s, c.Prefix)):
			codes = append(codes, s)
		default:
			others = append(others, s)
		}
	}
	return codes, keys, others
}

func (c Client) do(ctx context.Context, q awsapi.Query) error {
	var nothing struct{}
	return c.AWS.Query(ctx, c.With, q, &nothing)
}

func query(action string, params url.Values) awsapi.Query {
	return awsapi.Query{Service: "iam", Version: "2010-05-08", Action: action, Params: params}
}

// again is a call that may be repeated: it changes nothing, or removes something, which
// is then gone.
func again(action string, params url.Values) awsapi.Query {
	q := query(action, params)
	q.Again = true
	return q
}
