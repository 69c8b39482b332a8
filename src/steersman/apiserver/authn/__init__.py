"""Who asks? One file for each way of proving it, and the chain that tries them in turn."""

from steersman.apiserver.authn.chain import Authenticator
from steersman.apiserver.authn.serviceaccounts import Lookup, SecretLookup, ServiceAccountTokens
from steersman.apiserver.authn.settings import Anonymous, Authentication
from steersman.apiserver.authn.tokenfile import read_token_file
from steersman.apiserver.authn.users import ANONYMOUS

__all__ = [
    "ANONYMOUS",
    "Anonymous",
    "Authentication",
    "Authenticator",
    "Lookup",
    "SecretLookup",
    "ServiceAccountTokens",
    "read_token_file",
]
