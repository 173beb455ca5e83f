"""What an installation knows, and how it is stored. Clients in other languages read the same file."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

from .facts import Candidate, FailedContact, Refusal
from .meters import MAX_FIGURE, Usage, read_meters
from .times import format_instant, is_day, parse_instant


@dataclass
class State:
    """state.json. Instants are milliseconds here and RFC 3339 in the file."""

    license_key: str | None = None
    #: The hash of the key that the operator installed last; the service may have sent the one above since.
    installed_key_sha256: str | None = None
    #: The last configuration: only a change has an effect.
    configured_key_sha256: str | None = None
    configured_instance_id: str | None = None
    #: The installation's id, if it differs from the file instance_id.
    instance_id: str | None = None
    #: The certificate that counts: of two for a seat, the one that ends later. The other is the last proven one,
    #: if it is a different one.
    certificate: str | None = None
    proven_certificate: str | None = None
    revocations: str | None = None
    jwks: dict[str, Any] | None = None
    #: When the published keys above were last compared with the service's, by the service's time.
    keys_read_at: int | None = None
    high_water: int | None = None
    #: The key that a trusted key verified or the service granted.
    vouched_key_sha256: str | None = None
    #: In confirmed time: when the key was installed, and the first start of a client that bounds `indeterminate`.
    key_seen_at: int | None = None
    bounded_since: int | None = None
    #: Time that the service or a monotonic clock confirmed, and the latest reading of the local clock.
    confirmed_at: int | None = None
    last_seen_at: int | None = None
    #: How far the local clock was ahead at the last grant.
    clock_ahead_ms: int = 0
    #: A license, or an id, that is to replace the one in force.
    candidate: Candidate | None = None
    refusal: Refusal | None = None
    warnings: list[str] = field(default_factory=list)
    over_limit: list[str] = field(default_factory=list)
    #: Instances that were active at the last good answer.
    seats_active: int | None = None
    next_check_in: int | None = None
    last_attempt_at: int | None = None
    failures: int = 0
    last_failure: FailedContact | None = None
    usage: Usage = field(default_factory=dict)
    #: What the service has confirmed of it.
    acknowledged: Usage = field(default_factory=dict)
    #: Days of this license and instance that the service has in full.
    settled: Usage = field(default_factory=dict)
    #: Under which license it was confirmed; stays after the license is given back.
    usage_license_id: str | None = None
    #: Air-gap requests whose answer may still come: {"nonce", "usage"}.
    offline_requests: list[dict[str, Any]] = field(default_factory=list)
    #: The hash of the certificate in the last loaded license file.
    license_file_sha256: str | None = None
    #: Seats of licenses before that must still be given back, each with the members of OWED.
    owed_seats: list[dict[str, str]] = field(default_factory=list)


OWED = ("license_key", "instance_id", "certificate")

#: The members of the second copy, which an installation must not lose with state.json.
KEPT = (
    "license_key",
    "certificate",
    "proven_certificate",
    "installed_key_sha256",
    "configured_key_sha256",
    "configured_instance_id",
    "instance_id",
    "vouched_key_sha256",
)

_INSTANTS = (
    "keys_read_at",
    "high_water",
    "key_seen_at",
    "bounded_since",
    "confirmed_at",
    "last_seen_at",
    "next_check_in",
    "last_attempt_at",
)
_RECORDS: dict[str, Any] = {"refusal": Refusal, "last_failure": FailedContact, "candidate": Candidate}
#: Members of records that are instants.
_RECORD_INSTANTS = ("at", "since", "seen_at", "next_try_at")


def encode(state: State) -> str:
    values: dict[str, Any] = {"version": 1, **asdict(state)}
    for name in _INSTANTS:
        values[name] = format_instant(values[name])
    for name in _RECORDS:
        for member in _RECORD_INSTANTS:
            if values[name] and member in values[name]:
                values[name][member] = format_instant(values[name][member])
    return json.dumps(values, indent=1)


def encode_kept(state: State) -> str:
    return json.dumps({"version": 1, **{name: getattr(state, name) for name in KEPT}}, indent=1)


def decode(text: str) -> State:
    """:raises ValueError: if the text is not a state"""
    try:
        values = json.loads(text)
        if not isinstance(values, dict) or values.get("version") != 1:
            raise ValueError("not a state of version 1")
        return State(**{name: _decode(name, value) for name, value in _known(values).items()})
    except (LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def salvage(broken: str, kept: str) -> State | None:
    """What can be recovered if state.json is broken: the copy beside it, else the intact parts of the broken text.

    None if there is no license key.
    """
    try:
        values = {name: json.loads(kept).get(name) for name in KEPT}
    except (ValueError, AttributeError, RecursionError):
        found = dict(re.findall(r'"(\w+)"\s*:\s*"([^"\\]*)"', broken))
        values = {name: found.get(name) for name in KEPT}
    texts = {name: value for name, value in values.items() if isinstance(value, str) and value}
    return State(**texts) if "license_key" in texts else None


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {one.name: values[one.name] for one in fields(State) if one.name in values}


def _decode(name: str, value: Any) -> Any:
    usual = getattr(_BLANK, name)
    if value is None and usual is None:
        return None
    if name in _RECORDS:
        return _record(_RECORDS[name], value)
    if name in _INSTANTS:
        return parse_instant(_is(str, value))
    if name in ("usage", "acknowledged", "settled"):
        return _usage(value)
    if name == "offline_requests":
        return [{"nonce": str(one["nonce"]), "usage": _usage(one["usage"])} for one in value]
    if name == "owed_seats":
        return [{member: _is(str, one[member]) for member in OWED} for one in value]
    if name in ("warnings", "over_limit"):
        return [_is(str, code) for code in _is(list, value)]
    kinds: dict[str, type] = {"jwks": dict, "seats_active": int}
    return _is(type(usual) if usual is not None else kinds.get(name, str), value)


def _is(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{value!r:.40} is not what it should be")
    return value


def _record(kind: Any, value: Any) -> Any:
    members: dict[str, Any] = {}
    for one in fields(kind):
        found = value.get(one.name)
        if found is None and one.default is MISSING:
            raise ValueError(f"{one.name} is missing")
        if one.name in _RECORD_INSTANTS:
            members[one.name] = None if found is None else parse_instant(found)
        elif found is not None:
            members[one.name] = found if isinstance(one.default, (bool, int)) else str(found)
    return kind(**{**members, **({"at": members["at"] or 0} if "at" in members else {})})


def _usage(usage: Any) -> Usage:
    # Figures that the service does not take must not be stored: it would refuse every check-in from then on.
    for day, figures in usage.items():
        if not is_day(day):
            raise ValueError(f"{day} is not a day")
        for figure in (figures["requests"], figures["services"]):
            if type(figure) is not int or not 0 <= figure <= MAX_FIGURE:
                raise ValueError(f"{figure} is not a number of things")
    return {
        day: {"requests": one["requests"], "services": one["services"], **read_meters(one)}
        for day, one in usage.items()
    }


_BLANK = State()
