"""The conventions of the generated types."""

from __future__ import annotations

import importlib
import pkgutil

import msgspec
import pytest

import steersman.kinds.types
from steersman.api import codec, shape
from steersman.api.schema import ApiType, ListInfo
from steersman.kinds.types.apiextensions_v1 import JSONSchemaProps
from steersman.kinds.types.apps_v1 import Deployment, DeploymentStatus
from steersman.kinds.types.core_v1 import (
    ContainerPort,
    ContainerStatus,
    PersistentVolumeClaimSpec,
    Pod,
    PodList,
    PodSpec,
)
from steersman.kinds.types.meta_v1 import ListMeta, ListObject, Object, ObjectMeta

MODULES = [m.name for m in pkgutil.iter_modules(steersman.kinds.types.__path__)]


def structs(module: str) -> list[type[ApiType]]:
    loaded = importlib.import_module(f"steersman.kinds.types.{module}")
    found = (v for v in vars(loaded).values() if isinstance(v, type) and issubclass(v, ApiType))
    return [t for t in found if t.__module__ == loaded.__name__]


@pytest.mark.parametrize("module", MODULES)
def test_every_type_can_be_made_and_read_back(module: str) -> None:
    for cls in structs(module):
        empty = cls()
        assert msgspec.json.decode(codec.encode(empty), type=cls) == empty
        assert set(cls.__merge__) <= set(shape.fields(cls)), cls


@pytest.mark.parametrize("module", MODULES)
def test_objects_begin_with_who_they_are(module: str) -> None:
    for cls in structs(module):
        if issubclass(cls, Object | ListObject) and cls not in (Object, ListObject):
            assert cls.__struct_fields__[:3] == ("kind", "apiVersion", "metadata")
            assert codec.encode(cls()).startswith(b'{"kind":"%b","apiVersion":"' % cls.__name__.encode())


def test_an_empty_pod() -> None:
    assert codec.encode(Pod()) == (
        b'{"kind":"Pod","apiVersion":"v1","metadata":{},"spec":{"containers":[]},"status":{}}'
    )


def test_lists_always_have_items() -> None:
    assert codec.encode(PodList()) == b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}'


def test_required_scalars_are_written_even_when_empty() -> None:
    written = codec.to_builtins(ContainerStatus())
    assert written == {"image": "", "imageID": "", "name": "", "ready": False, "restartCount": 0}
    assert codec.to_builtins(ContainerPort()) == {"containerPort": 0}


def test_counts_of_a_status_are_left_out_when_zero() -> None:
    assert codec.to_builtins(DeploymentStatus()) == {}
    assert codec.to_builtins(DeploymentStatus(readyReplicas=2, collisionCount=0)) == {
        "readyReplicas": 2,
        "collisionCount": 0,
    }


def test_strings_whose_absence_means_something() -> None:
    assert codec.to_builtins(PersistentVolumeClaimSpec(storageClassName="")) == {"storageClassName": ""}
    assert codec.to_builtins(PersistentVolumeClaimSpec()) == {}


def test_words_of_python_are_renamed_on_the_wire() -> None:
    assert codec.to_builtins(ListMeta(continue_="x")) == {"continue": "x"}
    schema = msgspec.json.decode(b'{"$ref":"a","not":{"x-kubernetes-list-type":"map"}}', type=JSONSchemaProps)
    assert schema.ref_ == "a"
    assert schema.not_ is not None
    assert schema.not_.x_kubernetes_list_type == "map"


def test_merge_information() -> None:
    assert PodSpec.__merge__["containers"] == ListInfo("map", ("name",), "merge", "name")
    assert PodSpec.__merge__["volumes"].patch_strategy == "merge,retainKeys"
    assert PodSpec.__merge__["nodeSelector"] == ListInfo("atomic")
    assert ObjectMeta.__merge__["finalizers"] == ListInfo("set", (), "merge")
    assert not ListMeta.__merge__


def test_resource() -> None:
    assert (Deployment.__resource__.plural, Deployment.__resource__.api_version) == ("deployments", "apps/v1")
