"""What is noted down for the audit of a webhook's part in a request: whether it changed the object, and where it was done without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from steersman.apiserver.admission.framework import Review
from steersman.apiserver.audit.policy import PATCH_NOTE
from steersman.apiserver.webhook import conversation

if TYPE_CHECKING:
    from steersman.apiserver.webhook.conversation import Response

_MUTATION = "mutation.webhook.admission.k8s.io/"
_FAILED_MUTATING = "failed-open.mutation.webhook.admission.k8s.io/"
_FAILED_VALIDATING = "failed-open.validating.webhook.admission.k8s.io/"
Identity = tuple[str, str, int]
"""Of a webhook: its configuration, its name, its place there."""


def changed(review: Review, identity: Identity, index: int, change: Response | None) -> None:
    """A webhook has answered, with a change to the object or without one. The change itself is for audits that show objects."""
    place = f"round_{review.round}_index_{index}"
    said = {"configuration": identity[0], "webhook": identity[1]}
    review.annotations[_MUTATION + place] = _text({**said, "mutated": change is not None})
    if change is not None:
        patch = {"patch": conversation.patch_of(change), "patchType": change.patchType}
        review.annotations[PATCH_NOTE + place] = _text({**said, **patch})


def failed_open(review: Review, identity: Identity, index: int, *, mutating: bool) -> None:
    """A webhook could not be asked, and the request goes on without."""
    prefix = _FAILED_MUTATING if mutating else _FAILED_VALIDATING
    review.annotations[f"{prefix}round_{review.round if mutating else 0}_index_{index}"] = identity[1]


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
