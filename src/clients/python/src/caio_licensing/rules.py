"""What documents and time mean: where an installation stands. Pure: the same facts give the same status."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Callable, Literal, Optional, Tuple, TypeVar

from .documents import Certificate, DocumentInvalid, LicenseKey, RevocationList, SigningKeyUnknown, Trust
from .times import MINUTE, format_instant, to_datetime

State = Literal["entitled", "grace", "indeterminate", "refused"]

#: A clock may lag behind the service's by so much before it counts as set back.
CLOCK_TOLERANCE = 5 * MINUTE

T = TypeVar("T")


@dataclass(frozen=True)
class Refusal:
    """The service's last word, and which license key it was said of."""

    code: str
    detail: str
    at: int
    key_sha256: str


@dataclass(frozen=True)
class Facts:
    """Everything that a status follows from, but the time."""

    trust: Trust
    instance_id: str
    license_key: str | None = None
    certificate: str | None = None
    revocations: str | None = None
    refusal: Refusal | None = None
    warnings: tuple[str, ...] = ()
    high_water: int | None = None
    next_check_in: int | None = None
    strict: bool = False


@dataclass(frozen=True)
class Status:
    """Where an installation stands. Instants are datetimes in UTC."""

    state: State
    #: Why, as a code; None where there is nothing to say.
    code: str | None
    #: Why, as a sentence for the operator.
    detail: str
    #: Whether to go on. False for "refused", and for "indeterminate" where the installation is strict.
    may_run: bool
    warnings: tuple[str, ...]
    #: When this state ends if nothing else is heard.
    until: datetime | None
    license_id: str | None
    customer_id: str | None
    license_type: str | None
    features: tuple[str, ...]
    max_instances: int | None
    max_services: int | None
    max_requests_per_day: int | None
    license_expires_at: datetime | None
    grace_until: datetime | None
    lease_expires_at: datetime | None
    check_in_at: datetime | None
    next_check_in: datetime | None
    #: When the license was issued, as its key says.
    issued_at: datetime | None

    def has_feature(self, name: str) -> bool:
        """Whether the license has the feature; that it may be used says `may_run` besides. Where an installation
        may run and nobody can tell its terms (the signing key is not known yet), no feature is missing.
        """
        return name in self.features or (self.may_run and self.license_id is None)


def key_hash(license_key: str) -> str:
    return hashlib.sha256(license_key.strip().encode("utf-8", "surrogatepass")).hexdigest()


def evaluate(facts: Facts, clock: int) -> Status:
    """Where the installation stands at `clock`, in milliseconds."""
    trust = facts.trust
    fault: DocumentInvalid | SigningKeyUnknown | None = None
    key: LicenseKey | None = None
    if facts.license_key:
        try:
            key = trust.license_key(facts.license_key)
        except (DocumentInvalid, SigningKeyUnknown) as error:
            fault = error
    signed = verified(trust.certificate, facts.certificate)
    listed = verified(trust.revocations, facts.revocations)
    # No document is signed in the future: where one seems to be, it is the clock that was set back.
    high_water = max(
        facts.high_water or 0, signed.issued_at if signed else 0, listed.issued_at if listed else 0
    )
    now = max(clock, high_water)
    certificate = signed if key and is_usable(signed, key, facts.instance_id) else None
    state, code, detail, until = _judge(facts, now, key, fault, certificate, listed)
    warnings = {*facts.warnings, *(["CLOCK_SET_BACK"] if clock < high_water - CLOCK_TOLERANCE else [])}
    terms = certificate.terms if certificate else key.terms if key else None
    return Status(
        state=state,
        code=code,
        detail=detail,
        may_run=state in ("entitled", "grace") or (state == "indeterminate" and not facts.strict),
        warnings=tuple(sorted(warnings)),
        until=to_datetime(until),
        license_id=terms.license_id if terms else None,
        customer_id=terms.customer_id if terms else None,
        license_type=terms.license_type if terms else None,
        features=terms.features if terms else (),
        max_instances=terms.max_instances if terms else None,
        max_services=terms.max_services if terms else None,
        max_requests_per_day=terms.max_requests_per_day if terms else None,
        license_expires_at=to_datetime(terms.license_expires_at if terms else None),
        grace_until=to_datetime(certificate.grace_until if certificate else None),
        lease_expires_at=to_datetime(certificate.lease_expires_at if certificate else None),
        check_in_at=to_datetime(certificate.check_in_at if certificate else None),
        next_check_in=to_datetime(facts.next_check_in),
        issued_at=to_datetime(key.issued_at if key else None),
    )


Verdict = Tuple[State, Optional[str], str, Optional[int]]


def _judge(
    facts: Facts,
    now: int,
    key: LicenseKey | None,
    fault: Exception | None,
    certificate: Certificate | None,
    listed: RevocationList | None,
) -> Verdict:
    if not facts.license_key:
        return "refused", "LICENSE_KEY_MISSING", "No license key is installed.", None
    if isinstance(fault, SigningKeyUnknown):
        return "indeterminate", "SIGNING_KEY_UNKNOWN", f"The license key {fault}.", None
    if key is None:
        return "refused", "LICENSE_KEY_INVALID", f"The license key {fault}.", None
    refusal = _standing_refusal(facts, key, now)
    if refusal:
        starts = key.starts_at if refusal.code == "LICENSE_NOT_STARTED" else None
        return "refused", refusal.code, refusal.detail, starts if starts and now < starts else None
    revoked = _revoked(key, certificate, listed, now)
    if revoked:
        return "refused", revoked, "The revocation list names this license.", None
    if certificate:
        return _lease(certificate, now)
    if key.starts_at is not None and now < key.starts_at:
        detail = f"The license starts at {format_instant(key.starts_at)}."
        return "refused", "LICENSE_NOT_STARTED", detail, key.starts_at
    ends = key.terms.license_expires_at
    if ends is not None and now >= ends:
        # It may have been renewed since the key was signed; only the service can tell.
        detail = f"The license key ended at {format_instant(ends)}, and the license was not activated since."
        return "indeterminate", "LICENSE_EXPIRED", detail, None
    return "indeterminate", "NOT_ACTIVATED", "The license was not activated yet.", ends


def _standing_refusal(facts: Facts, key: LicenseKey, now: int) -> Refusal | None:
    refusal = facts.refusal
    if refusal is None or refusal.key_sha256 != key_hash(facts.license_key or ""):
        return None
    # What was too early is not so for ever.
    if refusal.code == "LICENSE_NOT_STARTED" and key.starts_at and refusal.at < key.starts_at <= now:
        return None
    return refusal


def _revoked(
    key: LicenseKey, certificate: Certificate | None, listed: RevocationList | None, now: int
) -> str | None:
    if listed is None or now >= listed.expires_at:
        return None
    if certificate and certificate.issued_at > listed.issued_at:
        return None
    license_id = key.terms.license_id
    if license_id in listed.revoked:
        return "LICENSE_REVOKED"
    if license_id in listed.suspended:
        return "LICENSE_SUSPENDED"
    return "LICENSE_KEY_SUPERSEDED" if listed.superseded.get(license_id, 0) > key.revision else None


def _lease(certificate: Certificate, now: int) -> Verdict:
    lease, grace, expires = (
        certificate.lease_expires_at,
        certificate.grace_until,
        certificate.terms.license_expires_at,
    )
    if grace is not None and now >= grace:
        return (
            "refused",
            "LICENSE_EXPIRED",
            f"The license ended, grace and all, at {format_instant(grace)}.",
            None,
        )
    if now >= lease:
        detail = f"The lease ended at {format_instant(lease)}; the service was not heard since."
        return "indeterminate", "LEASE_EXPIRED", detail, grace
    if expires is None or now < expires:
        return "entitled", None, "The license is good.", min(lease, expires or lease)
    detail = f"The license expired at {format_instant(expires)}; grace ends at {format_instant(grace)}."
    return "grace", None, detail, min(lease, grace or lease)


def is_usable(certificate: Certificate | None, key: LicenseKey, instance_id: str) -> bool:
    return (
        certificate is not None
        and certificate.instance_id == instance_id
        and certificate.terms.license_id == key.terms.license_id
    )


def verified(read: Callable[[str], T], text: str | None) -> T | None:
    try:
        return read(text) if text else None
    except (DocumentInvalid, SigningKeyUnknown):
        return None


def usable_certificate(facts: Facts) -> Certificate | None:
    """The certificate held, where it is this instance's for this license."""
    key = verified(facts.trust.license_key, facts.license_key)
    certificate = verified(facts.trust.certificate, facts.certificate)
    return certificate if key and is_usable(certificate, key, facts.instance_id) else None


def names_unknown_key(facts: Facts) -> bool:
    """Whether the license key is signed by a key that is not trusted yet."""
    try:
        facts.trust.license_key(facts.license_key or "")
    except SigningKeyUnknown:
        return True
    except DocumentInvalid:
        pass
    return False
