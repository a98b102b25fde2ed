package awsapi

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"fob/internal/creds"
	"fob/internal/plan"
)

// Identity is whose key it is, as GetCallerIdentity says.
type Identity struct{ Account, ARN string }

// Identity asks GetCallerIdentity.
func (c *Client) Identity(ctx context.Context, with creds.Session) (Identity, error) {
	r := &request{action: "GetCallerIdentity", with: with}
	out, err := call(ctx, c, r, &sts.GetCallerIdentityInput{}, c.sts.GetCallerIdentity)
	if err != nil {
		return Identity{}, err
	}
	if !printable(out.Account) || !printable(out.Arn) {
		return Identity{}, r.notAWS("no identity")
	}
	return Identity{Account: *out.Account, ARN: *out.Arn}, nil
}

// SessionToken carries out a plan's step; code is the MFA code if the step needs one.
func (c *Client) SessionToken(ctx context.Context, with creds.Session, step plan.SessionToken, code string) (creds.Session, error) {
	in := &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(int32(step.DurationSeconds))}
	if step.MFASerial != "" {
		in.SerialNumber, in.TokenCode = aws.String(step.MFASerial), aws.String(code)
	}
	r := &request{action: "GetSessionToken", with: with, secrets: []string{code}}
	out, err := call(ctx, c, r, in, c.sts.GetSessionToken)
	if err != nil {
		return creds.Session{}, err
	}
	return c.session(r, out.Credentials, with.AccountID)
}

// AssumeRole carries out a plan's step; code is the MFA code if the step needs one.
func (c *Client) AssumeRole(ctx context.Context, with creds.Session, step plan.AssumeRole, code string) (creds.Session, error) {
	in := &sts.AssumeRoleInput{
		RoleArn:           aws.String(step.RoleARN),
		RoleSessionName:   aws.String(step.RoleSessionName),
		DurationSeconds:   aws.Int32(int32(step.DurationSeconds)),
		ExternalId:        optional(step.ExternalID),
		SourceIdentity:    optional(step.SourceIdentity),
		Policy:            optional(step.Policy),
		PolicyArns:        policies(step.PolicyARNs),
		TransitiveTagKeys: step.TransitiveTagKeys,
	}
	for k, v := range step.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	if step.MFASerial != "" {
		in.SerialNumber, in.TokenCode = aws.String(step.MFASerial), aws.String(code)
	}
	r := &request{action: "AssumeRole", role: step.RoleARN, with: with, secrets: []string{code}}
	out, err := call(ctx, c, r, in, c.sts.AssumeRole)
	if err != nil {
		return creds.Session{}, err
	}
	return c.session(r, out.Credentials, accountOf(step.RoleARN))
}

// WebIdentity carries out a plan's step: it exchanges a token of somebody else's
// sign-in for a session of the step's role. The call is not signed. AWS may know a
// token, or the one who made it, only a moment later, so it is asked again about both.
func (c *Client) WebIdentity(ctx context.Context, step plan.WebIdentity, token creds.Secret) (creds.Session, error) {
	in := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn:          aws.String(step.RoleARN),
		RoleSessionName:  aws.String(step.RoleSessionName),
		DurationSeconds:  aws.Int32(int32(step.DurationSeconds)),
		Policy:           optional(step.Policy),
		PolicyArns:       policies(step.PolicyARNs),
		WebIdentityToken: aws.String(token.Reveal()),
	}
	r := &request{action: "AssumeRoleWithWebIdentity", role: step.RoleARN, secrets: []string{token.Reveal()},
		patience: []string{"InvalidIdentityToken", "IDPCommunicationError"}}
	out, err := call(ctx, c, r, in, c.sts.AssumeRoleWithWebIdentity)
	if err != nil {
		return creds.Session{}, err
	}
	return c.session(r, out.Credentials, accountOf(step.RoleARN))
}

// accountOf is the account of a role; other servers' roles have none.
func accountOf(role string) string {
	a, _ := plan.ParseARN(role)
	return a.Account
}

func policies(arns []string) (all []types.PolicyDescriptorType) {
	for _, arn := range arns {
		all = append(all, types.PolicyDescriptorType{Arn: aws.String(arn)})
	}
	return all
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// session checks the credentials in an answer before anything trusts them.
func (c *Client) session(r *request, got *types.Credentials, account string) (creds.Session, error) {
	switch {
	case got == nil:
		return creds.Session{}, r.notAWS("no credentials")
	case !printable(got.AccessKeyId) || !printable(got.SecretAccessKey) || !printable(got.SessionToken):
		return creds.Session{}, r.notAWS("malformed credentials")
	case got.Expiration == nil || !got.Expiration.After(c.now()): // by AWS's clock: ours may be wrong
		return creds.Session{}, r.notAWS("the credentials have already expired")
	}
	return creds.Session{
		Key:   creds.Key{ID: *got.AccessKeyId, Secret: creds.NewSecret(*got.SecretAccessKey)},
		Token: creds.NewSecret(*got.SessionToken),
		// If our clock is behind, the session would seem valid after it has expired. If
		// it is ahead, the session seems to expire early, which does no harm.
		Expires:   got.Expiration.Add(min(0, c.Skew())).UTC(),
		AccountID: account,
	}, nil
}

func printable(s *string) bool { return creds.IsPrintable(aws.ToString(s)) }

type operation[In, Out any] func(context.Context, *In, ...func(*sts.Options)) (*Out, error)

// call does one operation, and once more in the partition's home region if the
// regional endpoint does not know the key or is disabled.
func call[In, Out any](ctx context.Context, c *Client, r *request, in *In, do operation[In, Out]) (*Out, error) {
	ctx, end := c.begin(ctx)
	defer end()
	out, err := callIn(ctx, c, c.endpoint.Region, r, in, do)
	var refused *RefusedError
	if c.endpoint.URL != "" || c.endpoint.Region == c.endpoint.Home || !errors.As(err, &refused) ||
		refused.Code != "InvalidClientTokenId" && refused.Code != "RegionDisabledException" {
		return out, err
	}
	c.log("sts:%s in %s: %s; asking %s", r.action, c.endpoint.Region, refused.Code, c.endpoint.Home)
	out, atHome := callIn(ctx, c, c.endpoint.Home, r, in, do)
	if atHome == nil || errors.As(atHome, &refused) {
		return out, atHome
	}
	return nil, err
}

func callIn[In, Out any](ctx context.Context, c *Client, region string, r *request, in *In, do operation[In, Out]) (*Out, error) {
	ctx = r.begin(ctx, "STS in "+region)
	started := time.Now()
	out, err := do(ctx, in, func(o *sts.Options) {
		o.Region = region
		if len(r.patience) > 0 {
			o.Retryer = retry.AddWithErrorCodes(o.Retryer, r.patience...)
		}
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: r.with.ID, SecretAccessKey: r.with.Secret.Reveal(), SessionToken: r.with.Token.Reveal()}, nil
		})
	})
	c.log("sts:%s in %s %s: %s, %d ms", r.action, region, r.by(), r.words(outcome(err)), time.Since(started).Milliseconds())
	if err != nil {
		return nil, c.explain(ctx, r, err)
	}
	return out, nil
}
