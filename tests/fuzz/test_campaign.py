"""A few thousand mutated requests, other ones than yesterday's only when the samples change; `campaign` makes a million."""

from __future__ import annotations

from tests.fuzz import campaign


async def test_no_request_is_answered_in_a_way_nobody_foresaw() -> None:
    report = await campaign.campaign(1, 3000)
    assert report.findings == []
    # The mutations leave enough intact to reach what is behind the decoders.
    assert report.statuses[201] > 50
    assert report.statuses[422] > 100
    assert report.statuses[400] > 100


async def test_the_custom_resource_is_served() -> None:
    running = campaign.Campaign()
    await running.start()
    assert [served.resource.plural for served in running.app.custom.served] == ["widgets"]
    await running.close()
