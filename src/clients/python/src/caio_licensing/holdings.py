"""What the stored documents are worth. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, TypeVar

from .claims import Certificate, LicenseKey, RevocationList
from .documents import DocumentInvalid, SigningKeyUnknown, claim_of, number_of
from .facts import Facts
from .times import MINUTE, SECOND

#: How far a clock may be behind or ahead of the service before that is reported.
CLOCK_TOLERANCE = 5 * MINUTE

T = TypeVar("T")


@dataclass(frozen=True)
class Holdings:
    key: LicenseKey | None
    #: Why the key is not valid.
    fault: DocumentInvalid | SigningKeyUnknown | None
    #: The certificates of this instance for this license combined: the terms of the newer one, and the later
    #: end. None if none is good.
    certificate: Certificate | None
    listed: RevocationList | None
    #: The latest time in any signed document.
    high_water: int


def holdings(facts: Facts) -> Holdings:
    key: LicenseKey | None = None
    fault: DocumentInvalid | SigningKeyUnknown | None = None
    try:
        key = facts.trust.license_key(facts.license_key) if facts.license_key else None
    except (DocumentInvalid, SigningKeyUnknown) as error:
        fault = error
    texts = (facts.certificate, facts.proven_certificate)
    signed = [one for one in (verified(facts.trust.certificate, text) for text in texts) if one]
    listed = verified(facts.trust.revocations, facts.revocations)
    license_id = key.terms.license_id if key else None
    if key is None and facts.vouched and isinstance(fault, SigningKeyUnknown):
        license_id = claim_of(facts.license_key or "", "jti")
    usable = [one for one in signed if is_usable(one, license_id, facts.instance_id)]
    # No document is signed in the future: if one seems to be, the clock was set back.
    times = [one.issued_at for one in signed] + [listed.issued_at if listed else 0]
    return Holdings(key, fault, _together(usable), listed, max(facts.high_water or 0, *times))


def _together(certificates: list[Certificate]) -> Certificate | None:
    if not certificates:
        return None
    newest = max(certificates, key=lambda one: one.issued_at)
    return replace(newest, lease_expires_at=max(one.lease_expires_at for one in certificates))


def is_usable(certificate: Certificate | None, license_id: str | None, instance_id: str) -> bool:
    return (
        certificate is not None
        and certificate.instance_id == instance_id
        and certificate.terms.license_id == license_id
    )


def verified(read: Callable[[str], T], text: str | None) -> T | None:
    try:
        return read(text) if text else None
    except (DocumentInvalid, SigningKeyUnknown):
        return None


def usable_certificate(facts: Facts) -> Certificate | None:
    """The stored documents for this license and instance."""
    return holdings(facts).certificate


def names_unknown_key(facts: Facts) -> bool:
    """Whether the license key is signed by a key that is not trusted yet."""
    return isinstance(holdings(facts).fault, SigningKeyUnknown)


def proof(facts: Facts) -> str | None:
    """The certificate that proves whose seat it is. The service judges it, so nothing is verified here."""
    for text in (facts.proven_certificate, facts.certificate):
        named = claim_of(text or "", "license_id"), claim_of(text or "", "sub")
        if text and named == (claim_of(facts.license_key or "", "jti"), facts.instance_id):
            return text
    return None


def seat(facts: Facts) -> dict[str, Any]:
    """The license, the instance, and the proof, as the service takes them."""
    body: dict[str, Any] = {"license_key": facts.license_key, "instance_id": facts.instance_id}
    certificate = proof(facts)
    return {**body, "certificate": certificate} if certificate else body


def told_end(facts: Facts, held: Holdings) -> tuple[int | None, int | None]:
    """When the certificate and the key end; if their signing key is unknown, by their own unverified claims."""
    if held.key or not facts.vouched:
        ends = held.key.terms.license_expires_at if held.key else None
        return held.certificate.lease_expires_at if held.certificate else None, ends
    lease = [number_of(text, "exp") for text in (facts.certificate, facts.proven_certificate) if text]
    known = [one * SECOND for one in lease if one is not None]
    exp = number_of(facts.license_key or "", "exp")
    return max(known) if known else None, None if exp is None else exp * SECOND


def ahead_of_service(at_last_grant: int, last_attempt_at: int | None, clock: int) -> int:
    """How far the local clock is ahead, in milliseconds; 0 after it was set back behind its reading at that time."""
    return at_last_grant if clock >= (last_attempt_at or 0) - CLOCK_TOLERANCE else 0


def local_time(facts: Facts, held: Holdings, clock: int) -> tuple[int, set[str]]:
    """The time to judge by, and the warnings about the local clock.

    If the clock was ahead at the last grant, that difference is subtracted until the clock is corrected.
    """
    ahead = ahead_of_service(facts.clock_ahead, facts.last_attempt_at, clock)
    warnings = {"CLOCK_AHEAD"} if ahead else set()
    recorded = max(facts.last_seen_at or 0, facts.last_attempt_at or 0)
    known = recorded if ahead else max(held.high_water, recorded)
    if clock < known - CLOCK_TOLERANCE:
        warnings.add("CLOCK_SET_BACK")
    return max(clock - ahead, held.high_water), warnings
