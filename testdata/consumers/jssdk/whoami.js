// Says who it is to AWS, with whatever the SDK's default chain finds. After "keys" it
// says for each profile which access key the SDK finds.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

if (process.argv[2] === "keys") {
  const found = {};
  for (const profile of process.argv.slice(3)) {
    try {
      found[profile] = (await new STSClient({ profile }).config.credentials()).accessKeyId;
    } catch (problem) {
      found[profile] = problem.name;
    }
  }
  console.log(JSON.stringify(found));
  process.exit();
}
const client = new STSClient({});
const { Arn } = await client.send(new GetCallerIdentityCommand({}));
const { accountId, expiration } = await client.config.credentials();
console.log(JSON.stringify({ arn: Arn, account: accountId, expires: expiration }));
