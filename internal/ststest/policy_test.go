package ststest

import "testing"

func TestSessionAllows(t *testing.T) {
	const (
		all   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
		read  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*"],"Resource":"*"}]}`
		noS3  = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
		local = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":["iam:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1","eu-west-2"]}}}]}`
		only  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}]}`
	)
	for _, tt := range []struct {
		policies       []string
		action, region string
		want           bool
	}{
		{[]string{all}, "s3:GetObject", "eu-west-1", true},
		{[]string{read}, "s3:GetObject", "eu-west-1", true},
		{[]string{read}, "s3:PutObject", "eu-west-1", false},
		{[]string{read, all}, "s3:PutObject", "eu-west-1", true},
		{[]string{all, noS3}, "s3:GetObject", "eu-west-1", false},
		{[]string{all, noS3}, "ec2:RunInstances", "eu-west-1", true},
		{[]string{noS3}, "ec2:RunInstances", "eu-west-1", false},
		{[]string{local, read}, "s3:GetObject", "eu-west-2", true},
		{[]string{local, read}, "s3:GetObject", "us-east-1", false},
		{[]string{local, all}, "iam:GetUser", "us-east-1", true},
		{[]string{only}, "s3:GetObject", "eu-west-1", true},
		{[]string{only}, "s3:GetObject", "eu-west-2", false},
	} {
		if got, err := SessionAllows(tt.policies, tt.action, tt.region); got != tt.want || err != nil {
			t.Errorf("%s in %s with %q: %v, %v", tt.action, tt.region, tt.policies, got, err)
		}
	}
	for _, unknown := range []string{
		``, `{"Statement":[{"Effect":"Allow"}]}`, `{"statements":[]}`,
		`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b"}]}`,
		`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}`,
	} {
		if _, err := SessionAllows([]string{unknown}, "s3:GetObject", "eu-west-1"); err == nil {
			t.Errorf("%s was evaluated", unknown)
		}
	}
}
