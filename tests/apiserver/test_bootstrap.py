"""What every cluster begins with."""

from tests.apiserver.conftest import CATALOG, Api

from steersman.apiserver.config import ServerConfig
from steersman.apiserver.server import App


async def test_what_every_cluster_has(api: Api) -> None:
    names = [n["metadata"]["name"] for n in (await api.get("/api/v1/namespaces"))["items"]]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
    classes = (await api.get("/apis/scheduling.k8s.io/v1/priorityclasses"))["items"]
    assert {c["metadata"]["name"]: c["value"] for c in classes} == {
        "system-cluster-critical": 2000000000,
        "system-node-critical": 2000001000,
    }
    service = await api.get("/api/v1/namespaces/default/services/kubernetes")
    assert service["spec"]["clusterIP"] == "10.96.0.1"
    endpoints = await api.get("/api/v1/namespaces/default/endpoints/kubernetes")
    assert endpoints["subsets"][0]["addresses"] == [{"ip": "192.0.2.1"}]
    piece = await api.get("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes")
    assert piece["metadata"]["labels"]["kubernetes.io/service-name"] == "kubernetes"
    assert piece["ports"][0]["port"] == 6443


async def test_a_second_start_changes_only_the_address(api: Api) -> None:
    before = api.app.store.revision
    config = ServerConfig(advertise_address="192.0.2.1", advertise_port=6443)
    again = App(api.app.store, api.clock, config, catalog=CATALOG)
    await again.start()
    assert api.app.store.revision == before
    await again.close()
    moved = App(api.app.store, api.clock, ServerConfig(advertise_address="192.0.2.2"), catalog=CATALOG)
    await moved.start()
    endpoints = await api.get("/api/v1/namespaces/default/endpoints/kubernetes")
    assert endpoints["subsets"][0]["addresses"] == [{"ip": "192.0.2.2"}]
    await moved.close()
