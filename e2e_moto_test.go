//go:build unix

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"fob/internal/creds"
)

// A moto is moto's server, which imitates AWS and was not written with fob in mind: it
// must find in fob's calls what it looks for in every program's. It checks signatures and
// policies once it is strict.
type moto struct {
	url   string
	admin creds.Key
}

const (
	motoAccount = "123456789012"
	motoRegion  = "eu-west-1"
)

// newMoto starts a strict server, with a user who may do everything.
func newMoto(t *testing.T) *moto {
	m := &moto{url: startMoto(t)}
	m.admin = m.user(t, "admin")
	res, err := http.Post(m.url+"/moto-api/reset-auth", "text/plain", strings.NewReader("0"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	return m
}

// send makes a call as the admin, if there is one already: until then nobody checks.
func (m *moto) send(t *testing.T, service, region, target, body string) []byte {
	t.Helper()
	r, err := http.NewRequest("POST", m.url+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if target != "" {
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", target)
	}
	key := aws.Credentials{AccessKeyID: m.admin.ID, SecretAccessKey: m.admin.Secret.Reveal()}
	if key.AccessKeyID == "" {
		key = aws.Credentials{AccessKeyID: "nobody", SecretAccessKey: "none"}
	}
	hash := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), key, r, hex.EncodeToString(hash[:]), service, region, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s %v", service, target, res.Status, text, err)
	}
	return text
}

// iam calls IAM, with pairs of a parameter's name and value.
func (m *moto) iam(t *testing.T, answer any, action string, params ...string) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	text := m.send(t, "iam", "us-east-1", "", form.Encode())
	if answer == nil {
		return
	}
	if err := xml.Unmarshal(text, answer); err != nil {
		t.Fatal(err)
	}
}

// json calls a service that speaks JSON.
func (m *moto) json(t *testing.T, service, target string, in map[string]any) (out map[string]any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(m.send(t, service, motoRegion, target, string(body)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

const motoEverything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// user is a new user who may do everything, with an access key.
func (m *moto) user(t *testing.T, name string) creds.Key {
	t.Helper()
	m.iam(t, nil, "CreateUser", "UserName", name)
	m.iam(t, nil, "PutUserPolicy", "UserName", name, "PolicyName", "all", "PolicyDocument", motoEverything)
	return m.key(t, name)
}

func (m *moto) key(t *testing.T, user string) creds.Key {
	t.Helper()
	var made struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	m.iam(t, &made, "CreateAccessKey", "UserName", user)
	return creds.Key{ID: made.ID, Secret: creds.NewSecret(made.Secret)}
}

// keys lists a user's access keys, as "ID status".
func (m *moto) keys(t *testing.T, user string) (list []string) {
	t.Helper()
	var listed struct {
		Keys []struct {
			ID     string `xml:"AccessKeyId"`
			Status string
		} `xml:"ListAccessKeysResult>AccessKeyMetadata>member"`
	}
	m.iam(t, &listed, "ListAccessKeys", "UserName", user)
	for _, k := range listed.Keys {
		list = append(list, k.ID+" "+k.Status)
	}
	return list
}

// role is a role that the users of the account may assume, and that may do everything.
func (m *moto) role(t *testing.T, name string) (arn string) {
	t.Helper()
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	m.iam(t, nil, "CreateRole", "RoleName", name, "AssumeRolePolicyDocument", trust)
	m.iam(t, nil, "PutRolePolicy", "RoleName", name, "PolicyName", "all", "PolicyDocument", motoEverything)
	return "arn:aws:iam::" + motoAccount + ":role/" + name
}

// motoWorld is the home of a new user whose AWS is moto.
func motoWorld(t *testing.T, m *moto) *world {
	t.Helper()
	w := newWorld(t)
	var env []string
	for _, name := range w.AWS.Environ() {
		name, _, _ = strings.Cut(name, "=")
		env = append(env, name+"="+m.url)
	}
	w.AWS.Close() // nothing may call the other AWS
	return w.with(append(env, "FOB_BACKEND=file")...)
}

func TestMoto(t *testing.T) {
	t.Parallel()
	m := newMoto(t)
	for name, test := range map[string]func(*testing.T, *moto){
		"add":    motoAdd,
		"import": motoImport,
		"rotate": motoRotate,
		"values": motoValues,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, m)
		})
	}
}

// A key that moto checks, and a role on it.
func motoAdd(t *testing.T, m *moto) {
	key, w := m.user(t, "ada"), motoWorld(t, m)
	if got := creds.GuessAccount(key.ID); got != motoAccount {
		t.Errorf("the account in %s is %q", key.ID, got)
	}
	role := m.role(t, "ada-role")
	w.do(t, key.ID+"\n"+key.Secret.Reveal()+"\n", "add", "ada", "--stdin", "--region", motoRegion, "--mfa-serial", "none")
	w.do(t, "", "add", "deploy", "--source", "ada", "--role", role, "--region", motoRegion)
	holds(t, w.out(t, "exec", "deploy", "--", need(t, "aws", "--version"), "sts", "get-caller-identity"), ":assumed-role/ada-role/")
	wrong := "wJalrXUtnFEMI/K7MDENG/bPxRfiCYWRONGSECRET"
	if _, stderr, code := w.RunWith(key.ID+"\n"+wrong+"\n", "add", "other", "--stdin", "--region", motoRegion); code == 0 {
		t.Errorf("a wrong secret: %s", stderr)
	}
}

// Keys in plain text move into the store, and the AWS CLI works with them as before.
func motoImport(t *testing.T, m *moto) {
	eve, bob, w := m.user(t, "eve"), m.user(t, "bob"), motoWorld(t, m)
	role := m.role(t, "eve-role")
	section := func(name string, k creds.Key) string {
		return "[" + name + "]\naws_access_key_id = " + k.ID + "\naws_secret_access_key = " + k.Secret.Reveal() + "\n"
	}
	w.config(t, "[profile eve]\nregion = "+motoRegion+"\n\n[profile deploy]\nregion = "+motoRegion+"\nrole_arn = "+role+"\nsource_profile = eve\n")
	file := filepath.Join(w.Home, ".aws", "credentials")
	if err := os.WriteFile(file, []byte(section("eve", eve)+section("bob", bob)), 0o600); err != nil {
		t.Fatal(err)
	}
	holds(t, w.out(t, "import", "--yes"), "eve and deploy ask fob now", "bob asks fob now")
	if left := text(t, file); strings.Contains(left, "aws_") {
		t.Errorf("left in plain text: %s", left)
	}
	cli := exec.Command(need(t, "aws", "--version"), "sts", "get-caller-identity", "--profile", "deploy")
	cli.Env = w.Env
	out, err := cli.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	holds(t, string(out), ":assumed-role/eve-role/")
	if got := m.keys(t, "eve"); !slices.Equal(got, []string{eve.ID + " Active"}) {
		t.Errorf("eve's keys are %v", got)
	}
	// The age is IAM's.
	var listed []struct {
		Profile string
		Created time.Time `json:"key_created"`
	}
	if err := json.Unmarshal([]byte(w.out(t, "list", "--json")), &listed); err != nil {
		t.Fatal(err)
	}
	for _, p := range listed {
		if p.Profile != "deploy" && time.Since(p.Created).Abs() > time.Hour {
			t.Errorf("the key of %s was created %v", p.Profile, p.Created)
		}
	}
}

// A key is replaced: moto has the new one only, and knows the old one no more.
func motoRotate(t *testing.T, m *moto) {
	old, w := m.user(t, "rob"), motoWorld(t, m)
	role := m.role(t, "rob-role")
	w.do(t, old.ID+"\n"+old.Secret.Reveal()+"\n", "add", "rob", "--stdin", "--region", motoRegion, "--mfa-serial", "none")
	w.do(t, "", "add", "deploy", "--source", "rob", "--role", role, "--region", motoRegion)
	whoami := func() { // a new session each time, made with the key
		t.Helper()
		holds(t, w.out(t, "exec", "deploy", "--fresh", "--", need(t, "aws", "--version"), "sts", "get-caller-identity"), ":assumed-role/rob-role/")
	}
	whoami()
	// one is the user's key at the place in the list of all, with that status.
	one := func(n, of int, status string) string {
		t.Helper()
		keys := m.keys(t, "rob")
		if len(keys) != of {
			t.Fatalf("rob's keys are %v", keys)
		}
		id, ok := strings.CutSuffix(keys[n], " "+status)
		if !ok {
			t.Fatalf("rob's keys are %v", keys)
		}
		return id
	}

	holds(t, w.out(t, "rotate", "rob", "--keep-old"), "rob has a new key, AKIA")
	if got := one(0, 2, "Inactive"); got != old.ID {
		t.Errorf("%s is inactive", got)
	}
	second := one(1, 2, "Active")
	whoami()
	w.out(t, "rotate", "rob") // deletes what was kept
	if got := one(0, 1, "Active"); got != second {
		t.Errorf("%s is left", got)
	}
	whoami()
	w.out(t, "rotate", "rob")
	third := one(0, 1, "Active")
	whoami()
	if third == second || third == old.ID {
		t.Errorf("the key is still %s", third)
	}
	stored := w.out(t, "list", "--json")
	holds(t, stored, `"key_id": "`+third+`"`)
	if strings.Contains(stored, second) || strings.Contains(stored, old.ID) {
		t.Errorf("an old key is left in %s", stored)
	}

	// Two keys: fob deletes neither by itself.
	other := m.key(t, "rob")
	if _, stderr, code := w.Run("rotate", "rob"); code == 0 || !strings.Contains(stderr, other.ID) {
		t.Errorf("two keys: %d\n%s", code, stderr)
	}
	if keys := m.keys(t, "rob"); !slices.Equal(keys, []string{third + " Active", other.ID + " Active"}) {
		t.Errorf("rob's keys are %v", keys)
	}
	whoami()
}

// Variables of a command, from both of AWS's stores, with the session of a role.
func motoValues(t *testing.T, m *moto) {
	key, w := m.user(t, "val"), motoWorld(t, m)
	role := m.role(t, "val-role")
	w.do(t, key.ID+"\n"+key.Secret.Reveal()+"\n", "add", "val", "--stdin", "--region", motoRegion, "--mfa-serial", "none")
	w.do(t, "", "add", "app", "--source", "val", "--role", role, "--region", motoRegion)

	args := []string{"exec", "app"}
	var want []string
	ask := func(name, ref, value string) {
		args = append(args, "--secret", name+"="+ref)
		want = append(want, name+"="+value)
	}
	for i := range 12 { // more than a call takes
		name, value := fmt.Sprintf("/val/p%02d", i), fmt.Sprintf("parameter %d = \"x\"", i)
		m.json(t, "ssm", "AmazonSSM.PutParameter", map[string]any{"Name": name, "Value": value, "Type": "SecureString"})
		ask(fmt.Sprintf("P%02d", i), "ssm:"+name, value)
	}
	m.json(t, "ssm", "AmazonSSM.PutParameter", map[string]any{"Name": "/val/p00", "Value": "second", "Type": "SecureString", "Overwrite": true})
	m.json(t, "ssm", "AmazonSSM.PutParameter", map[string]any{"Name": "/val/list", "Value": "a,b", "Type": "StringList"})
	want[0] = "P00=second"
	ask("FIRST", "ssm:/val/p00:1", `parameter 0 = "x"`)
	ask("LIST", "{{resolve:ssm:/val/list}}", "a,b")
	for i := range 22 {
		name := fmt.Sprintf("val/s%02d", i)
		m.json(t, "secretsmanager", "secretsmanager.CreateSecret", map[string]any{"Name": name, "SecretString": fmt.Sprintf(`{"token":"t%d","n":7}`, i)})
		ask(fmt.Sprintf("S%02d", i), "secretsmanager:"+name+"#token", fmt.Sprintf("t%d", i))
	}
	made := m.json(t, "secretsmanager", "secretsmanager.CreateSecret", map[string]any{"Name": "val/whole", "SecretString": "all of it"})
	m.json(t, "secretsmanager", "secretsmanager.PutSecretValue", map[string]any{"SecretId": "val/whole", "SecretString": "newer"})
	ask("WHOLE", "secretsmanager:"+made["ARN"].(string), "newer")
	ask("BEFORE", "{{resolve:secretsmanager:val/whole:SecretString::AWSPREVIOUS}}", "all of it")

	got := strings.Split(w.out(t, append(args, "--", "env")...), "\n")
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("no %q", line)
		}
	}
	_, stderr, code := w.Run("exec", "app", "--secret", "A=ssm:/val/none", "--secret", "B=secretsmanager:val/none", "--secret", "C=ssm:/val/list", "--", "touch", "started")
	if code != exitExec {
		t.Errorf("exit code %d", code)
	}
	holds(t, stderr, "2 of 3 variables", "A (ssm:/val/none)", "B (secretsmanager:val/none)")
	if _, err := os.Stat(filepath.Join(w.Home, "started")); err == nil {
		t.Error("the command was started")
	}
}

// out is what fob prints when it succeeds.
func (w *world) out(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := w.Run(args...)
	if code != 0 {
		t.Fatalf("fob %q: %d\n%s", args, code, stderr)
	}
	return stdout
}
