"""The figures of a day. They only grow, so that a day reported twice counts once.

`requests` and `services` are always there; a meter stands beside them under its kind and its code: "sum:tokens",
"peak:gpus". Requests and sums add up; of services and peaks the highest counts. Pure.
"""

from __future__ import annotations

import re
from typing import Dict, Mapping

#: By name, and such figures by day.
Figures = Dict[str, int]
Usage = Dict[str, Figures]

SUM, PEAK = "sum:", "peak:"
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")

#: The most meters of a day, and the largest figure, that the service takes.
MAX_METERS = 32
MAX_FIGURE = 1_000_000_000_000


def blank() -> Figures:
    return {"requests": 0, "services": 0}


def meter(kind: str, code: str) -> str:
    """The name of a meter's figure.

    :raises ValueError: if no meter can have this code
    """
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise ValueError("A meter's code has 1 to 64 letters of ASCII, digits, '.', '_' and '-', a letter first")
    return kind + code


def adds_up(name: str) -> bool:
    return name == "requests" or name.startswith(SUM)


def add(known: Figures, figures: Mapping[str, int]) -> None:
    """Adds what adds up and raises the others; meters beyond the most that a day may have are left out."""
    for name, figure in figures.items():
        if name in known or ":" not in name or sum(":" in one for one in known) < MAX_METERS:
            total = known.get(name, 0) + figure if adds_up(name) else max(known.get(name, 0), figure)
            known[name] = min(total, MAX_FIGURE)


def raise_to(known: Figures, figures: Mapping[str, int]) -> None:
    """The larger figures of both."""
    for name, figure in figures.items():
        known[name] = max(known.get(name, 0), figure)


def covers(told: Mapping[str, int] | None, figures: Mapping[str, int]) -> bool:
    return told is not None and all(told.get(name, 0) >= figure for name, figure in figures.items())


def untold(figures: Mapping[str, int], told: Mapping[str, int]) -> Figures:
    """What is left to report elsewhere. A highest number does not add up: one that was reported is not left."""
    left = {}
    for name, figure in figures.items():
        before = told.get(name, 0)
        rest = (figure - before if adds_up(name) else figure) if figure > before else 0
        if rest or ":" not in name:
            left[name] = rest
    return left


def meters_of(figures: Mapping[str, int]) -> Figures:
    """By code, as the service takes them."""
    found: Figures = {}
    for name, figure in figures.items():
        if ":" in name:
            raise_to(found, {name.partition(":")[2]: figure})
    return found


def read_meters(figures: Mapping[str, object]) -> Figures:
    """Those in a file. What the service does not take is left out: it would refuse every check-in from then on."""
    found: Figures = {}
    for name, figure in figures.items():
        kind, mark, code = name.partition(":")
        if kind + mark in (SUM, PEAK) and _CODE.fullmatch(code) and type(figure) is int:
            if 0 <= figure <= MAX_FIGURE and len(found) < MAX_METERS:
                found[name] = figure
    return found
