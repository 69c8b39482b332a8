"""The official client: typed objects, watches, apply and custom objects."""

from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException

NAMESPACE, GROUP = "with-kubernetes", "kubernetes.example.com"
TIMEOUT = 60


def refused(status, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except ApiException as error:
        if error.status != status:
            raise
        return
    raise AssertionError(f"not refused with {status}")


def built_in(core):
    core.create_namespace({"metadata": {"name": NAMESPACE}})
    core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "a", "labels": {"x": "y"}}, "data": {"k": "1"}})
    refused(409, core.create_namespaced_config_map, NAMESPACE, {"metadata": {"name": "a"}})
    found = core.list_namespaced_config_map(NAMESPACE, label_selector="x=y")
    assert [item.data for item in found.items] == [{"k": "1"}]
    core.patch_namespaced_config_map("a", NAMESPACE, {"data": {"k": "2"}})
    item = core.read_namespaced_config_map("a", NAMESPACE)
    item.data["l"] = "3"
    core.replace_namespaced_config_map("a", NAMESPACE, item)
    refused(409, core.replace_namespaced_config_map, "a", NAMESPACE, item)
    core.delete_namespaced_config_map("a", NAMESPACE)
    refused(404, core.read_namespaced_config_map, "a", NAMESPACE)
    seen = []
    watcher = watch.Watch()
    start = found.metadata.resource_version
    for event in watcher.stream(
        core.list_namespaced_config_map,
        NAMESPACE,
        resource_version=start,
        label_selector="x=y",
        timeout_seconds=TIMEOUT,
    ):
        seen.append((event["type"], event["object"].data))
        if event["type"] == "DELETED":
            watcher.stop()
    after = {"k": "2", "l": "3"}
    assert seen == [("MODIFIED", {"k": "2"}), ("MODIFIED", after), ("DELETED", after)], seen


def applied(dynamic_client):
    maps = dynamic_client.resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "namespace": NAMESPACE}}
    for manager, value in (("one", "1"), ("two", "1")):
        maps.server_side_apply(body=body | {"data": {"k": value}}, field_manager=manager)
    other = body | {"data": {"k": "2"}}
    refused(409, maps.server_side_apply, body=other, field_manager="two")
    forced = maps.server_side_apply(body=other, field_manager="two", force_conflicts=True)
    assert forced.data.k == "2"
    assert {m.manager for m in forced.metadata.managedFields} == {"two"}
    maps.delete(name="b", namespace=NAMESPACE)


def custom():
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
    extensions = client.ApiextensionsV1Api()
    extensions.create_custom_resource_definition(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"widgets.{GROUP}"},
            "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
        }
    )
    watcher = watch.Watch()
    for event in watcher.stream(extensions.list_custom_resource_definition, timeout_seconds=TIMEOUT):
        conditions = event["object"].status.conditions or []
        established = any(c.type == "Established" and c.status == "True" for c in conditions)
        if established and event["object"].spec.group == GROUP:
            watcher.stop()
    objects, place = client.CustomObjectsApi(), (GROUP, "v1", NAMESPACE, "widgets")
    body = {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}}
    objects.create_namespaced_custom_object(*place, body)
    objects.patch_namespaced_custom_object(*place, "w", {"spec": {"size": 2}})
    objects.patch_namespaced_custom_object_status(*place, "w", {"status": {"ready": True}})
    found = objects.list_namespaced_custom_object(*place)["items"]
    assert [(w["spec"], w["status"]) for w in found] == [({"size": 2}, {"ready": True})]
    objects.delete_namespaced_custom_object(*place, "w")
    extensions.delete_custom_resource_definition(f"widgets.{GROUP}")


if __name__ == "__main__":
    config.load_kube_config()
    built_in(client.CoreV1Api())
    applied(dynamic.DynamicClient(client.ApiClient()))
    custom()
    client.CoreV1Api().delete_namespace(NAMESPACE)
    print("done")
