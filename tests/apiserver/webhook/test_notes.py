"""What audits are told of webhooks."""

from __future__ import annotations

import base64
import json

from steersman.api.http import User
from steersman.api.meta import Resource
from steersman.apiserver.admission.framework import CREATE, Review
from steersman.apiserver.webhook import notes
from steersman.apiserver.webhook.conversation import Response

IDENTITY = ("config", "hook.example.com", 0)


def review() -> Review:
    return Review(CREATE, Resource("", "v1", "pods", "Pod", True), "", "default", "a", None, None, User("ada"))


def test_changes_and_that_there_were_none() -> None:
    written = review()
    notes.changed(written, IDENTITY, 0, None)
    operations = [{"op": "add", "path": "/a", "value": 1}]
    answer = Response(
        allowed=True, patch=base64.b64encode(json.dumps(operations).encode()).decode(), patchType="JSONPatch"
    )
    written.round = 1
    notes.changed(written, IDENTITY, 2, answer)
    who = {"configuration": "config", "webhook": "hook.example.com"}
    assert {name: json.loads(text) for name, text in written.annotations.items()} == {
        "mutation.webhook.admission.k8s.io/round_0_index_0": {**who, "mutated": False},
        "mutation.webhook.admission.k8s.io/round_1_index_2": {**who, "mutated": True},
        "patch.webhook.admission.k8s.io/round_1_index_2": {**who, "patch": operations, "patchType": "JSONPatch"},
    }


def test_webhooks_that_were_done_without() -> None:
    written = review()
    notes.failed_open(written, IDENTITY, 0, mutating=True)
    notes.failed_open(written, IDENTITY, 1, mutating=False)
    assert written.annotations == {
        "failed-open.mutation.webhook.admission.k8s.io/round_0_index_0": "hook.example.com",
        "failed-open.validating.webhook.admission.k8s.io/round_0_index_1": "hook.example.com",
    }
