//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// dialect is a server that speaks a part of STS, as its documentation says.
type dialect struct {
	name string
	// knows are its actions; others get the answer unknown.
	knows   []string
	unknown func(action string) (status int, contentType, body string)
	// identity is what GetCallerIdentity answers.
	identity, account string
	id, secret        string // of its example key
	role              string // in its example form
}

func stsError(code, message string) (int, string, string) {
	return http.StatusBadRequest, "application/xml", `<?xml version="1.0" encoding="UTF-8"?><ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type></Type><Code>` + code +
		`</Code><Message>` + message + `</Message></Error><RequestId>17</RequestId></ErrorResponse>`
}

// dialects: MinIO's AssumeRole takes any role and has no other action for a key. Ceph's
// errors are S3's, and its roles have no account. SeaweedFS has roles without the
// account's field. LocalStack takes every key, as that of a root user.
var dialects = []dialect{
	{
		name: "minio", knows: []string{"AssumeRole"}, id: "minioadmin", secret: "minioadmin", role: "arn:xxx:xxx:xxx:xxxx",
		unknown: func(action string) (int, string, string) {
			return stsError("InvalidParameterValue", "Unsupported action "+action)
		},
	},
	{
		name: "ceph", knows: []string{"AssumeRole", "GetSessionToken"}, id: "TESTER", secret: "test123", role: "arn:aws:iam:::role/S3Access",
		unknown: func(string) (int, string, string) {
			return http.StatusMethodNotAllowed, "application/xml", `<?xml version="1.0" encoding="UTF-8"?><Error><Code>MethodNotAllowed</Code><Message></Message><RequestId>tx0</RequestId><HostId>default</HostId></Error>`
		},
	},
	{
		name: "seaweedfs", knows: []string{"AssumeRole", "GetCallerIdentity"}, identity: "arn:aws:iam::000000000000:user/admin", account: "000000000000",
		id: "admin_access_key", secret: "admin_secret_key", role: "arn:aws:iam::role/S3AdminRole",
		unknown: func(action string) (int, string, string) {
			return stsError("InvalidAction", "unsupported action: "+action)
		},
	},
	{
		name: "localstack", knows: []string{"AssumeRole", "GetCallerIdentity", "GetSessionToken"}, identity: "arn:aws:iam::000000000000:root", account: "000000000000",
		id: "test", secret: "test", role: "arn:aws:iam::000000000000:role/demo",
	},
}

// serve starts the server. calls are what it was asked, and by which key.
func (d dialect) serve(t *testing.T) (address string, calls func() []string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		action := form.Get("Action")
		mu.Lock()
		all = append(all, action)
		mu.Unlock()
		status, contentType, text := http.StatusOK, "application/xml", ""
		credentials := fmt.Sprintf("<Credentials><AccessKeyId>TEMPORARY%d</AccessKeyId><SecretAccessKey>temporary</SecretAccessKey><SessionToken>eyJ.token</SessionToken><Expiration>%s</Expiration></Credentials>",
			len(all), time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		switch {
		case !strings.Contains(r.Header.Get("Authorization"), "Credential="+d.id+"/"):
			status, contentType, text = http.StatusForbidden, "application/xml", `<Error><Code>InvalidAccessKeyId</Code></Error>`
		case !slices.Contains(d.knows, action):
			status, contentType, text = d.unknown(action)
		case action == "GetCallerIdentity":
			text = "<Arn>" + d.identity + "</Arn><UserId>1</UserId><Account>" + d.account + "</Account>"
		case action == "AssumeRole" && form.Get("RoleArn") != d.role:
			status, contentType, text = http.StatusForbidden, "application/xml", `<Error><Code>AccessDenied</Code></Error>`
		default:
			text = credentials
		}
		if status == http.StatusOK {
			text = fmt.Sprintf(`<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, text)
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		got := all
		all = nil
		return got
	}
}

// With an endpoint that is not AWS's, fob takes the keys and roles of that server, says
// that they are not AWS's, and names the ways that work where the server knows less.
// These are the recipes of doc/recipes.md.
func TestDialects(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).with("AWS_ENDPOINT_URL_STS=", "AWS_ENDPOINT_URL_IAM=")
			address, calls := d.serve(t)
			key := d.id + "\n" + d.secret + "\n"
			run := func(want int, args ...string) (stdout, stderr string) {
				t.Helper()
				stdout, stderr, code := w.RunWith(key, args...)
				if code != want {
					t.Fatalf("fob %q: exit code %d\n%s%s", args, code, stdout, stderr)
				}
				return stdout, stderr
			}
			says := func(stderr string, words ...string) {
				t.Helper()
				for _, word := range words {
					if !strings.Contains(stderr, word) {
						t.Errorf("no %q in\n%s", word, stderr)
					}
				}
			}

			// Without the endpoint these are AWS's rules.
			if len(d.id) < 16 || strings.ToUpper(d.id) != d.id {
				_, stderr := run(exitUsage, "add", "store", "--stdin", "--no-verify")
				says(stderr, "not an access key ID", "hint: for a server other than AWS, set endpoint_url in the profile first")
			}
			w.config(t, "[profile store]\nregion = us-east-1\nendpoint_url = "+address+"\n")

			if slices.Contains(d.knows, "GetCallerIdentity") && d.name != "localstack" {
				run(0, "add", "store", "--stdin", "--mfa-serial", "none")
			} else {
				if d.name != "localstack" { // its key is a root user's
					_, stderr := run(exitRefused, "add", "store", "--stdin")
					says(stderr, "refused GetCallerIdentity: ", "hint: if this server does not know GetCallerIdentity: fob add PROFILE --no-verify")
				}
				_, stderr := run(0, "add", "store", "--stdin", "--no-verify")
				says(stderr, "warning: this access key ID is not in AWS's form")
			}
			calls()

			// A session of the user, where there are any.
			if slices.Contains(d.knows, "GetSessionToken") {
				out, _ := run(0, "export", "store")
				says(out, `"AccessKeyId":"TEMPORARY`)
			} else {
				_, stderr := run(exitExec, "exec", "store", "--", "true")
				says(stderr, "refused GetSessionToken: ", "--role ARN", "hint: fob exec store --no-session")
				out, _ := run(0, "exec", "store", "--no-session", "--", "sh", "-c", "echo $AWS_ACCESS_KEY_ID")
				says(out, d.id)
			}
			if got := calls(); !slices.Equal(got, []string{"GetSessionToken"}) {
				t.Errorf("calls %q", got)
			}

			// A role in the server's form. Nothing is known about its account, unless it has one.
			run(0, "add", "app", "--source", "store", "--role", d.role)
			out, _ := run(0, "exec", "app", "--", "sh", "-c", "echo $AWS_ACCESS_KEY_ID,$AWS_ACCOUNT_ID")
			if d.name == "localstack" {
				says(out, "TEMPORARY", ",000000000000\n")
			} else {
				says(out, "TEMPORARY", ",\n")
				out, _ = run(0, "explain", "app")
				says(out, d.role+" is not a role ARN of AWS; it goes to the profile's endpoint as it is")
			}
			run(0, "export", "app")
			if got := calls(); !slices.Equal(got, []string{"AssumeRole"}) {
				t.Errorf("calls %q", got)
			}

			// A refusal in the server's own form.
			w.config(t, "[profile other]\nendpoint_url = "+address+"\nfob_source_profile = store\nfob_role_arn = arn:aws:iam:::role/Other\n")
			_, stderr := run(exitRefused, "export", "other")
			says(stderr, "127.0.0.1", " refused AssumeRole for arn:aws:iam:::role/Other: AccessDenied (HTTP status 403)")

			// The same role without the endpoint is not one.
			w.config(t, "[profile aws]\nfob_source_profile = store\nfob_role_arn = arn:aws:iam:::role/Other\n")
			_, stderr = run(exitFailed, "export", "aws")
			says(stderr, `"arn:aws:iam:::role/Other" is not a role ARN`)
		})
	}
}
