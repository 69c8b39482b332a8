"""ClusterTrustBundle: certificates to trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.kind import Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.certificates_v1 import ClusterTrustBundle

KIND: Kind[ClusterTrustBundle] = Kind(
    resource=Resource("certificates.k8s.io", "v1", "clustertrustbundles", "ClusterTrustBundle", False),
    versions=(Version(Resource("certificates.k8s.io", "v1beta1", "clustertrustbundles", "ClusterTrustBundle", False)),),
    name_rule=names.path_segment,
)
