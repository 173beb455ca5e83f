"""Loads a key while the application runs, and reports the result within the time that the caller waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .documents import DocumentInvalid, IssuerMismatch, SigningKeyUnknown
from .facts import Status
from .holdings import holdings

if TYPE_CHECKING:
    from .contact import Contact

#: Reported while it is not known whether the license is good.
PENDING = "PENDING"


@dataclass(frozen=True)
class Loaded:
    verdict: Literal["good", "refused", "pending"]
    code: str | None
    detail: str
    #: The installation's status, whether the key was accepted or not.
    status: Status


def load(installation: Contact, license_key: str, instance_id: str | None = None) -> Loaded:
    """Waits at most the client's `timeout` in total. A key that does not verify changes nothing, and the license
    in force stays until the service grants the new one.

    :raises ValueError: for another instance_id than that of an activated installation
    """
    try:
        installation.check_key(license_key)
    except IssuerMismatch:
        pass  # perhaps another spelling of the address: the service may grant it
    except DocumentInvalid as error:
        return _invalid(installation, str(error))
    except SigningKeyUnknown:
        pass
    known = installation.status()
    if installation.holds(license_key) and known.state in ("entitled", "grace") and instance_id is None:
        return Loaded("good", None, known.detail, known)
    asked = installation.activate(license_key, instance_id)
    status = installation.status()
    candidate = status.candidate
    if not installation.holds(license_key):
        if candidate and candidate.state == "refused":
            return Loaded("refused", candidate.code, candidate.detail or "", status)
        return Loaded("pending", PENDING, asked.detail, status)
    fault = holdings(installation.facts()).fault
    if isinstance(fault, DocumentInvalid) and not isinstance(fault, IssuerMismatch):
        installation.forget()  # the published keys showed that it is forged
        return _invalid(installation, str(fault))
    # An expired key may have been renewed; without a service to ask, it counts as expired.
    if status.state == "refused" or (status.code == "LICENSE_EXPIRED" and not installation.can_ask):
        return Loaded("refused", status.code, status.detail, status)
    if status.state == "indeterminate" and (installation.can_ask or status.license_id is None):
        return Loaded("pending", PENDING, status.detail, status)
    return Loaded("good", None, status.detail, status)


def _invalid(installation: Contact, fault: str) -> Loaded:
    detail = f"The license key {fault.rstrip('.')}."
    return Loaded("refused", "LICENSE_KEY_INVALID", detail, installation.status())
