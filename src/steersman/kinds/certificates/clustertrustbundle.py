"""ClusterTrustBundle: certificates to trust."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from steersman.api import names
from steersman.api.meta import Resource
from steersman.kinds.certificates import clustertrustbundle_rules
from steersman.kinds.columns import NONE
from steersman.kinds.kind import NAME, Column, Kind, Version

if TYPE_CHECKING:
    from steersman.kinds.types.certificates_v1 import ClusterTrustBundle


def _row(obj: ClusterTrustBundle, now: datetime) -> list[Any]:
    return [obj.metadata.name, obj.spec.signerName or NONE]


KIND: Kind[ClusterTrustBundle] = Kind(
    resource=Resource("certificates.k8s.io", "v1", "clustertrustbundles", "ClusterTrustBundle", False),
    versions=(Version(Resource("certificates.k8s.io", "v1beta1", "clustertrustbundles", "ClusterTrustBundle", False)),),
    name_rule=names.path_segment,
    columns=(NAME, Column("SignerName")),
    row=_row,
    check=clustertrustbundle_rules.check,
    check_new=clustertrustbundle_rules.check_new,
    check_update=clustertrustbundle_rules.check_update,
    selectable=lambda obj: {"spec.signerName": obj.spec.signerName},
)
