"""What an installation used in a month, by its own count, to be compared with the service's statement. Pure."""

from __future__ import annotations

import re
from calendar import monthrange
from typing import Any

from .meters import Figures, Usage, covers, meters_of


def statement_of(month: str, known: Usage, told: Usage, today: str) -> dict[str, Any]:
    """
    :param month: YYYY-MM
    :param told: what the service has
    :raises ValueError: for anything but a month
    """
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month):
        raise ValueError("A month is YYYY-MM")
    last = monthrange(int(month[:4]), int(month[5:]))[1]
    days = [f"{month}-{number:02}" for number in range(1, last + 1)]
    used = {day: known[day] for day in days if day in known}
    meters = {day: meters_of(figures) for day, figures in used.items()}
    codes = sorted({code for figures in meters.values() for code in figures})
    return {
        "month": month,
        "requests": _over(list(used.values()), "requests"),
        "services": _over(list(used.values()), "services"),
        "meters": {code: _over(list(meters.values()), code) for code in codes},
        # Of today there may still come one.
        "days_without_report": [day for day in days if day not in used and day < today],
        "days_not_taken": [day for day, figures in used.items() if not covers(told.get(day), figures)],
    }


def _over(days: list[Figures], name: str) -> dict[str, int]:
    figures = [one.get(name, 0) for one in days]
    return {"total": sum(figures), "peak": max(figures, default=0)}
