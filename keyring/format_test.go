package keyring

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
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
func TestItem(t *testing.T) {
	key, other := make([]byte, keySize), make([]byte, keySize)
	rand.Read(key)
	file, err := fileName(KindKey, "prod")
	if err != nil {
		t.Fatal(err)
	}
	info := Info{Kind: KindKey, Name: "prod", KeyID: "AKIAIOSFODNN7EXAMPLE"}
	record := keyRecord{1, "AKIAIOSFODNN7EXAMPLE", "secret"}
	good := sealItem(key, "id", file, info, record)
	it, err := parseItem(file, good)
	var got keyRecord
	if err == nil {
		err = it.decode(key, "id", &got)
	}
	if err != nil || got != record || it.info != info {
		t.Fatal(err, got, it.info)
	}
	for name, err := range map[string]error{
		"another key":   it.decode(other, "id", &got),
		"another store": it.decode(key, "di", &got),
		"another name":  item{file: "key+dev", line: it.line, body: it.body}.decode(key, "id", &got),
		"another line":  item{file: file, line: it.line[1:], body: it.body}.decode(key, "id", &got),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		wantErr[*DamagedError](t, err)
	}
	// With one nonce for two texts, both could be read.
	nonces := map[string]bool{}
	for range 100 {
		it, err := parseItem(file, sealItem(key, "id", file, info, record))
		if err != nil {
			t.Fatal(err)
		}
		nonces[string(it.body[:chacha20poly1305.NonceSizeX])] = true
	}
	if len(nonces) != 100 {
		t.Errorf("%d nonces", len(nonces))
	}

	line, _, _ := bytes.Cut(good, []byte("\n"))
	least := chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
	with := func(old, new string) []byte { return bytes.Replace(good, []byte(old), []byte(new), 1) }
	for name, c := range map[string]struct {
		file string
		data []byte
	}{
		"another file":    {"key+dev", good},
		"no item's file":  {"prod", good},
		"another kind":    {file, sealItem(key, "id", file, Info{Kind: KindSeed, Name: "prod"}, record)},
		"a name inside":   {file, sealItem(key, "id", file, Info{Kind: KindKey, Name: "dev"}, record)},
		"no version":      {file, with("fob1 ", "fob ")},
		"version 01":      {file, with("fob1 ", "fob01 ")},
		"another magic":   {file, with("fob1 ", "bof1 ")},
		"no line end":     {file, line},
		"a cut body":      {file, append(append(bytes.Clone(line), '\n'), make([]byte, least-1)...)},
		"a header of 1":   {file, with("fob1 {", "fob1 1")},
		"an empty header": {file, with(string(line), "fob1 ")},
	} {
		if _, err := parseItem(c.file, c.data); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			wantErr[*DamagedError](t, err)
		}
	}
	_, err = parseItem(file, with("fob1 ", "fob2 "))
	wantErr[*FutureError](t, err)
	if _, err := parseItem(file, append(append(bytes.Clone(line), '\n'), make([]byte, least)...)); err != nil {
		t.Error(err) // it is not known to be damaged before it is opened
	}
	for _, plain := range []string{"", "x", "[]", `{"v":1,"id":1}`} {
		it, err := parseItem(file, sealLine(key, "id", file, line, []byte(plain)))
		if err != nil {
			t.Fatal(err)
		}
		wantErr[*DamagedError](t, it.decode(key, "id", &got))
	}
}

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

// An item that opens has the content that was sealed, no matter who wrote the file.
func FuzzItem(f *testing.F) {
	h, vault := frozenHeader() // the same in every process that fuzzes, so that seeds open
	key := deriveSubkeys(vault, h.ID).items[KindKey]
	info := Info{Kind: KindKey, Name: "p", Created: time.Unix(0, 0).UTC(), Rev: "r"}
	good := sealItem(key, h.ID, "key+p", info, packKey(exampleKey))
	f.Add("key+p", good)
	f.Add("key+q", good)
	f.Add("session+p+1", []byte("fob1 {\"kind\":\"session\",\"name\":\"p\"}\n"+strings.Repeat("x", 40)))
	f.Add("key+p", []byte("fob2 {}\n"))
	signIn := Info{Kind: KindToken, Name: "p", ID: "1", Created: time.Unix(0, 0).UTC(), Refresh: true, Rev: "r"}
	tokens := deriveSubkeys(vault, h.ID).items[KindToken]
	token := sealItem(tokens, h.ID, "token+p+1", signIn, packToken(exampleToken("1", portalEnds)))
	f.Add("token+p+1", token)
	f.Add("session+p+1", token)
	f.Add("token+p+1", bytes.Replace(token, []byte(`"refresh":true,`), nil, 1))
	rotation := sealItem(key, h.ID, "rotation+p", Info{Kind: KindRotation, Name: "p", KeyID: exampleKey.ID, Rev: "r"}, packRotation(exampleRotation()))
	f.Add("rotation+p", rotation)
	f.Add("key+p", bytes.Replace(rotation, []byte(`"kind":"rotation"`), []byte(`"kind":"key"`), 1))
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
		if err == nil && file == "rotation+p" && bytes.Equal(data, rotation) {
			return
		}
		if err == nil && (file != "key+p" || it.info != info || !bytes.Equal(plain, encodeJSON(packKey(exampleKey)))) {
			t.Errorf("forged: %s %+v", file, it.info)
		}
		plain, err = it.open(tokens, h.ID)
		if err == nil && (file != "token+p+1" || it.info != signIn || !bytes.Equal(plain, encodeJSON(packToken(exampleToken("1", portalEnds))))) {
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
	for _, tt := range []struct {
		file, line, box, record string
		again                   func(plain []byte) record
	}{
		{
			"session+prod+0af1",
			`fob1 {"kind":"session","name":"prod","key_id":"ASIAIOSFODNN7EXAMPLE","account":"111111111111","created":"2026-11-23T18:34:00Z","expires":"2026-11-23T19:34:00Z","rev":"R2","source_rev":"R1"}`,
			"DJJHfez2sxEy0MgBgXNaxs0piMNKgfss1AO847H+ClVwjPoI+7vUabPBrdPco1/PEwU9uY4BvleDEtUdIc+xir8MRRUA85HaxRtZVn+GJzqEQk/VeQvr9WmSi0A26EKicM96BcM/m/rUtZu+yr2XFTfBeHjAHtgtR2oUxsiVvOu60InezbYIUyxIRyoWFZ6RMHaHoYv513NBH52DAve02Kj21RXpqy/t/PJwERIL9fMtxQqHHi/cRpvVoQ+90vy3GHLS79d7vg+9ruePKdcqvug=",
			`{"v":1,"id":"ASIAIOSFODNN7EXAMPLE","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","token":"AQoDYXdzEJr1K","expires":"2026-11-23T19:34:00Z","account":"111111111111"}`,
			func(plain []byte) record {
				r := sessionRecord{}
				mustDecode(t, plain, &r)
				return packSession(r.unpack())
			},
		},
		{
			"token+corp+0af1",
			`fob1 {"kind":"token","name":"corp","account":"111111111111","arn":"arn:aws:iam::111111111111:user/jo","created":"2026-11-23T18:34:00Z","expires":"2026-11-23T19:34:00Z","refresh":true,"rev":"R3"}`,
			"+QiSGpfptx99Cl1FCDepDQienTPkvLWnO+Z1Z9zWWe9eepi9Y71YdfhqMQY3PVaodY0Tz1BogqGqYgCiJUk9XgkPmStkUbLZwWp6K5sh2yYGEjdjGktHisdbz3ybS06sOiiDv37nLXuM89kqgkEFey/6NRaxCksS4ZcXwFAhXPCnc/8PxW0GuOEjfDyr9XA/5I5DDx2wEKxaQw0TEWmUa/KFUyxZ2pvO/FC+XsfFREkhxE7YWy0ZEZAZpEYn7XAh3lxTDvUGORGPxNM2pJdKxnfwtqxLDPY29VDG06nsse+55kMTHwwWh7wwK/LDz04LETgLrvWVvREXSidgYHOrB5c9ecByjmkiCAlsXotMUQGykNhF1G8jL9n7kkm8Qpgcj73Ebg92dkrvKM0TbwaPWuHae0AK7vRs0rAYaZBaMEy0avdYluMZ/xuVvtr/i3ILnrFs1oK4yNlAqEcHjzjjmQHZx8NAOYjzcaYkP1cAUfCn25x1uwclgsF0Z3x13xhJ8lZwafAaQrrPtm1ewfYhGHwLWNXs/65UfQ82NUpTxm0gd4AyI45NQ8S2O8X+or2VP7gcxpGXbVaX1yoq6Z2caOHtpjlsP/GA8UnBLUXZQ6lFjx4=",
			`{"v":1,"access":"aoaAAAA","refresh":"aorAAAA","expires":"2026-11-23T19:34:00Z","client":{"id":"c1","secret":"eyJr","expires":"2027-02-21T18:34:00Z","grant":"authorization_code"},"session":{"v":1,"id":"ASIAIOSFODNN7EXAMPLE","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","token":"AQoDYXdzEJr1K","expires":"2026-11-23T18:49:00Z","account":"111111111111"},"dpop_key":"-----BEGIN EC PRIVATE KEY-----\n","id_token":"e30.e30.x"}`,
			func(plain []byte) record { r := tokenRecord{}; mustDecode(t, plain, &r); return packToken(r.unpack()) },
		},
		{
			"rotation+prod",
			`fob1 {"kind":"rotation","name":"prod","key_id":"AKIAI44QH8DHBEXAMPLE","account":"111111111111","arn":"arn:aws:iam::111111111111:user/jo","created":"2026-11-30T19:00:00Z","key_created":"2026-11-30T19:00:00Z","rev":"R4"}`,
			"6grQsvJThFMto5ryQSZRBgZZxrxM7Y8Vz327p0OiisVELGi6fJSLsr/vVXYyIEuyuBRPD3pzZHnzdOoS3P7oNefC5Rfuk6P6IX6wrCxLWfTbA0D5jovRsVKo8IyxIiwOotpowiU1P5e4XqGYvBkwm2+hWey75VJlkx4KJ1S2VOkNPYNcysQYA6v0dwpQDwREOfHaEjwJAEmO7yluaQ1oiVsCuSj+srT+AgzBJMjnYM0BijQ0SEhhPESijcvd8sjc2q2zjgAkJYb1DU3rcXkdd+noaMri9rHfzMzDVb3XSEW/PRcSxWCIGrpa5FAuuymm3XCYBphEpnV6ebj1MCkhRvLYIwY5Ejl/XZeFXab8FXOGCDWZ+pdupxH1G8ymGPE7c2eP4Bdz9r4NjXuGGomf/0nevjLgc7XIFOKQ7McXM2u+zjI8lqX1CU/GbFUn5l7K5sz9qK2SgP3O9dmEUsBnkE3Lf46Xh6pLFyvQCBerKJPioLuuTOqbe2EBOGLaH/c41rwAtK0hKN229Xkr3Q/5J5rB2m8F3hx9cPlgFUXWq7OeTLSAIro1RI45IFCd6Na2XrSL8MP0i+xKC7UGeIZZ0G9LsOhJsw==",
			`{"v":1,"step":"created","old":{"id":"AKIAIOSFODNN7EXAMPLE","secret":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},"new":{"id":"AKIAI44QH8DHBEXAMPLE","secret":"je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"},"user":"jo","account":"111111111111","began":"2026-11-30T19:00:00Z","created":"2026-11-30T19:00:01Z","switched":"2026-11-30T19:00:02Z","deactivated":"2026-11-30T19:00:03Z","keep_old":true,"profiles":["prod","dev"]}`,
			func(plain []byte) record {
				r := rotationRecord{}
				mustDecode(t, plain, &r)
				return packRotation(r.unpack())
			},
		},
		{
			"retired+509fb6eca3ddebc7f01a933a7c214755",
			`fob1 {"kind":"retired","name":"509fb6eca3ddebc7f01a933a7c214755","created":"2026-11-30T19:00:00Z","rev":"R5"}`,
			"ExDg9NrlSiJEijbQ2sBOj+WaCOPW75f0OiL0GHedNzTHBl5d1qLE+/6Uy4LWwyXa/ZkbfegVujMohLxnHHS49M/MeMWP1RHvKEDRW3tZKDxhBnblJG8BKr1bx7IuEcs6CIKpCruZTtolvkxW8+dKJNmnox7F5Yw0iQcCIkx4rZ7Fax9NwdfKbt5XJC53xH2WSa57mVtAgFxG9m6ZVlht4Rx3VRf9YC+D2kdAkBuecfLzgKAqvUuqH9ElMoHwo86gaie401onY25lLPWJRW7wWQAkY4dAXRIJ6nVXzM8qpIAIT8aqkIntUI91cH4phh4t7Wd1vHdeo2G+7HSAYJ6fRh4EzKZL/R9N5Q+2Tf3LQ/MTWkusEl5IuaQZxP9YpypODXhdZ9lw1bQ3by8aEn+gqoFgyeFppL9w3sRWoTbD",
			`{"v":1,"profile":"prod","when":"2026-11-30T19:00:00Z","why":"rotated","hash_key":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=","id":{"length":20,"hmac":"UJ+27KPd68fwGpM6fCFHVRPPVJSHu/DVAqcbhlG4Eqo="},"secret":{"length":40,"hmac":"7/WQMnIjdGYGUahypcl1QDcL8ymcPgPviQXWNOI9je0="}}`,
			func(plain []byte) record { r := retiredRecord{}; mustDecode(t, plain, &r); return r },
		},
		{
			"backup+1",
			`fob1 {"kind":"backup","name":"1","created":"2026-11-30T19:00:00Z","rev":"R6"}`,
			"Ia0Z5PjvqY+os7KNxznx8PLAnRBcSwc4yyngEaHXdGb51JhbL0mvRwvknivYhZH+nkT2dUS3ki1pbr27MCIH1IBT8EDZgYH0bMHOt3mFxKTkzToYU2XCwS8uVIqRxndH/1SM643NFMrhvC8xBLnAHspW5tBpGEvAy7C32gIY5x4qRlERt3iPx/RnpenUHS1U3ed4VV8pR+Vyk9q8KRFnrMZ9PEuoUCcu+iZV7/JTdLalJ6ynqpi3jGlZFyUGHik=",
			`{"v":1,"files":[{"path":"/home/jo/.aws/credentials","mode":384,"text":"W2Fd/wo=","after":"W2FdCg=="}],"profiles":["a"],"keys":["AKIAIOSFODNN7EXAMPLE"]}`,
			func(plain []byte) record {
				r := backupRecord{}
				mustDecode(t, plain, &r)
				return packBackup(r.unpack())
			},
		},
	} {
		box, err := base64.StdEncoding.DecodeString(tt.box)
		if err != nil {
			t.Fatal(err)
		}
		it, err := parseItem(tt.file, append([]byte(tt.line+"\n"), box...))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := it.open(k.items[it.info.Kind], h.ID)
		if err != nil {
			t.Fatal(err)
		}
		if string(plain) != tt.record {
			t.Errorf("record\n got %s\nwant %s", plain, tt.record)
		}
		if again := string(encodeJSON(tt.again(plain))); again != tt.record {
			t.Errorf("written again\n got %s\nwant %s", again, tt.record)
		}
		if again := "fob1 " + string(encodeJSON(it.info)); again != tt.line {
			t.Errorf("header line written again\n got %s\nwant %s", again, tt.line)
		}
	}
}

func mustDecode(t *testing.T, plain []byte, r any) {
	t.Helper()
	if err := decodeRecord("session+x+1", plain, r); err != nil {
		t.Fatal(err)
	}
}
