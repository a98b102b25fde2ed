// Command whoami asks STS for the identity of the credentials in the environment.
// make demo uses it on machines without the AWS CLI.
//
// It reads AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
// AWS_REGION and AWS_ENDPOINT_URL_STS and nothing else: no profile, no file.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "whoami: error:", err)
		os.Exit(1)
	}
}

// run prints the identity as the AWS CLI does.
func run(ctx context.Context, getenv func(string) string, stdout io.Writer) error {
	c := aws.Credentials{
		AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    getenv("AWS_SESSION_TOKEN"),
	}
	if !c.HasKeys() {
		return errors.New("no credentials in the environment")
	}
	options := sts.Options{
		Region:      getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil }),
	}
	if options.Region == "" {
		options.Region = "us-east-1"
	}
	if url := getenv("AWS_ENDPOINT_URL_STS"); url != "" {
		options.BaseEndpoint = &url
	}
	id, err := sts.New(options).GetCallerIdentity(ctx, nil)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(stdout)
	enc.SetIndent("", "    ")
	return enc.Encode(struct {
		UserID  string `json:"UserId"`
		Account string
		ARN     string `json:"Arn"`
	}{aws.ToString(id.UserId), aws.ToString(id.Account), aws.ToString(id.Arn)})
}
