"""Says who it is to AWS, with whatever boto3's default chain finds.

With an argument it does so every half second for that many seconds, as one
long program does, and says which access keys it had. After "keys" it says for each
profile which access key botocore finds, as far as that takes no call."""

import json
import sys
import time

import boto3

if sys.argv[1:2] == ["keys"]:
    found = {}
    for profile in sys.argv[2:]:
        try:
            credentials = boto3.Session(profile_name=profile).get_credentials()
            found[profile] = credentials.get_frozen_credentials().access_key
        except Exception as problem:
            found[profile] = type(problem).__name__
    print(json.dumps(found))
    sys.exit()

session = boto3.Session()
sts = session.client("sts")
end = time.monotonic() + float(sys.argv[1] if len(sys.argv) > 1 else 0)
keys = []
while True:
    arn = sts.get_caller_identity()["Arn"]
    credentials = session.get_credentials()
    frozen = credentials.get_frozen_credentials()
    if frozen.access_key not in keys:
        keys.append(frozen.access_key)
    if time.monotonic() >= end:
        break
    time.sleep(0.5)
# The time is botocore's own affair; nothing public tells it.
expires = getattr(credentials, "_expiry_time", None)
print(json.dumps({
    "arn": arn,
    "account": frozen.account_id,
    "expires": expires and expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "keys": keys,
}))
