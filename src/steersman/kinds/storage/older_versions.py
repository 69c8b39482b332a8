"""The kinds of storage as beta versions knew them: they have changed nothing but the version."""

from __future__ import annotations

from steersman.api.meta import Resource
from steersman.kinds.kind import older

_GROUP = "storage.k8s.io"

STORAGE_CLASS = (older(Resource(_GROUP, "v1beta1", "storageclasses", "StorageClass", False), "1.19", "1.22"),)
VOLUME_ATTACHMENT = (
    older(Resource(_GROUP, "v1beta1", "volumeattachments", "VolumeAttachment", False), "1.19", "1.22"),
    older(Resource(_GROUP, "v1alpha1", "volumeattachments", "VolumeAttachment", False), "1.21", "1.24"),
)
CSI_DRIVER = (older(Resource(_GROUP, "v1beta1", "csidrivers", "CSIDriver", False), "1.19", "1.22"),)
CSI_NODE = (older(Resource(_GROUP, "v1beta1", "csinodes", "CSINode", False), "1.17", "1.22"),)
CSI_STORAGE_CAPACITY = (
    older(Resource(_GROUP, "v1beta1", "csistoragecapacities", "CSIStorageCapacity", True), "1.24", "1.27"),
    older(Resource(_GROUP, "v1alpha1", "csistoragecapacities", "CSIStorageCapacity", True), "1.21", "1.24"),
)
VOLUME_ATTRIBUTES_CLASS = (
    older(Resource(_GROUP, "v1beta1", "volumeattributesclasses", "VolumeAttributesClass", False), "1.34", "1.37"),
    older(Resource(_GROUP, "v1alpha1", "volumeattributesclasses", "VolumeAttributesClass", False), "1.32", "1.35"),
)
