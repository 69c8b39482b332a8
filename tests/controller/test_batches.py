"""Growing batches."""

import pytest

from steersman.api.errors import Forbidden
from steersman.controller.batches import slow_start


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 10])
async def test_all_are_called_once(count):
    seen = []

    async def call(index):
        seen.append(index)

    outcome = await slow_start(count, call)
    assert (outcome.succeeded, outcome.error) == (count, None)
    assert sorted(seen) == list(range(count))


async def test_a_failure_ends_it_after_its_batch():
    seen = []

    async def call(index):
        seen.append(index)
        if index == 1:
            raise Forbidden("quota")

    outcome = await slow_start(100, call)
    assert seen == [0, 1, 2]
    assert outcome.succeeded == 2
    assert isinstance(outcome.error, Forbidden)


async def test_other_errors_are_not_collected():
    async def call(index):
        raise ValueError(index)

    with pytest.raises(ExceptionGroup):
        await slow_start(1, call)
