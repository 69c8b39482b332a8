"""CertificateSigningRequest as certificates.k8s.io/v1beta1 knew it: who is to sign follows from the request."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from steersman.api.field import FieldError
from steersman.api.identities import NODE_PREFIX, NODES
from steersman.api.meta import Resource
from steersman.kinds.certificates.signers import KUBELET_CLIENT, KUBELET_SERVING, LEGACY
from steersman.kinds.kind import Plain, older

if TYPE_CHECKING:
    from cryptography.x509 import CertificateSigningRequest

_CLIENT = ({"key encipherment", "digital signature", "client auth"}, {"digital signature", "client auth"})
_SERVING = ({"key encipherment", "digital signature", "server auth"}, {"digital signature", "server auth"})


def _default(plain: Plain) -> None:
    spec = plain.setdefault("spec", {})
    if spec.get("usages") is None:
        spec["usages"] = ["digital signature", "key encipherment"]
    if not spec.get("signerName"):
        spec["signerName"] = signer_of(spec.get("request", ""), set(spec["usages"]))
    for condition in plain.get("status", {}).get("conditions") or ():
        condition["status"] = condition.get("status") or "True"


def signer_of(request: str, usages: set[str]) -> str:
    """The signer of a request (base64 of PEM) with these usages: the kubelets' own for what looks like theirs."""
    if usages not in (*_CLIENT, *_SERVING):
        return LEGACY
    from cryptography import x509

    try:
        found = x509.load_pem_x509_csr(base64.b64decode(request))
        if not _is_of_node(found):
            return LEGACY
        names = _alternatives(found)
    except (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return LEGACY
    if usages in _CLIENT:
        return LEGACY if names else KUBELET_CLIENT
    return KUBELET_SERVING if _dns_or_ip(found) else LEGACY


def _is_of_node(request: CertificateSigningRequest) -> bool:
    from cryptography.x509.oid import NameOID

    organizations = [a.value for a in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    names = [str(a.value) for a in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return organizations == [NODES] and len(names) == 1 and names[0].startswith(NODE_PREFIX)


def _alternatives(request: CertificateSigningRequest) -> list[object]:
    from cryptography import x509

    try:
        return list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _dns_or_ip(request: CertificateSigningRequest) -> bool:
    """Whether there are names or addresses, and nothing else."""
    from cryptography import x509

    names = _alternatives(request)
    return bool(names) and all(isinstance(n, x509.DNSName | x509.IPAddress) for n in names)


def _tolerates(error: FieldError) -> bool:
    return error.field == "spec.signerName" and error.value == LEGACY


CERTIFICATE_SIGNING_REQUEST = (
    older(
        Resource("certificates.k8s.io", "v1beta1", "certificatesigningrequests", "CertificateSigningRequest", False),
        "1.19",
        "1.22",
        default=_default,
        tolerates=_tolerates,
    ),
)
