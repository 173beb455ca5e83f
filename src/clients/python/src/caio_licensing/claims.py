"""What the claims of each signed document mean. Pure; `documents` checks the signature."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, TypeVar

from .entitlements import Claimed, read_entitlements
from .times import LAST_SECOND, SECOND, parse_instant

T = TypeVar("T")


@dataclass(frozen=True)
class Terms:
    """What a license allows."""

    license_id: str
    customer_id: str
    license_type: str | None
    features: tuple[str, ...]
    max_instances: int | None
    max_services: int | None
    max_requests_per_day: int | None
    license_expires_at: int | None
    #: Up to when the versions may be built that it covers; None: all.
    updates_until: int | None = None
    #: Those that have ended, too.
    entitlements: Claimed = field(default_factory=dict)


@dataclass(frozen=True)
class LicenseKey:
    terms: Terms
    revision: int
    issued_at: int | None
    starts_at: int | None


@dataclass(frozen=True)
class Certificate:
    terms: Terms
    #: Of the activation; None if not known.
    activation_id: str | None
    instance_id: str
    issued_at: int
    lease_expires_at: int
    grace_until: int | None
    check_in_at: int | None
    nonce: str | None
    public_key: Mapping[str, Any] | None
    #: False where it was issued to a request that proved nothing.
    proven: bool


@dataclass(frozen=True)
class SignedRefusal:
    """A signed refusal of the service, so that nobody on the way can refuse in its place."""

    instance_id: str
    license_id: str
    code: str
    issued_at: int
    nonce: str | None


@dataclass(frozen=True)
class RevocationList:
    issued_at: int
    expires_at: int
    revoked: frozenset[str]
    suspended: frozenset[str]
    superseded: Mapping[str, int]


def read_license_key(claims: Mapping[str, Any]) -> LicenseKey:
    return LicenseKey(
        terms=_terms(claims, "jti", "sub", _optional(_date, claims.get("exp"))),
        revision=_whole(claims.get("rev")),
        issued_at=_optional(_date, claims.get("iat")),
        starts_at=_optional(_date, claims.get("nbf")),
    )


def read_certificate(claims: Mapping[str, Any]) -> Certificate:
    confirmation = claims.get("cnf")
    public_key = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    return Certificate(
        terms=_terms(
            claims, "license_id", "customer_id", _optional(_instant, claims.get("license_expires_at"))
        ),
        activation_id=activation if isinstance(activation := claims.get("jti"), str) else None,
        instance_id=_text(claims.get("sub")),
        issued_at=_date(claims.get("iat")),
        lease_expires_at=_date(claims.get("exp")),
        grace_until=_optional(_instant, claims.get("grace_until")),
        check_in_at=_optional(_instant, claims.get("check_in_at")),
        nonce=_optional(_text, claims.get("nonce")),
        public_key=public_key if isinstance(public_key, dict) else None,
        proven=claims.get("proven") is not False,
    )


def read_refusal(claims: Mapping[str, Any]) -> SignedRefusal:
    return SignedRefusal(
        instance_id=_text(claims.get("sub")),
        license_id=_text(claims.get("license_id")),
        code=_text(claims.get("code")),
        issued_at=_date(claims.get("iat")),
        nonce=_optional(_text, claims.get("nonce")),
    )


def read_revocations(claims: Mapping[str, Any]) -> RevocationList:
    return RevocationList(
        issued_at=_date(claims.get("iat")),
        expires_at=_date(claims.get("exp")),
        revoked=frozenset(_texts(claims.get("revoked"))),
        suspended=frozenset(_texts(claims.get("suspended"))),
        superseded={str(k): _whole(v) for k, v in dict(claims.get("superseded") or {}).items()},
    )


def _terms(claims: Mapping[str, Any], license_id: str, customer_id: str, expires_at: int | None) -> Terms:
    return Terms(
        license_id=_text(claims.get(license_id)),
        customer_id=_text(claims.get(customer_id)),
        license_type=_optional(_text, claims.get("license_type")),
        features=_texts(claims.get("features")),
        max_instances=_optional(_whole, claims.get("max_instances")),
        max_services=_optional(_whole, claims.get("max_services")),
        max_requests_per_day=_optional(_whole, claims.get("max_requests_per_day")),
        license_expires_at=expires_at,
        # It stops nothing, so one that cannot be read is none.
        updates_until=parse_instant(claims.get("updates_until")),
        entitlements=read_entitlements(claims.get("entitlements")),
    )


def _optional(read: Callable[[object], T], value: object) -> T | None:
    return None if value is None else read(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TypeError("a list is missing")
    return tuple(_text(one) for one in value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a number is missing")
    return value


def _date(value: object) -> int:
    """A NumericDate (RFC 7519 section 2) in milliseconds."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= LAST_SECOND:
        raise TypeError("a time is missing")
    return int(value * SECOND)


def _instant(value: object) -> int:
    at = parse_instant(value)
    if at is None:
        raise TypeError("an instant is missing")
    return at
