"""Records of single Services."""

import pytest
from tests.dns.builders import endpoint, headless, service, slice_of

from steersman.dns.records import ServiceRecords, service_records
from steersman.kinds.types.core_v1 import Service, ServicePort
from steersman.kinds.types.discovery_v1 import EndpointSlice

ONE, TWO = "10.244.0.5", "10.244.1.6"


@pytest.mark.parametrize(
    ("obj", "slices", "expected"),
    [
        pytest.param(
            service(),
            [slice_of(endpoint(ONE), name="web")],
            ServiceRecords(("10.96.0.7",), ports={("http", "tcp"): (("", 80),)}, reverse={"10.96.0.7": ""}),
            id="endpoints of a ClusterIP service have no names",
        ),
        pytest.param(
            service(clusterIPs=["10.96.0.7", "fd00::7"], ports=[]),
            [],
            ServiceRecords(("10.96.0.7", "fd00::7"), reverse={"10.96.0.7": "", "fd00::7": ""}),
            id="both families",
        ),
        pytest.param(
            service(ports=[ServicePort(port=81, protocol="UDP")]),
            [],
            ServiceRecords(("10.96.0.7",), reverse={"10.96.0.7": ""}),
            id="ports without a name have no record",
        ),
        pytest.param(service(clusterIP=""), [], ServiceRecords(), id="not allocated yet"),
        pytest.param(
            service(type="ExternalName", clusterIP="", externalName="Example.com."),
            [],
            ServiceRecords(alias="example.com"),
            id="alias",
        ),
        pytest.param(
            service(type="ExternalName", clusterIP="", externalName="192.0.2.1"),
            [],
            ServiceRecords(),
            id="an address is no alias",
        ),
        pytest.param(headless(), [], ServiceRecords(), id="headless and empty"),
        pytest.param(
            headless(),
            [slice_of(endpoint(TWO, "DB-1"), endpoint(ONE, ready=True), endpoint("10.244.0.9", ready=False))],
            ServiceRecords(
                (ONE, TWO),
                hosts={"db-1": (TWO,), "10-244-0-5": (ONE,)},
                ports={("sql", "tcp"): (("10-244-0-5", 5432), ("db-1", 5432))},
                reverse={TWO: "db-1", ONE: "10-244-0-5"},
            ),
            id="ready endpoints, with and without hostname",
        ),
        pytest.param(
            headless(publishNotReadyAddresses=True),
            [slice_of(endpoint(ONE, "a", ready=False), port="")],
            ServiceRecords((ONE,), hosts={"a": (ONE,)}, reverse={ONE: "a"}),
            id="unready ones on request",
        ),
        pytest.param(headless(), [slice_of(endpoint("no-address"))], ServiceRecords(), id="nonsense is left out"),
    ],
)
def test_service_records(obj: Service, slices: list[EndpointSlice], expected: ServiceRecords) -> None:
    assert service_records(obj, slices) == expected
