"""Validation of VolumeAttachments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steersman.api import field, names
from steersman.api.field import Errors, Path
from steersman.kinds.core.persistentvolume_rules import check_inline
from steersman.kinds.core.reference_validation import check_driver_name

if TYPE_CHECKING:
    from steersman.kinds.types.storage_v1 import VolumeAttachment, VolumeAttachmentSource, VolumeError

_MAX_METADATA = 256 * 1024
_MAX_MESSAGE = 1024
_MAX_CODE = 2**31 - 1
_SPEC, _STATUS = Path("spec"), Path("status")
_EXACTLY_ONE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def check(obj: VolumeAttachment) -> Errors:
    spec = obj.spec
    errors = check_driver_name(spec.attacher, _SPEC.child("attacher"))
    errors += _check_source(spec.source, _SPEC.child("source"))
    return errors + field.all_invalid(_SPEC.child("nodeName"), spec.nodeName, names.dns1123_subdomain(spec.nodeName))


def _check_source(source: VolumeAttachmentSource, path: Path) -> Errors:
    inline, name = source.inlineVolumeSpec, source.persistentVolumeName
    if inline is None and name is None:
        return [field.required(path, _EXACTLY_ONE)]
    if inline is not None and name is not None:
        return [field.forbidden(path, _EXACTLY_ONE)]
    if inline is not None:
        return check_inline(inline, path.child("inlineVolumeSpec"))
    at = path.child("persistentVolumeName")
    if not name:
        return [field.required(at, "must specify non empty persistentVolumeName")]
    return field.all_invalid(at, name, names.dns1123_subdomain(name))


def check_update(obj: VolumeAttachment, old: VolumeAttachment) -> Errors:
    return field.immutable(_SPEC, obj.spec, old.spec)


def check_status_update(obj: VolumeAttachment, old: VolumeAttachment) -> Errors:
    status = obj.status
    errors: Errors = []
    size = sum(len(k.encode()) + len(v.encode()) for k, v in (status.attachmentMetadata or {}).items())
    if size > _MAX_METADATA:
        errors.append(field.too_long(_STATUS.child("attachmentMetadata"), _MAX_METADATA))
    errors += _check_error(status.attachError, _STATUS.child("attachError"))
    return errors + _check_error(status.detachError, _STATUS.child("detachError"))


def _check_error(error: VolumeError | None, path: Path) -> Errors:
    if error is None:
        return []
    errors: Errors = []
    if len(error.message.encode()) > _MAX_MESSAGE:
        errors.append(field.too_long(path.child("message"), _MAX_MESSAGE))
    if error.errorCode is not None and error.errorCode < 0:
        detail = f"must be between 0 and {_MAX_CODE}, inclusive"
        errors.append(field.invalid(path.child("errorCode"), error.errorCode, detail))
    return errors
