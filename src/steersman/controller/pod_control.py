"""Making and deleting pods on behalf of an object, with the Events that users know."""

from __future__ import annotations

from steersman.api import codec
from steersman.api.errors import StatusError
from steersman.client.events import EventRecorder
from steersman.client.rest import ApiObject, Client
from steersman.controller.ownership import controller_reference
from steersman.kinds.types.core_v1 import Pod, PodTemplateSpec
from steersman.kinds.types.meta_v1 import ObjectMeta


def pod_from(template: PodTemplateSpec, owner: ApiObject) -> Pod:
    """A new pod of the template, named after its owner and controlled by it."""
    copy = codec.clone(template)
    return Pod(
        metadata=ObjectMeta(
            generateName=f"{owner.metadata.name}-",
            namespace=owner.metadata.namespace,
            labels=copy.metadata.labels,
            annotations=copy.metadata.annotations,
            finalizers=copy.metadata.finalizers,
            ownerReferences=[controller_reference(owner)],
        ),
        spec=copy.spec,
    )


def namespace_ends(error: StatusError) -> bool:
    """Whether a create was refused because its namespace is being deleted."""
    return any(cause.get("reason") == "NamespaceTerminating" for cause in error.details.get("causes") or ())


class PodControl:
    """Creates and deletes pods and says so on the owner. Methods answer with the resourceVersion of the change."""

    def __init__(self, client: Client, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder

    async def create(self, pod: Pod, owner: ApiObject) -> str:
        try:
            stored = await self._client.create(pod)
        except StatusError as e:
            if not namespace_ends(e):
                self._recorder.event(owner, "Warning", "FailedCreate", f"Error creating: {e}")
            raise
        self._recorder.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {stored.metadata.name}")
        return str(stored.metadata.resourceVersion)

    async def delete(self, pod: Pod, owner: ApiObject) -> str:
        """Begin to delete the pod; one that is gone or going already is no error."""
        try:
            version = await self._client.delete_seen(pod)
        except StatusError as e:
            self._recorder.event(owner, "Warning", "FailedDelete", f"Error deleting: {e}")
            raise
        if version is None:
            return ""
        self._recorder.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {pod.metadata.name}")
        return version
