"""Static tokens: a file of tokens and whose they are (`token_auth_file`), read once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from steersman.api.configuration import ConfigurationError
from steersman.api.http import User
from steersman.api.identities import authenticated
from steersman.apiserver.authn.users import Agnostic, Verdict

log = logging.getLogger(__name__)


class StaticTokens:
    """Tokens that are known by heart."""

    def __init__(self, users: Mapping[str, User], audiences: Agnostic) -> None:
        self._users = {token: authenticated(user) for token, user in users.items()}
        self._audiences = audiences

    def verdict(self, token: str, wanted: Sequence[str]) -> Verdict | None:
        user = self._users.get(token)
        if user is None:
            return None
        good = self._audiences.good_for(wanted)
        return None if good is None else Verdict(user, good)


def read_token_file(path: Path) -> dict[str, User]:
    """Static tokens, one a line: `token,user,uid[,"group1,group2"]`, as upstream's --token-auth-file.

    Raises ConfigurationError, which shows no token.
    """
    import csv

    users: dict[str, User] = {}
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            for number, row in enumerate(csv.reader(lines), 1):
                if not row or row[0].startswith("#"):
                    continue
                if len(row) < 3:
                    raise ConfigurationError(
                        f"token file '{path}' must have at least 3 columns (token, user name, user uid), found {len(row)}"
                    )
                token = row[0].strip()
                if not token or token in users:
                    what = "duplicate" if token else "empty"
                    log.warning("%s token has been found in token file '%s', record number '%d'", what, path, number)
                if token:
                    groups = tuple(g.strip() for g in row[3].split(",")) if len(row) > 3 and row[3] else ()
                    users[token] = User(row[1].strip(), groups, row[2].strip())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error):
        raise ConfigurationError(f"{path}: is no CSV file") from None
    return users
