// Command gosdk prints who it is to AWS, with the credentials that the default chain of
// the AWS SDK for Go finds. With the argument timeout it prints how long the SDK lets a
// credential_process run, and after keys which access key it finds for each profile.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) == 2 && os.Args[1] == "timeout" {
		fmt.Println(processcreds.DefaultTimeout)
		return
	}
	ctx := context.Background()
	if len(os.Args) > 1 && os.Args[1] == "keys" {
		keys(ctx, os.Args[2:])
		return
	}
	conf, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	id, err := sts.NewFromConfig(conf).GetCallerIdentity(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	creds, err := conf.Credentials.Retrieve(ctx)
	if err != nil {
		log.Fatal(err)
	}
	doc := struct {
		ARN     string     `json:"arn"`
		Account string     `json:"account"`
		Expires *time.Time `json:"expires,omitempty"`
	}{ARN: *id.Arn, Account: creds.AccountID}
	if creds.CanExpire {
		doc.Expires = &creds.Expires
	}
	if err := json.NewEncoder(os.Stdout).Encode(doc); err != nil {
		log.Fatal(err)
	}
}

func keys(ctx context.Context, profiles []string) {
	found := map[string]string{}
	for _, profile := range profiles {
		conf, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile))
		if err == nil {
			var creds aws.Credentials
			creds, err = conf.Credentials.Retrieve(ctx)
			found[profile] = creds.AccessKeyID
		}
		if err != nil {
			found[profile] = "error"
			log.Printf("%s: %v", profile, err)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}
