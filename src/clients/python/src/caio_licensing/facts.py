"""What a status follows from, and what it is. Instants of facts are milliseconds, those of a status datetimes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Optional, Tuple

from .documents import Trust

State = Literal["entitled", "grace", "indeterminate", "refused"]

#: State, code, detail, and when the state ends.
Verdict = Tuple[State, Optional[str], str, Optional[int]]


@dataclass(frozen=True)
class Refusal:
    """The service's last word, and which license key it was said of."""

    code: str
    detail: str
    at: int
    key_sha256: str
    #: Whether the service signed it.
    signed: bool = False


@dataclass(frozen=True)
class Candidate:
    """A license, or a name of this installation, that waits for the service's word to take the place of the one in
    force.
    """

    license_key: str
    #: None: the installation keeps its name.
    instance_id: str | None = None
    state: str = "pending"
    code: str | None = None
    detail: str | None = None
    #: By the local clock, and in confirmed time.
    since: int | None = None
    seen_at: int | None = None
    failures: int = 0
    #: None: as soon as may be.
    next_try_at: int | None = None


@dataclass(frozen=True)
class FailedContact:
    """Why there was no contact with the service."""

    at: int
    reason: str


@dataclass(frozen=True)
class Facts:
    """Everything that a status follows from, but the time."""

    trust: Trust
    instance_id: str
    license_key: str | None = None
    certificate: str | None = None
    proven_certificate: str | None = None
    revocations: str | None = None
    refusal: Refusal | None = None
    warnings: tuple[str, ...] = ()
    high_water: int | None = None
    next_check_in: int | None = None
    last_attempt_at: int | None = None
    candidate: Candidate | None = None
    last_failure: FailedContact | None = None
    #: Whether a trusted key verified the key, or the service granted it, at any time.
    vouched: bool = False
    #: When the key was installed, and the first start of a client that bounds `indeterminate`, in confirmed time.
    seen_at: int | None = None
    bounded_since: int | None = None
    #: Time that the service or a monotonic clock confirmed. Deadlines advance by nothing else.
    confirmed: int | None = None
    #: The latest time that the local clock said before, and by how much it was ahead of the service's.
    last_seen_at: int | None = None
    clock_ahead: int = 0
    strict: bool = False
    #: Days that nobody needs to know; None: for ever.
    indeterminate_days: int | None = 90
    #: Whether only pinned keys count, so that no other can become known.
    pinned_only: bool = False
    is_kept: bool = True
    #: Keys, by hash, that were cleaned of more than blanks around them.
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
    #: A license that waits to take the place of this one, or was refused; None where there is none.
    candidate: CandidateStatus | None = None
    #: Why the service was not heard last; None where it was.
    last_failure: LastFailure | None = None

    def has_feature(self, name: str) -> bool:
        """Whether the license has the feature; that it may be used says `may_run` besides. Where the service
        granted a license whose terms nobody can read now (its signing key is not known), no feature is missing.
        """
        untold = self.license_id is None and not self.features
        return name in self.features or (self.may_run and untold)


def key_hash(license_key: str) -> str:
    return hashlib.sha256(license_key.strip().encode("utf-8", "surrogatepass")).hexdigest()
