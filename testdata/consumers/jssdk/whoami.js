// Says who it is to AWS, with whatever the SDK's default chain finds.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const client = new STSClient({});
const { Arn } = await client.send(new GetCallerIdentityCommand({}));
const { accountId, expiration } = await client.config.credentials();
console.log(JSON.stringify({ arn: Arn, account: accountId, expires: expiration }));
