"""lightkube: models of dataclasses, apply with managers, and resources made from a definition."""

from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Namespace
from lightkube.types import PatchType

NAMESPACE, GROUP = "with-lightkube", "lightkube.example.com"
TIMEOUT = 60


def config_map(name, **data):
    metadata = ObjectMeta(name=name, namespace=NAMESPACE, labels={"x": "y"})
    return ConfigMap(metadata=metadata, data=data, apiVersion="v1", kind="ConfigMap")


def refused(code, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except ApiError as error:
        if error.status.code != code:
            raise
        return
    raise AssertionError(f"not refused with {code}")


def built_in(client):
    client.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
    created = client.create(config_map("a", k="1"))
    refused(409, client.create, config_map("a"))
    client.patch(ConfigMap, "a", {"data": {"k": "2"}}, namespace=NAMESPACE, patch_type=PatchType.MERGE)
    replaced = client.get(ConfigMap, "a", namespace=NAMESPACE)
    replaced.data["l"] = "3"
    client.replace(replaced)
    refused(409, client.replace, replaced)
    assert [m.metadata.name for m in client.list(ConfigMap, namespace=NAMESPACE, labels={"x": "y"})] == ["a"]
    client.delete(ConfigMap, "a", namespace=NAMESPACE)
    refused(404, client.get, ConfigMap, "a", namespace=NAMESPACE)
    seen = []
    for event, found in client.watch(
        ConfigMap,
        namespace=NAMESPACE,
        labels={"x": "y"},
        resource_version=created.metadata.resourceVersion,
        server_timeout=TIMEOUT,
    ):
        seen.append((event, found.data))
        if event == "DELETED":
            break
    after = {"k": "2", "l": "3"}
    assert seen == [("MODIFIED", {"k": "2"}), ("MODIFIED", after), ("DELETED", after)], seen


def applied(client):
    labels = {"app": "web"}
    template = PodTemplateSpec(
        metadata=ObjectMeta(labels=labels), spec=PodSpec(containers=[Container(name="web", image="web:1")])
    )

    def deployment(replicas):
        return Deployment(
            apiVersion="apps/v1",
            kind="Deployment",
            metadata=ObjectMeta(name="web", namespace=NAMESPACE),
            spec=DeploymentSpec(replicas=replicas, selector=LabelSelector(matchLabels=labels), template=template),
        )

    client.apply(deployment(1), field_manager="one")
    refused(409, client.apply, deployment(2), field_manager="two")
    forced = client.apply(deployment(2), field_manager="two", force=True)
    assert forced.spec.replicas == 2
    client.wait(Deployment, "web", for_conditions=["Progressing"], namespace=NAMESPACE)
    scaled(client, 0)
    assert client.get(Deployment, "web", namespace=NAMESPACE).spec.replicas == 0
    client.delete(Deployment, "web", namespace=NAMESPACE)


def scaled(client, replicas):
    """As every client must: once more when the controller has written its status in between."""
    for _ in range(20):
        scale = client.get(Deployment.Scale, "web", namespace=NAMESPACE)
        scale.spec.replicas = replicas
        try:
            client.replace(scale)
        except ApiError as error:
            if error.status.code != 409:
                raise
        else:
            return
    raise AssertionError("the deployment never rests")


def custom(client):
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
    definition = {
        "metadata": {"name": f"widgets.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    client.create(CustomResourceDefinition.from_dict(definition))
    client.wait(CustomResourceDefinition, f"widgets.{GROUP}", for_conditions=["Established"])
    kind = create_namespaced_resource(GROUP, "v1", "Widget", "widgets")
    body = {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": NAMESPACE}}
    client.create(kind(body | {"spec": {"size": 1}}))
    applied = client.apply(kind(body | {"spec": {"size": 2}}), field_manager="program", force=True)
    assert applied["spec"] == {"size": 2}
    client.patch(kind.Status, "w", {"status": {"ready": True}}, namespace=NAMESPACE, patch_type=PatchType.MERGE)
    assert [(w["spec"], w["status"]) for w in client.list(kind, namespace=NAMESPACE)] == [
        ({"size": 2}, {"ready": True})
    ]
    client.delete(kind, "w", namespace=NAMESPACE)
    client.delete(CustomResourceDefinition, f"widgets.{GROUP}")


if __name__ == "__main__":
    client = Client(field_manager="program")
    built_in(client)
    applied(client)
    custom(client)
    client.delete(Namespace, NAMESPACE)
    print("done")
