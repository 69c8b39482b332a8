"""The order of admission plugins, and which requests concern them."""

from steersman.api.clock import FakeClock
from steersman.api.http import User
from steersman.api.meta import Resource
from steersman.apiserver.admission.framework import (
    CREATE,
    DELETE,
    UPDATE,
    Admission,
    Chain,
    Environment,
    Interest,
    Review,
)
from steersman.apiserver.registries import Registries

PODS = Resource("", "v1", "pods", "Pod", True)
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment", True)


def review(operation: str, resource: Resource, subresource: str = "") -> Review:
    return Review(operation, resource, subresource, "ns", "a", None, None, User("u"))


async def test_order_and_interest() -> None:
    calls: list[str] = []

    def plugin(name: str, order: int, *interests: Interest) -> Admission:
        async def mutate(review: Review, environment: Environment) -> None:
            calls.append(f"mutate {name}")

        async def validate(review: Review, environment: Environment) -> None:
            calls.append(f"validate {name}")

        return Admission(name, order, interests, mutate, validate)

    chain = Chain(
        [
            plugin("late", 9, Interest(frozenset({CREATE, DELETE}))),
            plugin("early", 1, Interest(frozenset({CREATE}), "pods")),
            plugin("status", 2, Interest(frozenset({UPDATE}), "pods", "", "status")),
        ],
        Environment(Registries(), FakeClock()),
    )
    cases = [
        (review(CREATE, PODS), ["early", "late"]),
        (review(CREATE, DEPLOYMENTS), ["late"]),
        (review(UPDATE, PODS), []),
        (review(UPDATE, PODS, "status"), ["status"]),
        (review(DELETE, PODS), ["late"]),
    ]
    for given, expected in cases:
        calls.clear()
        await chain.mutate(given)
        await chain.validate(given)
        assert calls == [f"mutate {n}" for n in expected] + [f"validate {n}" for n in expected]
