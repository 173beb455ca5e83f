"""The answer to the holder of a seat. Pure."""

from __future__ import annotations

from typing import Any

from ..times import format_instant
from .licenses import License
from .seats import Granted


def warnings_of(
    license: License, granted: Granted, *, superseded: bool, ignored: int, now: int
) -> list[dict[str, Any]]:
    """:param superseded: whether the key in the request was replaced
    :param ignored: how many days of usage cannot be
    """
    found: list[dict[str, Any]] = []

    def warn(code: str, detail: str, **more: Any) -> None:
        found.append({"code": code, "detail": detail, **more})

    standing, expires = license.standing(now), format_instant(license.expires_at)
    if standing == "expiring":
        warn("LICENSE_EXPIRING", f"The license expires at {expires}.")
    if standing == "grace":
        until = format_instant(license.grace_until)
        warn(
            "LICENSE_IN_GRACE",
            f"The license expired at {expires}; everything stops at {until} unless it is renewed.",
        )
    if superseded and granted.proven:
        warn(
            "LICENSE_KEY_SUPERSEDED",
            "The license key was replaced. Keep the one in license_key: the old one stops working with this lease.",
        )
    elif superseded:
        until = format_instant(license.unproven_until)
        warn(
            "LICENSE_KEY_SUPERSEDED",
            f"The license key was replaced. Without the instance's certificate it works until {until}: install the new "
            "key.",
        )
    if not granted.proven:
        warn(
            "INSTANCE_UNPROVEN",
            "The request came without the certificate that this instance was given last, so the new one ends at "
            f"{format_instant(granted.lease_expires_at)} and no usage was taken. Keep the certificate and send it each "
            "time; an installation that keeps nothing asks for short leases with lease_hours.",
        )
    allowed, active = license.max_instances, granted.active
    if allowed is not None and active > allowed:
        warn(
            "OVER_LIMIT",
            f"{active} instances are active where the license allows {allowed}.",
            limit="max_instances",
            allowed=allowed,
            observed=active,
        )
    for over in granted.overuses:
        warn(
            "OVER_LIMIT",
            f"{over.limit}: {over.observed} used on {over.day} where the license allows {over.allowed}.",
            limit=over.limit,
            allowed=over.allowed,
            observed=over.observed,
        )
    if granted.proven and granted.fingerprint_is_new:
        warn("FINGERPRINT_CHANGED", "The instance runs on another machine than before.")
    if ignored:
        days = "day" if ignored == 1 else "days"
        warn(
            "USAGE_IGNORED",
            f"Usage of {ignored} {days} was ignored: in the future, long before the license was issued, or more than "
            "400 days; check the clock.",
        )
    return found
