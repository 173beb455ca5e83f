"""A license of a drill: its terms, what it is worth at an instant, and what its key says. Pure, except for new ids.

Instants are milliseconds, as everywhere in the client.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Mapping, Sequence, Union

from ..times import DAY, SECOND, format_instant, parse_instant

#: The types that every service starts with: days, days of grace, features, and the three limits.
_Type = tuple[int, int, tuple[str, ...], Union[int, None], Union[int, None], Union[int, None]]
_PROFESSIONAL: _Type = (365, 14, ("orchestration", "api", "analytics"), 5, 50, 100_000)
_TYPES: dict[str, _Type] = {
    "trial": (30, 3, ("orchestration",), 1, 5, 1000),
    "standard": (365, 14, ("orchestration", "api"), 2, 10, 10_000),
    "professional": _PROFESSIONAL,
    "enterprise": (365, 30, ("orchestration", "api", "analytics", "sso", "audit"), None, None, None),
}

STANDING_REFUSALS = {
    "expired": "LICENSE_EXPIRED",
    "scheduled": "LICENSE_NOT_STARTED",
    "suspended": "LICENSE_SUSPENDED",
    "revoked": "LICENSE_REVOKED",
}

#: As a term of a license: what is not given is as in the license type.
TYPE = "type"

Instant = Union[str, datetime]
Limit = Union[int, None, str]


@dataclass
class License:
    id: str
    customer_id: str
    license_type: str
    issued_at: int
    starts_at: int | None
    expires_at: int | None
    grace_days: int
    lease_days: int
    check_in_hours: int
    features: list[str]
    max_instances: int | None
    max_services: int | None
    max_requests_per_day: int | None
    unproven_lease_hours: int
    updates_until: int | None
    #: By code: `value`, and perhaps `until`, RFC 3339: the first instant without it.
    entitlements: dict[str, dict[str, Any]]
    status: str = "active"
    revision: int = 1
    #: Until then a replaced key renews the seats of before without proof.
    unproven_until: int | None = None

    @property
    def grace_until(self) -> int | None:
        """The first instant at which it no longer lets anything run; None if it is perpetual."""
        return None if self.expires_at is None else self.expires_at + self.grace_days * DAY

    def standing(self, now: int) -> str:
        if self.status != "active":
            return self.status
        if self.starts_at is not None and now < self.starts_at:
            return "scheduled"
        if self.expires_at is None or self.grace_until is None:
            return "active"
        if now >= self.grace_until:
            return "expired"
        if now >= self.expires_at:
            return "grace"
        return "expiring" if self.expires_at - now <= 30 * DAY else "active"

    def terms(self) -> dict[str, Any]:
        """What it allows, as answers, keys and certificates say it."""
        return {
            "license_type": self.license_type,
            "features": self.features,
            "max_instances": self.max_instances,
            "max_services": self.max_services,
            "max_requests_per_day": self.max_requests_per_day,
        }

    def in_force(self, now: int) -> dict[str, dict[str, Any]]:
        """The entitlements that have not ended."""
        ends = {code: one.get("until") for code, one in self.entitlements.items()}
        return {code: one for code, one in self.entitlements.items() if ends[code] is None or instant(ends[code]) > now}

    def entitlement_claims(self, now: int) -> dict[str, Any]:
        """The claim of key and certificate, which is left out if there is none."""
        entitlements = self.in_force(now)
        return {"entitlements": entitlements} if entitlements else {}

    def key_claims(self, now: int) -> dict[str, Any]:
        dates = {"nbf": self.starts_at, "exp": self.expires_at}
        return {
            "sub": self.customer_id,
            "jti": self.id,
            "iat": self.issued_at // SECOND,
            **{name: at // SECOND for name, at in dates.items() if at is not None},
            **self.terms(),
            **({} if self.updates_until is None else {"updates_until": format_instant(self.updates_until)}),
            **self.entitlement_claims(now),
            "rev": self.revision,
        }

    def presented(self, now: int) -> dict[str, Any]:
        """As `/v1/validate` shows it."""
        return {
            "id": self.id,
            "customer_id": self.customer_id,
            **self.terms(),
            "status": self.status,
            "standing": self.standing(now),
            "revision": self.revision,
            "issued_at": format_instant(self.issued_at),
            "starts_at": format_instant(self.starts_at),
            "expires_at": format_instant(self.expires_at),
            "grace_days": self.grace_days,
            "grace_until": format_instant(self.grace_until),
            "lease_days": self.lease_days,
            "check_in_hours": self.check_in_hours,
            "unproven_lease_hours": self.unproven_lease_hours,
            "clone_policy": "warn",
            "updates_until": format_instant(self.updates_until),
            "entitlements": self.in_force(now),
        }


def floor_to_second(at: int) -> int:
    return at // SECOND * SECOND


def ceil_to_second(at: int) -> int:
    return -(-at // SECOND) * SECOND


def new_id(prefix: str, length: int) -> str:
    """As the service makes ids: a prefix and so many characters."""
    return f"{prefix}_{(uuid.uuid4().hex + uuid.uuid4().hex)[:length].upper()}"


def instant(given: Instant) -> int:
    """:raises ValueError: for anything but an RFC 3339 instant or an aware datetime"""
    at = parse_instant(given.isoformat() if isinstance(given, datetime) else given)
    if at is None:
        raise ValueError(f"{given} is no RFC 3339 instant or aware datetime")
    return at


def new_license(
    now: int,
    *,
    license_type: str = "professional",
    customer_id: str = "drill",
    features: Sequence[str] | None = None,
    max_instances: Limit = TYPE,
    max_services: Limit = TYPE,
    max_requests_per_day: Limit = TYPE,
    starts_at: Instant | None = None,
    expires_at: Instant | None = TYPE,
    expires_days: int | None = None,
    grace_days: int | None = None,
    lease_days: int = 30,
    check_in_hours: int = 24,
    unproven_lease_hours: int = 72,
    updates_until: Instant | None = None,
    entitlements: Mapping[str, Mapping[str, Any]] | None = None,
) -> License:
    """:raises ValueError: for an instant that is none"""
    days, grace, granted, instances, services, requests = _TYPES.get(license_type, _PROFESSIONAL)
    starts = None if starts_at is None else floor_to_second(instant(starts_at))
    if expires_at == TYPE:
        spans = days if expires_days is None else expires_days
        ends: int | None = (now if starts is None else starts) + spans * DAY
    else:
        ends = None if expires_at is None else instant(expires_at)
    return License(
        id=new_id("lic", 26),
        customer_id=customer_id,
        license_type=license_type,
        issued_at=floor_to_second(now),
        starts_at=starts,
        expires_at=None if ends is None else ceil_to_second(ends),
        grace_days=grace if grace_days is None else grace_days,
        lease_days=lease_days,
        check_in_hours=check_in_hours,
        features=list(granted if features is None else features),
        max_instances=_limit(max_instances, instances),
        max_services=_limit(max_services, services),
        max_requests_per_day=_limit(max_requests_per_day, requests),
        unproven_lease_hours=unproven_lease_hours,
        updates_until=None if updates_until is None else ceil_to_second(instant(updates_until)),
        entitlements={code: _entitlement(one) for code, one in sorted((entitlements or {}).items())},
    )


def _entitlement(given: Mapping[str, Any]) -> dict[str, Any]:
    until = given.get("until")
    return {
        "value": given["value"],
        **({} if until is None else {"until": format_instant(ceil_to_second(instant(until)))}),
    }


def _limit(given: Limit, usual: int | None) -> int | None:
    return usual if isinstance(given, str) else given
