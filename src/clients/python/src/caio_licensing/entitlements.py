"""What a license includes by code: a number, yes or no, a text, or no limit; some of it only until an end. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, Mapping, Tuple

from .times import parse_instant, to_datetime

#: What `null` means in a document: no limit. A number, so that `used <= value` holds; None is what is not included.
UNLIMITED = math.inf

#: By code: the value, and its end in milliseconds.
Claimed = Dict[str, Tuple[Any, "int | None"]]


@dataclass(frozen=True)
class Entitlement:
    #: A number, a bool, a text, UNLIMITED, or what a later service may send.
    value: Any
    #: From then on it is not included any more; None: as long as the license.
    until: datetime | None = None


def read_entitlements(claim: object) -> Claimed:
    """Of a document. An entry that cannot be read is left out: that stops nothing else, and gives nothing away."""
    read: Claimed = {}
    for code, entry in claim.items() if isinstance(claim, dict) else ():
        if not isinstance(entry, dict) or "value" not in entry:
            continue
        value, end = entry["value"], entry.get("until")
        until = parse_instant(end)
        if (end is not None and until is None) or (isinstance(value, float) and not math.isfinite(value)):
            continue
        read[code] = (UNLIMITED if value is None else value, until)
    return read


def entitlements_at(claimed: Claimed, now: int) -> Mapping[str, Entitlement]:
    """What has not ended."""
    return {
        code: Entitlement(value, to_datetime(until))
        for code, (value, until) in claimed.items()
        if until is None or now < until
    }


def allows(value: Any, amount: float | None) -> bool:
    """Whether a value allows the amount; without one, whether it is more than no and more than nothing."""
    if amount is None:
        return bool(value != 0)  # False is 0
    return value is True or (isinstance(value, (int, float)) and value is not False and amount <= value)
