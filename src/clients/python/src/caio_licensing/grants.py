"""What a grant changes, whether from an answer or a file. Pure."""

from __future__ import annotations

from .answers import Granted, next_after_grant
from .claims import Certificate
from .documents import Trust, claim_of
from .facts import key_hash
from .holdings import CLOCK_TOLERANCE, verified
from .owed import take_back
from .state import State
from .usage import begin_license


def take_grant(state: State, trust: Trust, granted: Granted, now: int, chance: float) -> None:
    """:param trust: the keys that verify the grant"""
    begin_license(state, granted.license_id)
    hold(state, trust, granted.certificate)
    state.license_key, state.vouched_key_sha256 = granted.license_key, key_hash(granted.license_key)
    state.high_water = max(state.high_water or 0, granted.issued_at)
    instance_id = claim_of(granted.certificate, "sub") or ""
    take_back(state, {"license_key": granted.license_key, "instance_id": instance_id})
    if state.jwks and state.keys_read_at is None:
        state.keys_read_at = granted.issued_at
    state.refusal = state.last_failure = None
    state.warnings, state.failures = list(granted.warnings), 0
    state.over_limit = list(granted.over_limit)
    if granted.seats_active is not None:
        state.seats_active = granted.seats_active
    state.last_attempt_at, state.next_check_in = now, next_after_grant(granted, now, chance)


def compare_clocks(state: State, granted: Granted, now: int) -> None:
    """After a fresh answer: its time is the service's current time."""
    ahead = now - granted.issued_at
    state.clock_ahead_ms = ahead if ahead > CLOCK_TOLERANCE else 0
    state.last_seen_at = now


def hold(state: State, trust: Trust, text: str) -> None:
    """Of two certificates of a seat the one that ends later counts; the last proven one is kept too."""
    given, held = verified(trust.certificate, text), verified(trust.certificate, state.certificate)
    if given is None:
        return
    proves = text if given.proven else state.proven_certificate
    if proves is None and held is not None and held.proven:
        proves = state.certificate
    if held is None or not _of_one_seat(held, given) or given.lease_expires_at >= held.lease_expires_at:
        state.certificate = text
    state.proven_certificate = None if proves == state.certificate else proves


def _of_one_seat(one: Certificate, other: Certificate) -> bool:
    return (one.activation_id, one.instance_id, one.terms.license_id) == (
        other.activation_id,
        other.instance_id,
        other.terms.license_id,
    )
