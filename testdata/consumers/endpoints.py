# Prints where botocore calls services that have an endpoint configured, for each profile
# of a config file and several environments: a line of JSON for each.
import json
import sys

import botocore.configloader
from botocore.configprovider import ConfiguredEndpointProvider

SERVICES = ["sts", "iam", "sso", "sso-oidc", "signin", "ssm", "secretsmanager"]
ENVIRONMENTS = [
    {},
    {"AWS_ENDPOINT_URL": "https://all.example.com"},
    {"AWS_ENDPOINT_URL_%s": "https://one.example.com"},
    {"AWS_ENDPOINT_URL": "https://all.example.com", "AWS_ENDPOINT_URL_%s": "https://one.example.com"},
    {"AWS_ENDPOINT_URL_S3": "https://other.example.com"},
]

config = botocore.configloader.load_config(sys.argv[1])
for profile, section in config["profiles"].items():
    for service in SERVICES:
        name = {"secretsmanager": "SECRETS_MANAGER"}.get(service, service.upper().replace("-", "_"))
        for variables in ENVIRONMENTS:
            environ = {key.replace("%s", name): value for key, value in variables.items()}
            url = ConfiguredEndpointProvider(config, section, service, environ).provide()
            print(json.dumps({"profile": profile, "service": service, "environ": environ, "url": url or ""}))
