package keyring

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

func testHeader() (header, subkeys) {
	h := newHeader(1, slot{Name: "passphrase", Kind: "passphrase"})
	vault := make([]byte, keySize)
	rand.Read(vault)
	return h, deriveSubkeys(vault, h.ID)
}

func TestHeader(t *testing.T) {
	h, k := testHeader()
	good := string(h.encode(k))
	got, err := parseHeader([]byte(good))
	if err != nil || got.ID != h.ID || got.Gen != 1 || got.verify(k) != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	_, other := testHeader()
	wantErr[*DamagedError](t, got.verify(other))

	for name, data := range map[string]string{
		"empty":           "",
		"no seal":         strings.SplitAfter(good, "\n")[0],
		"no last newline": strings.TrimSuffix(good, "\n"),
		"a third line":    good + "x\n",
		"CRLF":            strings.ReplaceAll(good, "\n", "\r\n"),
		"another order":   strings.Replace(good, `"fob":1,`, "", 1),
		"white space":     strings.Replace(good, `"gen":1`, `"gen": 1`, 1),
		"duplicate":       strings.Replace(good, `"gen":1`, `"gen":1,"gen":1`, 1),
		"unknown field":   strings.Replace(good, `"gen":1`, `"gen":1,"x":1`, 1),
		"capitals":        strings.Replace(good, `"gen"`, `"Gen"`, 1),
		"generation 0":    strings.Replace(good, `"gen":1`, `"gen":0`, 1),
		"no slots":        strings.Replace(good, `{"name":"passphrase","kind":"passphrase"}`, "", 1),
		"slot elsewhere":  strings.Replace(good, `"name":"passphrase"`, `"name":"../x"`, 1),
		"slot a flag":     strings.Replace(good, `"name":"passphrase"`, `"name":"-x"`, 1),
		"slot nameless":   strings.Replace(good, `"name":"passphrase"`, `"name":""`, 1),
		"slot too long":   strings.Replace(good, `"name":"passphrase"`, `"name":"`+strings.Repeat("x", 65)+`"`, 1),
		"two of a name":   strings.Replace(good, `]`, `,{"name":"passphrase","kind":"passphrase"}]`, 1),
		"bad ID":          strings.Replace(good, h.ID, strings.ToUpper(h.ID[:31])+"G", 1),
		"version 0":       strings.Replace(good, `"fob":1`, `"fob":0`, 1),
	} {
		if _, err := parseHeader([]byte(data)); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			wantErr[*DamagedError](t, err)
		}
	}
	if _, err := parseHeader([]byte(strings.Replace(good, `"name":"passphrase"`, `"name":"`+strings.Repeat("x", 64)+`"`, 1))); err != nil {
		t.Error(err)
	}
	for _, future := range []string{
		strings.Replace(good, `"fob":1`, `"fob":2`, 1),
		`{"fob":2,"slots":{"changed":true}}` + "\nwhatever",
	} {
		_, err := parseHeader([]byte(future))
		wantErr[*FutureError](t, err)
	}
}

func TestPayload(t *testing.T) {
	h, _ := testHeader()
	vault := bytes.Repeat([]byte{0xfb}, keySize)
	good := h.payload("passphrase", vault)
	if got, err := h.vaultKey("f", "passphrase", good); err != nil || !bytes.Equal(got, vault) {
		t.Fatalf("%x, %v", got, err)
	}
	other, _ := testHeader()
	later := h
	later.Gen = 2
	for name, bad := range map[string]string{
		"another store":      other.payload("passphrase", vault),
		"another generation": later.payload("passphrase", vault),
		"another slot":       h.payload("yubikey", vault),
		"short key":          h.payload("passphrase", vault[:31]),
		"standard base64":    strings.ReplaceAll(good, "-", "+"),
		"trailing space":     good + " ",
		"empty":              "",
		"another version":    strings.Replace(good, "key-1", "key-2", 1),
	} {
		if _, err := h.vaultKey("f", "passphrase", bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A payload is taken only if it is the one of this store, generation and slot.
func FuzzPayload(f *testing.F) {
	h, vault := frozenHeader()
	f.Add(h.payload("passphrase", vault))
	f.Add(h.payload("yubikey", vault))
	f.Add("")
	f.Fuzz(func(t *testing.T, payload string) {
		vault, err := h.vaultKey("f", "passphrase", payload)
		var damaged *DamagedError
		if err == nil && h.payload("passphrase", vault) != payload || err != nil && (vault != nil || !errors.As(err, &damaged)) {
			t.Errorf("%q: %d bytes, %v", payload, len(vault), err)
		}
	})
}

func FuzzHeader(f *testing.F) {
	h, vault := frozenHeader()
	k := deriveSubkeys(vault, h.ID)
	f.Add(h.encode(k))
	f.Add([]byte(`{"fob":2}`))
	f.Add([]byte("{\"fob\":1,\"id\":\"\",\"gen\":1,\"slots\":[]}\nAAAA\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parseHeader(data)
		var damaged *DamagedError
		var future *FutureError
		switch {
		case err == nil:
			if again := append(append(encodeJSON(h), '\n'), b64.EncodeToString(h.tag)+"\n"...); !bytes.Equal(again, data) {
				t.Errorf("two ways to write one header:\n%q\n%q", data, again)
			}
			if h.verify(k) == nil && !bytes.Equal(data, h.encode(k)) {
				t.Error("forged")
			}
		case !errors.As(err, &damaged) && !errors.As(err, &future):
			t.Errorf("%T %v", err, err)
		}
	})
}

// An item that opens has the content that was sealed, whoever wrote the file.
func FuzzItem(f *testing.F) {
	h, vault := frozenHeader() // the same in every process that fuzzes, so that seeds open
	key := deriveSubkeys(vault, h.ID).items[KindKey]
	info := Info{Kind: KindKey, Name: "p", Created: time.Unix(0, 0).UTC(), Rev: "r"}
	good := sealItem(key, h.ID, "key+p", info, packKey(exampleKey))
	f.Add("key+p", good)
	f.Add("key+q", good)
	f.Add("session+p+1", []byte("fob1 {\"kind\":\"session\",\"name\":\"p\"}\n"+strings.Repeat("x", 40)))
	f.Add("key+p", []byte("fob2 {}\n"))
	f.Fuzz(func(t *testing.T, file string, data []byte) {
		it, err := parseItem(file, data)
		var damaged *DamagedError
		var future *FutureError
		if err != nil {
			if !errors.As(err, &damaged) && !errors.As(err, &future) {
				t.Errorf("%T %v", err, err)
			}
			return
		}
		plain, err := it.open(key, h.ID)
		if err == nil && (file != "key+p" || it.info != info || !bytes.Equal(plain, encodeJSON(packKey(exampleKey)))) {
			t.Errorf("forged: %s %+v", file, it.info)
		}
	})
}

// frozenHeader is a store that is always the same.
func frozenHeader() (h header, vault []byte) {
	vault = make([]byte, keySize)
	for i := range vault {
		vault[i] = byte(i)
	}
	return header{Version: 1, ID: "000102030405060708090a0b0c0d0e0f", Gen: 7, Slots: []slot{{Name: "passphrase", Kind: "passphrase"}, {Name: "yubikey", Kind: "age", Recipients: []string{"age1x"}}}}, vault
}

// The format of version 1, frozen: a change here is a change of what users have on their disks.
func TestFrozen(t *testing.T) {
	h, vault := frozenHeader()
	k := deriveSubkeys(vault, h.ID)
	wantHeader := `{"fob":1,"id":"000102030405060708090a0b0c0d0e0f","gen":7,"slots":[{"name":"passphrase","kind":"passphrase"},{"name":"yubikey","kind":"age","recipients":["age1x"]}]}` + "\n" +
		"kgFlleXidwf40Qph9Uqa0GHRVAV8qtC-SRKEZefvNHk\n"
	if got := string(h.encode(k)); got != wantHeader {
		t.Errorf("header\n got %q\nwant %q", got, wantHeader)
	}
	if got, want := h.payload("passphrase", vault), "fob-vault-key-1 000102030405060708090a0b0c0d0e0f 7 passphrase AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"; got != want {
		t.Errorf("payload\n got %q\nwant %q", got, want)
	}
	box, err := base64.StdEncoding.DecodeString("DJJHfez2sxEy0MgBgXNaxs0piMNKgfss1AO847H+ClVwjPoI+7vUabPBrdPco1/PEwU9uY4BvleDEtUdIc+xir8MRRUA85HaxRtZVn+GJzqEQk/VeQvr9WmSi0A26EKicM96BcM/m/rUtZu+yr2XFTfBeHjAHtgtR2oUxsiVvOu60InezbYIUyxIRyoWFZ6RMHaHoYv513NBH52DAve02Kj21RXpqy/t/PJwERIL9fMtxQqHHi/cRpvVoQ+90vy3GHLS79d7vg+9ruePKdcqvug=")
	if err != nil {
		t.Fatal(err)
	}
	line := `fob1 {"kind":"session","name":"prod","key_id":"ASIAIOSFODNN7EXAMPLE","account":"111111111111","created":"2026-11-23T18:34:00Z","expires":"2026-11-23T19:34:00Z","rev":"R2","source_rev":"R1"}` + "\n"
	file := append([]byte(line), box...)
	it, err := parseItem("session+prod+0af1", file)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := it.open(k.items[KindSession], h.ID)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"v":1,"id":"ASIAIOSFODNN7EXAMPLE","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","token":"AQoDYXdzEJr1K","expires":"2026-11-23T19:34:00Z","account":"111111111111"}`; string(plain) != want {
		t.Errorf("record\n got %s\nwant %s", plain, want)
	}
}
