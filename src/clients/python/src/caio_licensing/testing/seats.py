"""The seats of one license in a drill: who holds one, for how long, and why somebody gets none.

The rules are the service's, except that what takes several places to see (clones) is not looked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..times import DAY, HOUR, LAST_SECOND, SECOND, format_instant
from .licenses import STANDING_REFUSALS, License, ceil_to_second, floor_to_second, new_id
from .problems import Problem
from .used import Day, Overuse, Usage

_LATEST = LAST_SECOND * SECOND


@dataclass
class Seat:
    """The activation that records a seat."""

    activation_id: str
    instance_id: str
    activated_at: int
    last_seen_at: int
    #: Until when it is held, and the end of the last proven lease.
    held_until: int
    proven_until: int
    check_in_at: int
    hostname: str | None
    app_version: str | None
    fingerprint: str | None

    def presented(self) -> dict[str, Any]:
        """As `/v1/validate` shows it."""
        return {
            "activation_id": self.activation_id,
            "instance_id": self.instance_id,
            "activated_at": format_instant(self.activated_at),
            "last_seen_at": format_instant(self.last_seen_at),
            "lease_expires_at": format_instant(self.held_until),
            "check_in_at": format_instant(self.check_in_at),
            "hostname": self.hostname,
            "app_version": self.app_version,
        }


@dataclass(frozen=True)
class Claim:
    """A request of an instance."""

    instance_id: str
    revision: int
    #: The activation that its certificate proves.
    certified: str | None
    #: It says that it was activated before.
    returning: bool = False
    lease_hours: int | None = None
    hostname: str | None = None
    app_version: str | None = None
    fingerprint: str | None = None
    usage: list[Day] = field(default_factory=list)


@dataclass(frozen=True)
class Granted:
    seat: Seat
    proven: bool
    lease_expires_at: int
    check_in_at: int
    active: int
    fingerprint_is_new: bool = False
    overuses: list[Overuse] = field(default_factory=list)


class Refused(Exception):
    """A refusal that is to be signed."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def refusal_for(license: License, revision: int, now: int) -> str | None:
    """Why a key lets nothing run. The holder of a replaced key learns only that."""
    replaced = revision < license.revision
    return "LICENSE_KEY_SUPERSEDED" if replaced else STANDING_REFUSALS.get(license.standing(now))


def detail_of(code: str, license: License) -> str | None:
    if code == "LICENSE_EXPIRED":
        expired, ended = format_instant(license.expires_at), format_instant(license.grace_until)
        return f"The license expired at {expired} and its grace ended at {ended}."
    if code == "LICENSE_NOT_STARTED":
        return f"The license starts at {format_instant(license.starts_at)}."
    return None


class Seats:
    def __init__(self) -> None:
        self._seats: dict[str, Seat] = {}
        self.usage = Usage()

    def live(self, instance_id: str, now: int) -> Seat | None:
        """The seat of an instance while its lease holds."""
        seat = self._seats.get(instance_id)
        return seat if seat and seat.held_until > now else None

    def active(self, now: int) -> int:
        return sum(seat.held_until > now for seat in self._seats.values())

    def claim(self, license: License, claim: Claim, now: int) -> Granted:
        """:raises Refused, Problem:"""
        live = self.live(claim.instance_id, now)
        current = claim.revision >= license.revision
        certified = live is not None and live.activation_id == claim.certified
        vouched = live is not None and (license.unproven_until or 0) > now
        standing = STANDING_REFUSALS.get(license.standing(now))
        refusal = standing if certified or vouched else refusal_for(license, claim.revision, now)
        if refusal:
            raise Refused(refusal)
        if claim.returning and claim.instance_id not in self._seats:
            raise Problem(
                "INSTANCE_NOT_ACTIVATED", f"The instance {claim.instance_id} holds no seat of this license."
            )
        if live is None:
            self._assert_room(license, now)
            return self._prove(license, claim, None, now)
        if certified or (current and live.proven_until <= now):
            return self._prove(license, claim, live, now)
        return self._hold(license, claim, live, current, now)

    def free(self, license: License, claim: Claim, now: int) -> None:
        """:raises Problem:"""
        seat = self._seats.get(claim.instance_id)
        current = claim.revision >= license.revision
        if seat and (seat.activation_id == claim.certified or (seat.proven_until <= now and current)):
            del self._seats[claim.instance_id]
        live = self.live(claim.instance_id, now) is not None
        if not current and (live or claim.certified is None):
            raise Problem("LICENSE_KEY_SUPERSEDED")
        if live:
            raise Problem("CERTIFICATE_REQUIRED")

    def _assert_room(self, license: License, now: int) -> None:
        allowed, active = license.max_instances, self.active(now)
        if allowed is None or active < allowed:
            return
        noun = "instance" if allowed == 1 else "instances"
        raise Problem(
            "ACTIVATION_LIMIT_REACHED",
            f"The license allows {allowed} active {noun}, and {active} are active.",
            {"limit": "max_instances", "allowed": allowed, "observed": active},
        )

    def _prove(self, license: License, claim: Claim, live: Seat | None, now: int) -> Granted:
        ends = license.grace_until or _LATEST
        lease = min(max(live.proven_until if live else 0, _latest(license, claim, now)), ends)
        former = live or Seat(new_id("act", 37), claim.instance_id, now, now, 0, 0, 0, None, None, None)
        seat = replace(
            former,
            last_seen_at=now,
            held_until=max(lease, min(former.held_until, ends)),
            proven_until=lease,
            check_in_at=now + min(license.check_in_hours * HOUR, (lease - now) // 2),
            hostname=claim.hostname or former.hostname,
            app_version=claim.app_version or former.app_version,
            fingerprint=claim.fingerprint or former.fingerprint,
        )
        self._seats[claim.instance_id] = seat
        self.usage.take(claim.instance_id, claim.usage)
        return Granted(
            seat=seat,
            proven=True,
            lease_expires_at=lease,
            check_in_at=seat.check_in_at,
            active=self.active(now),
            fingerprint_is_new=former.fingerprint is not None and seat.fingerprint != former.fingerprint,
            overuses=self.usage.overuses(license, claim.usage),
        )

    def _hold(self, license: License, claim: Claim, live: Seat, current: bool, now: int) -> Granted:
        """Without proof the seat is held for a while, and nothing else of it changes."""
        lease = min(
            floor_to_second(now) + license.unproven_lease_hours * HOUR,
            _latest(license, claim, now),
            license.grace_until or _LATEST,
            _LATEST if current else license.unproven_until or now,
        )
        live.held_until = max(live.held_until, lease)
        check_in_at = now + min(license.check_in_hours * HOUR, (lease - now) // 2)
        return Granted(live, False, lease, check_in_at, self.active(now))


def _latest(license: License, claim: Claim, now: int) -> int:
    """The latest end of a lease that is asked for now."""
    wanted = _LATEST if claim.lease_hours is None else floor_to_second(now) + claim.lease_hours * HOUR
    return min(ceil_to_second(now) + license.lease_days * DAY, wanted)
