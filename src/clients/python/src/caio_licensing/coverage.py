"""Which versions of the product a license covers, by when they were built. Pure. It stops nothing."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from typing import Union

from .times import parse_instant

#: An aware datetime or RFC 3339, or a date, which begins at midnight UTC.
BuiltAt = Union[str, datetime, date]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def built_at_of(value: BuiltAt) -> int | None:
    """In milliseconds; None where it is no time."""
    if isinstance(value, datetime):
        return None if value.tzinfo is None else parse_instant(value.astimezone(timezone.utc).isoformat())
    text = value.isoformat() if isinstance(value, date) else value.strip().upper()
    return parse_instant(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)


def is_covered(updates_until: int | None, built_at: int | None) -> bool:
    return updates_until is None or built_at is None or built_at < updates_until
