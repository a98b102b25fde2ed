"""Runs one of AWS's Python programs with a stand-in for the part of awscrt that botocore
needs for console sign-ins: awscrt has code for each system, and botocore only recommends
it. The arguments are a Python file, or aws, and the program's own."""

import runpy
import sys

import botocore.credentials
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils


class EC:
    def __init__(self, key):
        self._key = key

    @classmethod
    def new_key_from_der_data(cls, der):
        return cls(serialization.load_der_private_key(der, password=None))

    def get_public_coords(self):
        point = self._key.public_key().public_numbers()
        return point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")

    def sign(self, digest):
        return self._key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))

    @staticmethod
    def decode_der_signature_to_padded_pair(signature, pad_to):
        r, s = utils.decode_dss_signature(signature)
        return r.to_bytes(pad_to, "big") + s.to_bytes(pad_to, "big")


botocore.credentials.EC = EC
program, sys.argv = sys.argv[1], sys.argv[1:]
if program == "aws":
    import awscli.clidriver

    sys.exit(awscli.clidriver.main())
runpy.run_path(program, run_name="__main__")
