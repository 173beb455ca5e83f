"""The facts behind a status, and the status itself. Instants are milliseconds in facts, datetimes in a status."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Mapping, Optional, Tuple

from .coverage import BuiltAt, built_at_of, is_covered
from .documents import Trust
from .entitlements import Entitlement, allows

State = Literal["entitled", "grace", "indeterminate", "refused"]

#: State, code, detail, and when the state ends.
Verdict = Tuple[State, Optional[str], str, Optional[int]]


@dataclass(frozen=True)
class Refusal:
    """The service's last word, and the license key that it is about."""

    code: str
    detail: str
    at: int
    key_sha256: str
    #: Whether the service signed it.
    signed: bool = False


@dataclass(frozen=True)
class Candidate:
    """A license, or an id of this installation, that waits for the service's word to replace the one in
    force.
    """

    license_key: str
    #: None: the installation keeps its id.
    instance_id: str | None = None
    state: str = "pending"
    code: str | None = None
    detail: str | None = None
    #: By the local clock, and in confirmed time.
    since: int | None = None
    seen_at: int | None = None
    failures: int = 0
    #: None: as soon as possible.
    next_try_at: int | None = None


@dataclass(frozen=True)
class FailedContact:
    """Why there was no contact with the service."""

    at: int
    reason: str


@dataclass(frozen=True)
class Facts:
    """Everything that determines a status, except the time."""

    trust: Trust
    instance_id: str
    license_key: str | None = None
    certificate: str | None = None
    proven_certificate: str | None = None
    revocations: str | None = None
    refusal: Refusal | None = None
    warnings: tuple[str, ...] = ()
    over_limit: tuple[str, ...] = ()
    high_water: int | None = None
    next_check_in: int | None = None
    last_attempt_at: int | None = None
    candidate: Candidate | None = None
    last_failure: FailedContact | None = None
    #: Whether a trusted key verified the key, or the service granted it, at any time.
    vouched: bool = False
    #: In confirmed time: when the key was installed, and the first start of a client that bounds `indeterminate`.
    seen_at: int | None = None
    bounded_since: int | None = None
    #: Time that the service or a monotonic clock confirmed. Deadlines use only this time.
    confirmed: int | None = None
    #: The latest earlier reading of the local clock, and how far it was ahead of the service.
    last_seen_at: int | None = None
    clock_ahead: int = 0
    strict: bool = False
    #: For how many days the state may be indeterminate; None: forever.
    indeterminate_days: int | None = 90
    #: When the running version of the product was built; None if not told.
    built_at: int | None = None
    #: Whether only pinned keys count, so that no other key can become known.
    pinned_only: bool = False
    is_kept: bool = True
    #: The hashes of keys that had more than blanks around them.
    marked: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CandidateStatus:
    license_id: str | None
    state: Literal["pending", "refused"]
    code: str | None
    detail: str | None
    since: datetime | None


@dataclass(frozen=True)
class LastFailure:
    at: datetime | None
    reason: str


@dataclass(frozen=True)
class Status:
    """The status of an installation. Instants are datetimes in UTC."""

    state: State
    #: Why, as a code; None if there is nothing to say.
    code: str | None
    #: Why, as a sentence for the operator.
    detail: str
    #: Whether to continue. False for "refused", and for "indeterminate" if the installation is strict.
    may_run: bool
    warnings: tuple[str, ...]
    #: When this state ends without further news.
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
    #: A license that waits to replace this one, or was refused; None if there is none.
    candidate: CandidateStatus | None = None
    #: Why the last contact with the service failed; None if it succeeded.
    last_failure: LastFailure | None = None
    #: Up to when the versions may be built that the license covers; None: all.
    updates_until: datetime | None = None
    #: What the warning OVER_LIMIT is about: names of limits (max_services), codes of meters.
    over_limit: tuple[str, ...] = ()
    #: What the license includes by code; those that have ended are left out.
    entitlements: Mapping[str, Entitlement] = field(default_factory=dict)

    def covers(self, built_at: BuiltAt) -> bool:
        """Whether the license covers a version of the product that was built then. One that is not covered goes on.

        :raises ValueError: for anything but an RFC 3339 instant, an aware datetime, or a date
        """
        at = built_at_of(built_at)
        if at is None:
            raise ValueError("a version is built at an RFC 3339 instant, an aware datetime, or on a date")
        until = self.updates_until
        return is_covered(None if until is None else round(until.timestamp() * 1000), at)

    def has_feature(self, name: str) -> bool:
        """Whether the license has the feature; check `may_run` as well. If the service granted a license whose
        terms cannot be read now (its signing key is unknown), every feature counts as present.
        """
        return name in self.features or self._untold()

    def entitlement(self, code: str) -> Any:
        """The value of an entitlement: a number, a bool, a text, or UNLIMITED; None if the license does not include it."""
        held = self.entitlements.get(code)
        return None if held is None else held.value

    def allows(self, code: str, amount: float | None = None) -> bool:
        """Whether the license includes the entitlement and, with an amount, at least so much of it; check `may_run` as
        well. False and 0 include nothing, and a text has no amount. Terms that cannot be read: as `has_feature`.
        """
        held = self.entitlements.get(code)
        return self._untold() if held is None else allows(held.value, amount)

    def _untold(self) -> bool:
        return self.may_run and self.license_id is None and not self.features


def key_hash(license_key: str) -> str:
    return hashlib.sha256(license_key.strip().encode("utf-8", "surrogatepass")).hexdigest()
