"""Priority and fairness: its two kinds as objects of the API."""

import pytest
from tests.conformance.patterns import Crud, Resource, crud, operations

pytestmark = pytest.mark.asyncio(loop_scope="session")

VERSION = "flowcontrol.apiserver.k8s.io/v1"
LEVEL = "global-default"
# What the server says of such a schema itself: else it would put it right, perhaps before it is read again.
CONDITION = {
    "type": "Dangling",
    "status": "False",
    "reason": "Found",
    "message": f'This FlowSchema references the PriorityLevelConfiguration object named "{LEVEL}" and it exists',
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}
STATUS = {"status": {"conditions": [CONDITION]}}


async def test_should_support_flowschema_api_operations(api, unique):
    """API priority and fairness should support FlowSchema API operations"""
    subject = {"kind": "User", "user": {"name": f"{unique}@example.com"}}
    rule = {"subjects": [subject], "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}
    spec = {
        "matchingPrecedence": 10000,
        "priorityLevelConfiguration": {"name": LEVEL},
        "distinguisherMethod": {"type": "ByUser"},
        "rules": [rule],
    }
    obj = {"metadata": {"name": unique}, "spec": spec}
    resource = Resource(VERSION, "flowschemas")
    await operations(api, resource, obj, unique)
    await crud(api, resource, Crud(obj, {"spec": {"matchingPrecedence": 9999}}, STATUS), unique)


async def test_should_support_prioritylevelconfiguration_api_operations(api, unique):
    """API priority and fairness should support PriorityLevelConfiguration API operations"""
    limited = {"nominalConcurrencyShares": 2, "limitResponse": {"type": "Reject"}}
    obj = {"metadata": {"name": unique}, "spec": {"type": "Limited", "limited": limited}}
    resource = Resource(VERSION, "prioritylevelconfigurations")
    await operations(api, resource, obj, unique)
    case = Crud(obj, {"spec": {"limited": {"nominalConcurrencyShares": 4}}}, STATUS)
    await crud(api, resource, case, unique)
    spec = {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}
    defaulted = await api.post(resource.path, {"metadata": {"name": f"{unique}-default"}, "spec": spec})
    assert defaulted["spec"]["limited"]["nominalConcurrencyShares"] == 30
    await api.delete(resource.named(f"{unique}-default"))
