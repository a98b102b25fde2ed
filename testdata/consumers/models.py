"""Signs in to Identity Center as a device, step by step and with mistakes, and says
for each call what boto3 found in the answer."""

import datetime
import os
import urllib.request

import boto3
from botocore.exceptions import ClientError

oidc, sso, signin = (boto3.client(name) for name in ("sso-oidc", "sso", "signin"))
device_grant = "urn:ietf:params:oauth:grant-type:device_code"


def refused(what, call, **parameters):
    try:
        call(**parameters)
    except ClientError as problem:
        answer = problem.response
        print(what, answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], *filter(None, [answer.get("error")]))
        modelled = type(problem).__name__
        if modelled not in (answer["Error"]["Code"], "ClientError"):
            print("  a", modelled)
    else:
        print(what, "no error")


refused("RegisterClient: public only:", oidc.register_client, clientName="models", clientType="confidential")
client = oidc.register_client(clientName="models", clientType="public", scopes=["sso:account:access"])
client = {name: client[name] for name in ("clientId", "clientSecret")}
refused("StartDeviceAuthorization:", oidc.start_device_authorization, startUrl="https://another.awsapps.com/start", **client)
device = oidc.start_device_authorization(startUrl=os.environ["START_URL"], **client)
print("StartDeviceAuthorization:", device["interval"], device["expiresIn"])
token = dict(client, grantType=device_grant, deviceCode=device["deviceCode"])
refused("CreateToken:", oidc.create_token, **token)
refused("CreateToken:", oidc.create_token, **token)
refused("CreateToken:", oidc.create_token, **dict(token, clientSecret="wrong"))

device = oidc.start_device_authorization(startUrl=os.environ["START_URL"], **client)
urllib.request.urlopen(device["verificationUriComplete"]).read()
token = dict(token, deviceCode=device["deviceCode"])
answer = oidc.create_token(**token)
print("CreateToken:", answer["tokenType"], answer["expiresIn"], "refreshable" if answer["refreshToken"] else "")
refused("CreateToken:", oidc.create_token, **token)

bearer = {"accessToken": answer["accessToken"]}
pages = sso.get_paginator("list_accounts").paginate(**bearer)
accounts = [account for page in pages for account in page["accountList"]]
print("ListAccounts:", ", ".join(a["accountId"] + " " + a["accountName"] for a in accounts))
first = dict(bearer, accountId=accounts[0]["accountId"])
refused("ListAccountRoles:", sso.list_account_roles, **first)
pages = sso.get_paginator("list_account_roles").paginate(**first)
roles = [role["roleName"] for page in pages for role in page["roleList"]]
print("ListAccountRoles:", ", ".join(roles))
refused("GetRoleCredentials:", sso.get_role_credentials, **dict(first, roleName="Nobody"))
credentials = sso.get_role_credentials(**dict(first, roleName=roles[0]))["roleCredentials"]
left = datetime.datetime.fromtimestamp(credentials["expiration"] / 1000) - datetime.datetime.now()
print("GetRoleCredentials:", ":".join(str(left).split(":")[:2]))
sso.logout(**bearer)
refused("GetRoleCredentials:", sso.get_role_credentials, **dict(first, roleName=roles[0]))
refused("CreateOAuth2Token:", signin.create_o_auth2_token, tokenInput={
    "clientId": "arn:aws:signin:::devtools/same-device", "grantType": "refresh_token", "refreshToken": "x"})
