// Command resolve says how the AWS SDK for Go gets the credentials of profiles: from
// what source, through which roles, for which region. It reads a JSON object a line,
// with the text of both AWS files and names of profiles, and answers each with a line.
// Nothing leaves the computer: it answers the SDK's requests itself. Run as "sh", it
// stands in for the shell that the SDK starts for a credential_process.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/logincreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
)

type question struct {
	Config, Credentials string
	Profiles            []string
}

type outcome struct {
	Error  string `json:"error,omitempty"` // what the SDK says; its first line
	Source string `json:"source,omitempty"`
	Roles  []role `json:"roles,omitempty"`
	Region string `json:"region,omitempty"`
}

type role struct {
	ARN        string `json:"arn"`
	ExternalID string `json:"external_id,omitempty"`
	MFASerial  string `json:"mfa_serial,omitempty"`
	Name       string `json:"name,omitempty"`
	Seconds    int    `json:"seconds,omitempty"`
}

// noRegion stands for no region: without any, the SDK would not call STS.
const noRegion = "no-region-1"

func main() {
	log.SetFlags(0)
	if filepath.Base(os.Args[0]) == "sh" {
		fmt.Printf(`{"Version":1,"AccessKeyId":"PROCESS%s","SecretAccessKey":"x"}`, hex.EncodeToString([]byte(os.Args[2])))
		return
	}
	dir := os.Args[1]
	if err := prepare(dir); err != nil {
		log.Fatal(err)
	}
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		var q question
		if err == nil {
			err = json.Unmarshal(line, &q)
		}
		if err != nil {
			log.Fatal(err)
		}
		answers := map[string]outcome{}
		files := [2]string{filepath.Join(dir, "config"), filepath.Join(dir, "credentials")}
		for i, text := range []string{q.Config, q.Credentials} {
			if err := os.WriteFile(files[i], []byte(text), 0o600); err != nil {
				log.Fatal(err)
			}
		}
		for _, name := range q.Profiles {
			answers[name] = resolve(files, name)
		}
		if err := out.Encode(answers); err != nil {
			log.Fatal(err)
		}
	}
}

// container is the access key ID that the container's endpoint gives, which the SDK asks
// over a client of its own.
const container = "ASIACONTAINER"

// prepare makes a home for sign-ins, a directory in which this program is sh, and an
// endpoint for the credentials of containers.
func prepare(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bin := filepath.Join(dir, "bin")
	for _, d := range []string{bin, filepath.Join(dir, ".aws", "sso", "cache"), filepath.Join(dir, ".aws", "login", "cache")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	if err := os.Symlink(self, filepath.Join(bin, "sh")); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, given(container))
	}))
	return errors.Join(os.Setenv("PATH", bin), os.Setenv("HOME", dir),
		os.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://"+listener.Addr().String()+"/"))
}

// signIn leaves the sign-ins that a profile and its sources need where aws sso login and
// aws login would. What they give says which sign-in it is from.
func signIn(files [2]string, profile string) error {
	shared, err := config.LoadSharedConfigProfile(context.Background(), profile, func(o *config.LoadSharedConfigOptions) {
		o.ConfigFiles, o.CredentialsFiles = files[:1], files[1:]
	})
	if err != nil {
		return nil // LoadDefaultConfig says so
	}
	for s := &shared; s != nil; s = s.Source {
		if session := cmp.Or(s.SSOSessionName, s.SSOStartURL); session != "" {
			path, err := ssocreds.StandardCachedTokenFilepath(session)
			if err != nil {
				return err
			}
			token := fmt.Sprintf(`{"accessToken":%q,"expiresAt":"2099-01-01T00:00:00Z"}`, hex.EncodeToString([]byte(session)))
			if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
				return err
			}
		}
		if s.LoginSession != "" {
			path, err := logincreds.StandardCachedTokenFilepath(s.LoginSession, "")
			if err != nil {
				return err
			}
			id := "LOGIN" + hex.EncodeToString([]byte(strings.TrimSpace(s.LoginSession)))
			token := fmt.Sprintf(`{"accessToken":{"accessKeyId":%q,"secretAccessKey":"x","sessionToken":"x","accountId":"111111111111","expiresAt":"2099-01-01T00:00:00Z"},"clientId":"x","refreshToken":"x","dpopKey":"x"}`, id)
			if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

func resolve(files [2]string, profile string) (o outcome) {
	defer func() {
		if r := recover(); r != nil { // the SDK does on a value of one quote
			o = outcome{Error: fmt.Sprint("panic: ", r)}
		}
	}()
	ctx := context.Background()
	w := world{}
	if err := signIn(files, profile); err != nil {
		return failure(err)
	}
	conf, err := config.LoadDefaultConfig(ctx,
		config.WithSharedConfigFiles(files[:1]), config.WithSharedCredentialsFiles(files[1:]),
		config.WithSharedConfigProfile(profile), config.WithDefaultRegion(noRegion),
		config.WithHTTPClient(w), config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
			o.TokenProvider = func() (string, error) { return "123456", nil }
		}),
		config.WithWebIdentityRoleCredentialOptions(func(o *stscreds.WebIdentityRoleOptions) {
			if file, ok := o.TokenRetriever.(stscreds.IdentityTokenFile); ok {
				o.TokenRetriever = webToken(file)
			}
		}))
	if err != nil {
		return failure(err)
	}
	creds, err := conf.Credentials.Retrieve(ctx)
	if err != nil {
		return failure(err)
	}
	o = w.outcome(creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken)
	if conf.Region != noRegion {
		o.Region = conf.Region
	}
	return o
}

// webToken stands for the content of a token's file.
type webToken string

func (t webToken) GetIdentityToken() ([]byte, error) { return []byte(t), nil }

func failure(err error) outcome {
	first, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
	return outcome{Error: first}
}

// world is AWS. It remembers what the credentials that it gave out came from.
type world map[string]outcome

func (w world) outcome(id, secret, token string) outcome {
	if o, ok := w[id]; ok {
		return o
	}
	if id == container {
		return outcome{Source: "container"}
	}
	for _, kind := range []string{"process", "login"} {
		if what, ok := strings.CutPrefix(id, strings.ToUpper(kind)); ok {
			if b, err := hex.DecodeString(what); err == nil {
				return outcome{Source: kind + " " + string(b)}
			}
		}
	}
	return outcome{Source: strings.Join([]string{"key ", id, secret, token}, "|")}
}

func (w world) give(o outcome) (id string) {
	id = fmt.Sprintf("ASIAGIVEN%d", len(w))
	w[id] = o
	return id
}

func (w world) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	form, _ := url.ParseQuery(string(body))
	answer := ""
	switch path := r.URL.Path; {
	case form.Get("Action") != "":
		_, id, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		id, _, _ = strings.Cut(id, "/")
		o := w.outcome(id, "-", r.Header.Get("X-Amz-Security-Token"))
		seconds, _ := strconv.Atoi(form.Get("DurationSeconds"))
		step := role{form.Get("RoleArn"), form.Get("ExternalId"), form.Get("SerialNumber"), form.Get("RoleSessionName"), seconds}
		if _, err := strconv.Atoi(strings.TrimPrefix(step.Name, "aws-go-sdk-")); err == nil {
			step.Name = ""
		}
		action := form.Get("Action")
		if action == "AssumeRoleWithWebIdentity" {
			o = outcome{Source: "web " + form.Get("WebIdentityToken")}
			if _, err := strconv.Atoi(step.Name); err == nil {
				step.Name = ""
			}
		}
		o.Roles = append(o.Roles[:len(o.Roles):len(o.Roles)], step)
		answer = fmt.Sprintf(`<%sResponse><%sResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>x</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::111111111111:assumed-role/x/x</Arn><AssumedRoleId>x</AssumedRoleId></AssumedRoleUser></%sResult></%sResponse>`,
			action, action, w.give(o), action, action)
	case path == "/federation/credentials":
		q := r.URL.Query()
		if q.Get("account_id") == "" || q.Get("role_name") == "" {
			return nil, errors.New("an account and a role are needed")
		}
		session, _ := hex.DecodeString(r.Header.Get("X-Amz-Sso_bearer_token"))
		region, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Hostname(), "portal.sso."), ".")
		id := w.give(outcome{Source: strings.Join([]string{"sso", q.Get("account_id"), q.Get("role_name"), string(session), region}, " ")})
		answer = fmt.Sprintf(`{"roleCredentials":{"accessKeyId":%q,"secretAccessKey":"x","sessionToken":"x","expiration":4070908800000}}`, id)
	case path == "/latest/api/token":
		answer = "token"
	case strings.HasPrefix(path, "/latest/meta-data/iam/security-credentials/role"):
		answer = given(w.give(outcome{Source: "imds"}))
	case strings.HasPrefix(path, "/latest/meta-data/iam/security-credentials"):
		answer = "role"
	default:
		return nil, fmt.Errorf("unexpected request: %s %s", r.Method, r.URL)
	}
	return &http.Response{
		StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", Request: r,
		Header: http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"21600"}},
		Body:   io.NopCloser(strings.NewReader(answer)),
	}, nil
}

func given(id string) string {
	return fmt.Sprintf(`{"Code":"Success","AccessKeyId":%q,"SecretAccessKey":"x","Token":"x","Expiration":"2099-01-01T00:00:00Z"}`, id)
}
