package ststest

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"fob/internal/creds"
)

// iamAPI is the part of IAM about a user's own MFA devices. It is one service for all
// regions, so its calls are signed for the home region only:
// https://docs.aws.amazon.com/general/latest/gr/iam-service.html
var iamAPI = service{name: "iam", version: "2010-05-08", namespace: "https://iam.amazonaws.com/doc/2010-05-08/", global: true}

// maxDevices is how many MFA devices a user may have:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxDevices = 8

// A denial is how a policy denies an action.
type denial int

const (
	allowed denial = iota
	// withoutMFA is the policy of AWS's documentation: deny unless the session has MFA.
	withoutMFA
	always
)

// Deny makes every policy deny an action, on everything or only on the parameters or
// secrets with these names; Allow undoes that. Decrypt is KMS's action.
func (s *Server) Deny(action string, on ...string) { s.setPolicy(action, on, always) }

// DemandMFA makes every policy deny an action to keys, and to sessions without MFA.
func (s *Server) DemandMFA(action string, on ...string) { s.setPolicy(action, on, withoutMFA) }

// Allow is the state at the start.
func (s *Server) Allow(action string, on ...string) { s.setPolicy(action, on, allowed) }

func (s *Server) setPolicy(action string, on []string, d denial) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(on) == 0 {
		s.world.policy[action] = d
	}
	for _, name := range on {
		s.world.policy[action+" "+name] = d
	}
}

// denies reports whether policies deny a caller an action on what has this name, if it has
// one.
func (w world) denies(action, name string, c caller) bool {
	for _, d := range []denial{w.policy[action], w.policy[action+" "+name]} {
		if d == always || d == withoutMFA && c.mfa.IsZero() {
			return true
		}
	}
	return false
}

// Devices lists the serials of a user's enabled MFA devices, and with "" those
// of the virtual devices that no user has: a failed enrollment left them behind.
func (s *Server) Devices(user string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.devicesOf(user)
}

func (w world) devicesOf(user string) []string {
	var serials []string
	for serial, d := range w.devices {
		if d.owner == user {
			serials = append(serials, serial)
		}
	}
	slices.Sort(serials)
	return serials
}

// itself allows a user to manage its own devices, and nobody else. For IAM, AWS
// treats a session without MFA as no credentials at all.
func (w world) itself(action string, c caller) error {
	if c.session && c.user != "" && c.mfa.IsZero() {
		return refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid")
	}
	if w.denies(action, "", c) {
		return denied("User: %s is not authorized to perform: iam:%s on resource: user %s with an explicit deny in an identity-based policy", c.arn, action, c.name())
	}
	return nil
}

// owner is the user of a call: the named one, else the owner of the credentials.
func (q *request) owner() (string, error) {
	name := q.form.Get("UserName")
	switch {
	case q.caller.user == "" && name == "":
		return "", refuse(http.StatusBadRequest, "ValidationError", "Must specify userName when calling with non-User credentials")
	case name != "" && name != q.caller.name():
		return "", denied("User: %s is not authorized to perform: iam:%s on resource: user %s because no identity-based policy allows it",
			q.caller.arn, q.form.Get("Action"), name)
	}
	return q.caller.user, nil
}

type createdDevice struct {
	SerialNumber     string `xml:"VirtualMFADevice>SerialNumber"`
	Base32StringSeed string `xml:"VirtualMFADevice>Base32StringSeed"` // in base64, as blobs are
	QRCodePNG        string `xml:"VirtualMFADevice>QRCodePNG"`
}

func (q *request) createVirtualMFADevice() (any, error) {
	var v validation
	name := v.text(q.form, "VirtualMFADeviceName", 1, 226, "+=,.@-")
	if name == "" {
		v.fail("null", "VirtualMFADeviceName", "Member must not be null")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	serial := "arn:" + arnPart(q.caller.arn, partitionPart) + ":iam::" + q.caller.account() + ":mfa/" + name
	if q.world.devices[serial] != nil {
		return nil, refuse(http.StatusConflict, "EntityAlreadyExists", "MFADevice entity at the same path and name already exists.")
	}
	key := make([]byte, 40) // AWS's seeds have 64 characters
	rand.Read(key)
	seed := base32.StdEncoding.EncodeToString(key)
	d := Device{Serial: serial, Seed: creds.Seed{Secret: creds.NewSecret(seed), Period: q.world.period}}
	q.world.devices[serial] = &device{Device: d.withDefaults(), used: make(map[int64]bool)}
	return createdDevice{serial, base64.StdEncoding.EncodeToString([]byte(seed)), base64.StdEncoding.EncodeToString([]byte("a picture"))}, nil
}

func (q *request) enableMFADevice() (any, error) {
	d, err := q.virtualDevice()
	if err != nil {
		return nil, err
	}
	user, err := q.owner()
	switch {
	case err != nil:
		return nil, err
	case d.owner != "":
		return nil, refuse(http.StatusConflict, "EntityAlreadyExists", "MFA Device is already in use.")
	case len(q.world.devicesOf(user)) >= maxDevices:
		return nil, refuse(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8")
	}
	var v validation
	for _, parameter := range []string{"AuthenticationCode1", "AuthenticationCode2"} {
		v.digits(q.form, parameter)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	if !d.usePair(q.form.Get("AuthenticationCode1"), q.form.Get("AuthenticationCode2"), q.now) {
		return nil, refuse(http.StatusForbidden, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
	}
	d.owner, d.since = user, q.now
	return nil, nil
}

// usePair uses two codes in a row: the second is current, and both are unused.
func (d *device) usePair(first, second string, now time.Time) bool {
	for _, step := range d.accepted(now) {
		if second == d.code(step) && first == d.code(step-1) && !d.used[step] && !d.used[step-1] {
			d.used[step], d.used[step-1] = true, true
			return true
		}
	}
	return false
}

// virtualDevice is the device that a call names, whichever user has it.
func (q *request) virtualDevice() (*device, error) {
	var v validation
	serial := v.text(q.form, "SerialNumber", 9, 256, "+=/:,.@-")
	if err := v.err(); err != nil {
		return nil, err
	}
	d := q.world.devices[serial]
	if d == nil {
		return nil, noEntity("VirtualMFADevice with serial number " + serial + " does not exist.")
	}
	return d, nil
}

type listedDevices struct {
	MFADevices  []listedDevice `xml:"MFADevices>member"`
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

type listedDevice struct{ UserName, SerialNumber, EnableDate string }

// listMFADevices returns two per page, so that tests cover paging.
func (q *request) listMFADevices() (any, error) {
	const page = 2
	user, err := q.owner()
	if err != nil {
		return nil, err
	}
	serials := q.world.devicesOf(user)
	i, _ := slices.BinarySearch(serials, q.form.Get("Marker"))
	serials = serials[i:]
	var l listedDevices
	if len(serials) > page {
		l.IsTruncated, l.Marker = true, serials[page]
		serials = serials[:page]
	}
	for _, serial := range serials {
		l.MFADevices = append(l.MFADevices, listedDevice{q.caller.name(), serial, q.world.devices[serial].since.Format(time.RFC3339)})
	}
	return l, nil
}

func (q *request) deactivateMFADevice() (any, error) {
	user, err := q.owner()
	if err != nil {
		return nil, err
	}
	d := q.world.devices[q.form.Get("SerialNumber")]
	if d == nil || d.owner != user {
		return nil, noEntity("MFA Device invalid for user.")
	}
	d.owner = ""
	return nil, nil
}

func (q *request) deleteVirtualMFADevice() (any, error) {
	d, err := q.virtualDevice()
	switch {
	case err != nil:
		return nil, err
	case d.owner != "":
		return nil, refuse(http.StatusConflict, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
	}
	delete(q.world.devices, d.Serial)
	return nil, nil
}

func noEntity(message string) error { return refuse(http.StatusNotFound, "NoSuchEntity", message) }

// digits checks a parameter that must be a code.
func (v *validation) digits(form url.Values, parameter string) {
	code := form.Get(parameter)
	v.length(parameter, code, 6, 6)
	if strings.Trim(code, "0123456789") != "" {
		v.fail("'"+code+"'", parameter, `Member must satisfy regular expression pattern: [\d]+`)
	}
}
