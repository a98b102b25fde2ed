"""What aws configure get and aws configure set do with AWS files. Reads a question a
line and answers each with a line: the value that get finds, the files after set, and
all profiles as botocore reads them."""

import io
import json
import os
import sys
from types import SimpleNamespace

import botocore.session
from awscli.customizations.configure.get import ConfigureGetCommand
from awscli.customizations.configure.set import ConfigureSetCommand


def profiles():
    return botocore.session.Session(include_builtin_handlers=False).full_config['profiles']


def get(session, name):
    out = io.StringIO()
    code = ConfigureGetCommand(session, out, io.StringIO())._run_main(SimpleNamespace(varname=name), None)
    return {'value': out.getvalue()[:-1], 'code': code}


def answer(question, paths):
    for path, key in zip(paths, ('Config', 'Credentials')):
        with open(path, 'w', encoding='utf-8', newline='') as f:
            f.write(question[key])
    answer = {}
    try:
        answer['profiles'] = profiles()
        name = question['Name']
        if not name:
            return answer
        session = botocore.session.Session(profile=question['Profile'], include_builtin_handlers=False)
        if question['Set'] is None:
            answer.update(get(session, name))
        else:
            ConfigureSetCommand(session)._run_main(SimpleNamespace(varname=name, value=question['Set']), None)
            answer['profiles'] = profiles()
    except Exception as e:
        answer['error'] = f'{type(e).__name__}: {e}'.split('\n')[0]
    return answer


def main():
    directory = sys.argv[1]
    paths = [os.path.join(directory, name) for name in ('config', 'credentials')]
    os.environ['AWS_CONFIG_FILE'], os.environ['AWS_SHARED_CREDENTIALS_FILE'] = paths
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), paths)), flush=True)


main()
