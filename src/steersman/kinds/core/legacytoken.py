"""Service account tokens that Secrets keep: what is noted of their use, and where it stands since when that is done."""

from __future__ import annotations

from datetime import date
from typing import Final

TOKEN: Final = "token"
"""The Secret's key with the token."""
LAST_USED: Final = "kubernetes.io/legacy-token-last-used"
"""Label of a Secret: the day on which its token was last used."""
INVALID_SINCE: Final = "kubernetes.io/legacy-token-invalid-since"
"""Label of a Secret whose token nobody has used for long, and which is good for nothing from that day on."""
NAMESPACE: Final = "kube-system"
TRACKING: Final = "kube-apiserver-legacy-service-account-token-tracking"
"""ConfigMap that says since when uses are noted, under the key SINCE."""
SINCE: Final = "since"


def day_of(text: str) -> date | None:
    """A day as labels write it; None for anything else."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # Python reads more forms than the one that is written.
    return found if found.isoformat() == text else None
