package backendtest

import (
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/godbus/dbus/v5"
)

// FakeSecrets is a Secret Service whose only collection and item are locked.
// The fields make it misbehave.
type FakeSecrets struct {
	Conn         *dbus.Conn
	Kill         func() // the bus
	onPrompt     func(f *FakeSecrets)
	NoCollection atomic.Bool // there is no default collection
	Locked       atomic.Bool
	Payload      atomic.Value // string
	Nonsense     atomic.Bool  // it answers with values of the wrong type
}

const (
	fakeCollection = SecretsPath + "/collection/login"
	fakeItem       = fakeCollection + "/1"
	fakePrompt     = SecretsPath + "/prompt/p1"
)

type fakeProperties struct{ *FakeSecrets }

func (p fakeProperties) Get(_, name string) (dbus.Variant, *dbus.Error) {
	switch {
	case p.Nonsense.Load():
		return dbus.MakeVariant("nonsense"), nil
	case name == "Collections":
		return dbus.MakeVariant([]dbus.ObjectPath{fakeCollection}), nil
	case name == "Locked":
		return dbus.MakeVariant(p.Locked.Load()), nil
	}
	return dbus.Variant{}, dbus.MakeFailedError(errors.New("no such property"))
}

type fakeService struct{ *FakeSecrets }

func (s fakeService) ReadAlias(string) (dbus.ObjectPath, *dbus.Error) {
	if s.NoCollection.Load() {
		return "/", nil
	}
	return fakeCollection, nil
}

func (s fakeService) SearchItems(map[string]string) (unlocked, locked []dbus.ObjectPath, err *dbus.Error) {
	if s.Locked.Load() {
		return nil, []dbus.ObjectPath{fakeItem}, nil
	}
	return []dbus.ObjectPath{fakeItem}, nil, nil
}

func (fakeService) Unlock([]dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	return nil, fakePrompt, nil
}

func (fakeService) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	return dbus.MakeVariant(""), SecretsPath + "/session/s1", nil
}

type fakeCollectionObject struct{ *FakeSecrets }

func (fakeCollectionObject) SearchItems(map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	return []dbus.ObjectPath{fakeItem}, nil
}

type fakeItemObject struct{ *FakeSecrets }

// Secret is how the Secret Service passes a secret.
type Secret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

func (i fakeItemObject) GetSecret(session dbus.ObjectPath) (Secret, *dbus.Error) {
	data, err := json.Marshal(map[string]any{"Key": "k", "Data": []byte(i.Payload.Load().(string))})
	if err != nil {
		return Secret{}, dbus.MakeFailedError(err)
	}
	return Secret{session, nil, data, "application/json"}, nil
}

type fakePromptObject struct{ *FakeSecrets }

func (p fakePromptObject) Prompt(string) *dbus.Error {
	go p.onPrompt(p.FakeSecrets)
	return nil
}

// Answer is told to all on the bus, as KDE and KeePassXC do: the library does not hear it.
func (f *FakeSecrets) Answer(dismissed bool) {
	f.Locked.Store(dismissed)
	f.Conn.Emit(fakePrompt, "org.freedesktop.Secret.Prompt.Completed", dismissed, dbus.MakeVariant(""))
}

// StartFakeSecrets starts one; onPrompt is what happens when it is made to ask.
func StartFakeSecrets(t *testing.T, onPrompt func(*FakeSecrets)) (address string, f *FakeSecrets) {
	t.Helper()
	address, daemon := KillableBus(t)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	f = &FakeSecrets{Conn: conn, Kill: func() { daemon.Process.Kill() }, onPrompt: onPrompt}
	f.Locked.Store(true)
	f.Payload.Store("the payload")
	for _, e := range []struct {
		object any
		path   dbus.ObjectPath
		name   string
	}{
		{fakeService{f}, SecretsPath, "org.freedesktop.Secret.Service"},
		{fakeProperties{f}, SecretsPath, "org.freedesktop.DBus.Properties"},
		{fakeCollectionObject{f}, fakeCollection, "org.freedesktop.Secret.Collection"},
		{fakeProperties{f}, fakeCollection, "org.freedesktop.DBus.Properties"},
		{fakeItemObject{f}, fakeItem, "org.freedesktop.Secret.Item"},
		{fakeProperties{f}, fakeItem, "org.freedesktop.DBus.Properties"},
		{fakePromptObject{f}, fakePrompt, "org.freedesktop.Secret.Prompt"},
	} {
		if err := conn.Export(e.object, e.path, e.name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.RequestName(SecretsName, 0); err != nil {
		t.Fatal(err)
	}
	return address, f
}
