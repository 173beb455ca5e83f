"""Instants as integers in milliseconds, as the service counts them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})")
#: The last second of the year 9999, where RFC 3339 ends.
LAST_SECOND = 253_402_300_799


def to_datetime(at: int | None) -> datetime | None:
    return None if at is None else _EPOCH + timedelta(milliseconds=at)


def format_instant(at: int | None) -> str | None:
    """RFC 3339 in UTC with milliseconds."""
    if at is None:
        return None
    text = (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def parse_instant(text: object) -> int | None:
    """The milliseconds of an RFC 3339 instant; None for anything else."""
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        return None
    fraction = re.search(r"\.(\d+)", text)
    # Before Python 3.11 datetime.fromisoformat takes neither Z nor an arbitrary number of digits.
    whole = re.sub(r"\.\d+", "", text).replace("Z", "+00:00")
    try:
        at = datetime.fromisoformat(whole) - _EPOCH
    except (ValueError, OverflowError):
        return None
    millis = int(fraction.group(1).ljust(3, "0")[:3]) if fraction else 0
    return (at.days * 86_400 + at.seconds) * SECOND + millis


def day_of(at: int) -> str:
    """The UTC day of an instant, as YYYY-MM-DD."""
    return (_EPOCH + timedelta(milliseconds=at)).strftime("%Y-%m-%d")


def is_day(text: object) -> bool:
    midnight = parse_instant(f"{text}T00:00:00Z")
    return midnight is not None and day_of(midnight) == text
