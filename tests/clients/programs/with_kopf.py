"""An operator on kopf: it makes a ConfigMap for every Widget, says so in its status, and cleans up by its finalizer.

The operator runs in a thread of its own; the program meanwhile is its user.
"""

import threading

import kopf
from kubernetes import client, config, watch

NAMESPACE, GROUP = "with-kopf", "kopf.example.com"
PLACE = (GROUP, "v1", NAMESPACE, "widgets")
TIMEOUT = 60


@kopf.on.startup()
def configure(settings, **_):
    settings.persistence.finalizer = f"{GROUP}/finalizer"
    settings.posting.enabled = True
    settings.scanning.disabled = False


@kopf.on.create(GROUP, "v1", "widgets")
def created(name, namespace, spec, patch, body, **_):
    child = {"metadata": {"name": f"{name}-config"}, "data": {"size": str(spec["size"])}}
    kopf.adopt(child, owner=body)
    client.CoreV1Api().create_namespaced_config_map(namespace, child)
    patch.status["phase"] = "Created"


@kopf.on.field(GROUP, "v1", "widgets", field="spec.size")
def resized(name, namespace, old, new, patch, **_):
    if old is not None:
        client.CoreV1Api().patch_namespaced_config_map(f"{name}-config", namespace, {"data": {"size": str(new)}})
        patch.status["phase"] = "Resized"


@kopf.on.delete(GROUP, "v1", "widgets")
def deleted(name, namespace, **_):
    client.CoreV1Api().create_namespaced_config_map(namespace, {"metadata": {"name": f"{name}-is-gone"}})


def define():
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
            "metadata": {"name": f"widgets.{GROUP}"},
            "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
        }
    )
    watcher = watch.Watch()
    for event in watcher.stream(extensions.list_custom_resource_definition, timeout_seconds=TIMEOUT):
        conditions = event["object"].status.conditions or ()
        if event["object"].spec.group == GROUP and any(c.type == "Established" for c in conditions):
            watcher.stop()
            return
    raise AssertionError("it was not established")


def until(listing, holds, *arguments, **options):
    """The first object of a watch, what is there included, that `holds` is true of."""
    watcher = watch.Watch()
    for event in watcher.stream(listing, *arguments, timeout_seconds=TIMEOUT, **options):
        if holds(event):
            watcher.stop()
            return event["object"]
    raise AssertionError("it did not come to be")


def use():
    objects, core = client.CustomObjectsApi(), client.CoreV1Api()
    body = {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}}
    objects.create_namespaced_custom_object(*PLACE, body)

    def phase(wanted):
        return lambda event: event["object"].get("status", {}).get("phase") == wanted

    made = until(objects.list_namespaced_custom_object, phase("Created"), *PLACE)
    assert made["metadata"]["finalizers"] == [f"{GROUP}/finalizer"]
    child = core.read_namespaced_config_map("w-config", NAMESPACE)
    assert (child.data, child.metadata.owner_references[0].uid) == ({"size": "1"}, made["metadata"]["uid"])
    objects.patch_namespaced_custom_object(*PLACE, "w", {"spec": {"size": 2}})
    until(objects.list_namespaced_custom_object, phase("Resized"), *PLACE)
    assert core.read_namespaced_config_map("w-config", NAMESPACE).data == {"size": "2"}
    # What goes may be gone before anybody looks.
    before = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    objects.delete_namespaced_custom_object(*PLACE, "w")
    until(core.list_namespaced_config_map, lambda e: e["object"].metadata.name == "w-is-gone", NAMESPACE)
    until(
        core.list_namespaced_config_map,
        lambda e: (e["type"], e["object"].metadata.name) == ("DELETED", "w-config"),
        NAMESPACE,
        resource_version=before,
    )


if __name__ == "__main__":
    config.load_kube_config()
    client.CoreV1Api().create_namespace({"metadata": {"name": NAMESPACE}})
    define()
    stop, ready = threading.Event(), threading.Event()
    operator = threading.Thread(
        target=kopf.run,
        kwargs={"namespace": NAMESPACE, "standalone": True, "stop_flag": stop, "ready_flag": ready},
    )
    operator.start()
    try:
        assert ready.wait(TIMEOUT)
        use()
    finally:
        stop.set()
        operator.join(TIMEOUT)
    client.ApiextensionsV1Api().delete_custom_resource_definition(f"widgets.{GROUP}")
    client.CoreV1Api().delete_namespace(NAMESPACE)
    print("done")
