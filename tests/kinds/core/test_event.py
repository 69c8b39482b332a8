"""An Event is found by the field names of both of its forms."""

from steersman.kinds.core.event import KIND
from steersman.kinds.types.core_v1 import Event, ObjectReference


def test_selectable_under_both_names() -> None:
    event = Event(involvedObject=ObjectReference(kind="Pod", name="web"), reportingComponent="kubelet")
    fields = KIND.selectable(event)
    assert fields["involvedObject.name"] == fields["regarding.name"] == "web"
    assert fields["reportingController"] == fields["reportingComponent"] == "kubelet"
    assert fields["source"] == "kubelet"
