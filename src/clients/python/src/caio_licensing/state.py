"""What an installation knows, and how it is written down."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Dict

from .rules import Refusal
from .times import day_of, format_instant, parse_instant

Usage = Dict[str, Dict[str, int]]


@dataclass
class State:
    """state.json. Instants are milliseconds here and RFC 3339 in the file."""

    license_key: str | None = None
    #: Of the key that the operator configured last; the one above may have come from the service since.
    installed_key_sha256: str | None = None
    certificate: str | None = None
    revocations: str | None = None
    jwks: dict[str, Any] | None = None
    high_water: int | None = None
    refusal: Refusal | None = None
    warnings: list[str] = field(default_factory=list)
    #: Instances that were active at the last good answer.
    seats_active: int | None = None
    next_check_in: int | None = None
    last_attempt_at: int | None = None
    failures: int = 0
    usage: Usage = field(default_factory=dict)
    #: What the service has confirmed of it.
    acknowledged: Usage = field(default_factory=dict)
    #: Of which license it has; it stays when the license is given back.
    usage_license_id: str | None = None
    #: Air-gap requests whose answer may still come: {"nonce", "usage"}.
    offline_requests: list[dict[str, Any]] = field(default_factory=list)


_KINDS = {"jwks": dict, "refusal": dict, "seats_active": int}
_INSTANTS = ("high_water", "next_check_in", "last_attempt_at")

#: The largest figure that the service takes.
MAX_FIGURE = 1_000_000_000_000


def encode(state: State) -> str:
    values: dict[str, Any] = {"version": 1, **asdict(state)}
    for name in _INSTANTS:
        values[name] = format_instant(values[name])
    if state.refusal:
        values["refusal"]["at"] = format_instant(state.refusal.at)
    return json.dumps(values, indent=1)


def decode(text: str) -> State:
    """:raises ValueError: where the text is not a state"""
    try:
        return _decode(text)
    except (LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _decode(text: str) -> State:
    values = json.loads(text)
    if not isinstance(values, dict) or values.get("version") != 1:
        raise ValueError("not a state of version 1")
    known = {one.name: values[one.name] for one in fields(State) if one.name in values}
    blank = State()
    for name, value in known.items():
        usual = getattr(blank, name)
        kind = type(usual) if usual is not None else _KINDS.get(name, str)
        if not isinstance(value, kind) and not (value is None and usual is None):
            raise ValueError(f"{name} is not what it should be")
    if not all(isinstance(code, str) for code in known.get("warnings", ())):
        raise ValueError("warnings are not what they should be")
    for name in _INSTANTS:
        known[name] = parse_instant(known.get(name))
    refusal = known.get("refusal")
    if refusal is not None:
        known["refusal"] = Refusal(
            code=str(refusal["code"]),
            detail=str(refusal["detail"]),
            at=parse_instant(refusal["at"]) or 0,
            key_sha256=str(refusal["key_sha256"]),
        )
    for name in ("usage", "acknowledged"):
        known[name] = _decode_usage(known.get(name, {}))
    known["offline_requests"] = [
        {"nonce": str(one["nonce"]), "usage": _decode_usage(one["usage"])}
        for one in known.get("offline_requests", ())
    ]
    return State(**known)


def _decode_usage(usage: Any) -> Usage:
    # What the service would not take must not get there: it would answer no check-in from then on.
    for day, figures in usage.items():
        midnight = parse_instant(f"{day}T00:00:00Z")
        if midnight is None or day_of(midnight) != day:
            raise ValueError(f"{day} is not a day")
        for figure in (figures["requests"], figures["services"]):
            if type(figure) is not int or not 0 <= figure <= MAX_FIGURE:
                raise ValueError(f"{figure} is not a number of things")
    return {day: {"requests": one["requests"], "services": one["services"]} for day, one in usage.items()}
