"""A key that is configured, installed or activated by hand is a candidate: the license in force stays until the
service has granted another. Pure.
"""

from __future__ import annotations

from dataclasses import replace

from .documents import DocumentInvalid, IssuerMismatch, SigningKeyUnknown, Trust, claim_of, number_of
from .facts import Candidate, key_hash
from .state import State
from .times import format_instant


def configure(
    state: State, key: str | None, name: str | None, *, own_name: str, trust: Trust, now: int, confirmed: int
) -> None:
    """Takes in the current configuration. Only a change since it was last read has an effect.

    :param key: cleaned; None if none is configured, empty if a blank one is
    :param name: the configured instance id; None if none is configured
    :param own_name: the instance id in force
    """
    if is_configured(state, key, name):
        return
    if key == "":
        if _is_withdrawn(state):
            state.candidate, state.configured_key_sha256 = None, key
        key = None
    known = key is None or key_hash(key) == state.configured_key_sha256
    first = state.configured_key_sha256 is None and state.license_key is not None
    if key is not None:
        state.configured_key_sha256 = key_hash(key)
    if name is not None:
        state.configured_instance_id = name
        if state.bounded_since is None and name == claim_of(state.certificate or "", "sub"):
            state.instance_id = own_name = name  # an older client had it granted
    # The state does not record configured keys: an operator may have installed a later license since.
    if first and not known and key and not _is_later(key, state.license_key or ""):
        key = state.license_key
    wanted = key if key is not None and not known else state.license_key
    if wanted is None:
        if name is not None:
            state.instance_id = name
        return
    offer(state, wanted, name, own_name=own_name, trust=trust, now=now, confirmed=confirmed)


def is_configured(state: State, key: str | None, name: str | None) -> bool:
    """Whether the configuration is unchanged since it was last read."""
    known = not _is_withdrawn(state) if key == "" else key is None or key_hash(key) == state.configured_key_sha256
    return known and (name is None or name == state.configured_instance_id)


def _is_withdrawn(state: State) -> bool:
    """Whether a blank key takes back what was configured before: it was refused, and shown until now."""
    waiting = state.candidate
    refused = waiting is not None and waiting.state == "refused" and waiting.instance_id is None
    return refused and key_hash(waiting.license_key) == state.configured_key_sha256


def offer(
    state: State, key: str, name: str | None, *, own_name: str, trust: Trust, now: int, confirmed: int
) -> None:
    """Installs a key if there is none; otherwise makes it a candidate."""
    other_name = name if name not in (None, own_name) else None
    if state.license_key is None:
        install(state, key, confirmed)
        state.instance_id = other_name or state.instance_id
        return
    if is_held(state, key) and other_name is None:
        state.candidate = None
        return
    wanted = state.license_key if is_held(state, key) else key
    code, detail = _finding(trust, wanted, now)
    given = Candidate(
        license_key=wanted,
        instance_id=other_name,
        state="refused" if code == "LICENSE_KEY_INVALID" else "pending",
        code=code,
        detail=detail,
        since=now,
        seen_at=confirmed,
    )
    waiting = state.candidate
    if waiting and (waiting.license_key, waiting.instance_id) == (wanted, other_name):
        # Offered again: asked for at once, and its age stays.
        given = replace(given, since=waiting.since, seen_at=waiting.seen_at, failures=waiting.failures)
    state.candidate = given


def install(state: State, key: str, confirmed: int) -> None:
    """With no key installed there is nothing to lose."""
    state.license_key, state.installed_key_sha256 = key, key_hash(key)
    state.key_seen_at, state.candidate = confirmed, None
    state.warnings, state.next_check_in, state.failures = [], None, 0


def is_locally_invalid(candidate: Candidate) -> bool:
    """Whether the service need not be asked, because no key that it signed looks like this."""
    return candidate.state == "refused" and candidate.code == "LICENSE_KEY_INVALID" and not candidate.failures


def is_held(state: State, key: str) -> bool:
    return key_hash(key) in (state.installed_key_sha256, key_hash(state.license_key or ""))


def _is_later(key: str, held: str) -> bool:
    if claim_of(key, "jti") == claim_of(held, "jti"):
        return True
    return (number_of(key, "iat") or 0) > (number_of(held, "iat") or 0)


def _finding(trust: Trust, text: str, now: int) -> tuple[str | None, str | None]:
    """What can be said about a key without the service."""
    try:
        key = trust.license_key(text)
    except IssuerMismatch as error:
        return "ISSUER_MISMATCH", f"The license key {error}."
    except DocumentInvalid as error:
        return "LICENSE_KEY_INVALID", f"The license key {error}."
    except SigningKeyUnknown:
        return "SIGNING_KEY_UNKNOWN", "No key that is trusted here verifies the license key yet."
    if key.starts_at is not None and now < key.starts_at:
        return "LICENSE_NOT_STARTED", f"The license starts at {format_instant(key.starts_at)}."
    ends = key.terms.license_expires_at
    if ends is not None and now >= ends:
        return "LICENSE_EXPIRED", f"The license key ended at {format_instant(ends)}."
    return None, None
