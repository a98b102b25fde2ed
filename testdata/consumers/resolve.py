"""How botocore gets the credentials of profiles: see gosdk/resolve, which asks the
same of the Go SDK. Reads a question a line and answers each with a line. Nothing leaves
the computer: STS, Identity Center and the metadata services are replaced here."""

import datetime
import json
import os
import re
import shlex
import sys

import botocore.configloader as configloader
import botocore.credentials as credentials
import botocore.session
from botocore.utils import validate_region_name

FUTURE = datetime.datetime(2099, 1, 1, tzinfo=datetime.timezone.utc)
given = {}


def describe(id, secret, token):
    if id in given:
        return given[id]
    return {'source': '|'.join(['key ', id, secret, token or ''])}


def give(outcome):
    id = f'ASIAGIVEN{len(given)}'
    given[id] = outcome
    return id


class Client:
    def __init__(self, id=None, secret=None, token=None):
        self.source = None if id is None else describe(id, '-', token)

    def assume_role(self, **asked):
        return self.answer(self.source, asked)

    def assume_role_with_web_identity(self, **asked):
        return self.answer({'source': 'web ' + asked['WebIdentityToken']}, asked)

    def answer(self, source, asked):
        name = asked['RoleSessionName']
        role = {
            'arn': asked['RoleArn'],
            'external_id': asked.get('ExternalId', ''),
            'mfa_serial': asked.get('SerialNumber', ''),
            'name': '' if re.fullmatch(r'botocore-session-\d+', name) else name,
            'seconds': asked.get('DurationSeconds', 0),
        }
        id = give({**source, 'roles': [*source.get('roles', []), role]})
        return {
            'Credentials': {
                'AccessKeyId': id,
                'SecretAccessKey': 'x',
                'SessionToken': 'x',
                'Expiration': FUTURE,
            },
            'AssumedRoleUser': {'Arn': 'arn:aws:sts::111111111111:assumed-role/x/x'},
        }


class Portal:
    def __init__(self, settings):
        account, role = settings['sso_account_id'], settings['sso_role_name']
        sign_in = settings.get('sso_session') or settings['sso_start_url']
        self.id = give({'source': f'sso {account} {role} {sign_in} {settings["sso_region"]}'})

    def load(self):
        return credentials.Credentials(self.id, 'x', 'x')


def sso(provider):
    settings = provider._load_sso_config()
    if settings:
        provider._token_provider._load_sso_config()
        validate_region_name(settings['sso_region'])
        return Portal(settings).load()


def login(provider):
    profiles = provider._load_config().get('profiles', {})
    session = profiles.get(provider._profile_name, {}).get('login_session')
    if session is not None:
        return credentials.Credentials(give({'source': 'login ' + session.strip()}), 'x', 'x')


class Process(credentials.ProcessProvider):
    def _retrieve_credentials_using(self, command):
        if not shlex.split(command):
            raise ValueError('there is no program to start')
        return {'access_key': give({'source': 'process ' + command}), 'secret_key': 'x'}


def sts(session, service, region_name=None, aws_access_key_id=None, aws_secret_access_key=None, aws_session_token=None, **_):
    if region_name:
        validate_region_name(region_name)
    return Client(aws_access_key_id, aws_secret_access_key, aws_session_token)


def metadata(source):
    return lambda provider: credentials.Credentials(give({'source': source}), 'x', 'x')


credentials.create_nested_client = sts
credentials.FileWebIdentityTokenLoader = lambda path: lambda: path
credentials.InstanceMetadataFetcher = lambda **_: None
credentials.ProcessProvider = Process
credentials.SSOProvider.load = sso
credentials.LoginProvider.load = login
credentials.ContainerProvider.load = metadata('container')
credentials.InstanceMetadataProvider.load = metadata('imds')
credentials.AssumeRoleProvider.__init__.__defaults__ = (
    lambda prompt: '123456',
    *credentials.AssumeRoleProvider.__init__.__defaults__[1:],
)


parsed = {}
parse = configloader.raw_config_parse


def parse_once(path):
    """Parses each file of a question once, for all of its profiles."""
    if path not in parsed:
        try:
            parsed[path] = parse(path), None
        except Exception as e:
            parsed[path] = None, e
    sections, e = parsed[path]
    if e:
        raise e
    # A value that is nested by mistake is a dict, which nothing survives: no value here.
    nested = ('s3', 'sts')
    return {
        name: {k: v if isinstance(v, str) or k in nested else '' for k, v in values.items()}
        for name, values in sections.items()
    }


configloader.raw_config_parse = parse_once


def resolve(profile):
    outcome = {}
    try:
        session = botocore.session.Session(profile=profile, include_builtin_handlers=False)
        session.user_agent = lambda: ''
        outcome['region'] = session.get_config_variable('region') or ''
        found = credentials.create_credential_resolver(session, region_name=outcome['region']).load_credentials()
        found = found.get_frozen_credentials()
        outcome.update(describe(found.access_key, found.secret_key, found.token))
    except Exception as e:
        outcome['error'] = f'{type(e).__name__}: {e}'.split('\n')[0]
    return outcome


def main():
    directory = sys.argv[1]
    os.environ['HOME'] = directory
    files = [os.path.join(directory, name) for name in ('config', 'credentials')]
    os.environ['AWS_CONFIG_FILE'], os.environ['AWS_SHARED_CREDENTIALS_FILE'] = files
    for line in sys.stdin:
        question = json.loads(line)
        given.clear()
        parsed.clear()
        for file, key in zip(files, ('Config', 'Credentials')):
            with open(file, 'w', encoding='utf-8', newline='') as f:
                f.write(question[key])
        print(json.dumps({name: resolve(name) for name in question['Profiles']}), flush=True)


main()
