"""A drill: a license service that nobody needs to believe, and an installation that plays with it what may happen to its
license. An installation is in a drill where it expects the drill's issuer and no other.

What keeps a drill and production apart:

- A drill's documents name an issuer that no service can have, so no production installation believes one.
- In a drill, a document of any other issuer counts as one of a stranger, and a license key of another issuer is refused
  at once: else a production license could go on, undecided, while a drill's clock stands still.
- The clock can be moved in a drill alone, and only where no keys are pinned but a drill's.
- A drill keeps its state in a folder of its own below the configured one: production's records never hold its times.
"""

from __future__ import annotations

import logging
import os
import re
import time
from typing import Any, Callable, Mapping, Sequence

from .times import LAST_SECOND, SECOND, parse_instant

log = logging.getLogger("caio_licensing")

#: RFC 6761: nothing can ever be reached at a name that ends in .invalid.
DRILL_ISSUER = "https://drill.invalid"
#: What each `kid` of a drill begins with.
DRILL_KEYS = "drill-"
#: The warning that each status of a drill has, and what its detail begins with.
DRILL = "DRILL"
#: The header of requests where a drill may move the clock: the time there. By it a drill sees that it is believed.
DRILL_HEADER = "CAIO-License-Drill"
#: The folder below the configured one.
FOLDER = "drill"
#: Seconds between two looks in the background where a drill moves the clock: time goes by faster there.
LAPSE_INTERVAL = 0.2

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_OFFSET = re.compile(r"([+-])(\d{1,15})(ms|s|m|h|d)")

Clock = Callable[[], float]


def is_drill(issuers: Sequence[str]) -> bool:
    """:param issuers: in the form that is compared"""
    return bool(issuers) and all(one == DRILL_ISSUER for one in issuers)


def without_drill(issuers: Sequence[str]) -> tuple[str, ...]:
    """The drill's issuer counts alone. Beside others it would make production believe a drill, without any warning."""
    return tuple(one for one in issuers if is_drill(issuers) or one != DRILL_ISSUER)


def may_move_clock(issuers: Sequence[str], pinned: Mapping[str, Any] | None) -> bool:
    """Whether the clock of an installation may be moved."""
    keys = pinned.get("keys") if pinned else []
    kids = [one.get("kid") if isinstance(one, dict) else None for one in keys] if isinstance(keys, list) else [None]
    return is_drill(issuers) and all(isinstance(kid, str) and kid.startswith(DRILL_KEYS) for kid in kids)


def lapse(issuers: Sequence[str], pinned: Mapping[str, Any] | None, clock: Clock) -> Clock | None:
    """The clock that CAIO_LICENSE_CLOCK names, where it may be moved; a given one that is not the machine's stays."""
    told = (os.environ.get("CAIO_LICENSE_CLOCK") or "").strip()
    wanted = clock is time.time and may_move_clock(issuers, pinned)
    moved = drill_clock(told) if told and wanted else None
    if is_drill(issuers):
        log.warning("DRILL: the license comes from a drill%s.", ", which moves the clock" if moved else "")
    if told and moved is None:
        log.warning("CAIO_LICENSE_CLOCK is passed over: it takes +40d, an instant or a file, in a drill alone.")
    return moved


def offset_of(text: str, now: float) -> float | None:
    """How far the clock is from the machine's, in seconds; None if the text does not say."""
    found = _OFFSET.fullmatch(text)
    at = parse_instant(text)
    if found:
        offset = float(found.group(1) + found.group(2)) * _UNITS[found.group(3)]
    elif at is not None:
        offset = at / SECOND - now
    else:
        return None
    return offset if 0 <= now + offset <= LAST_SECOND else None


def drill_clock(told: str) -> Clock | None:
    """How far the clock is from the machine's (+40d, -3h, +1500ms), the instant at which it starts, or a file that holds
    one of these and is read each time, so that a drill can move it. None if it tells no time.
    """
    known = offset_of(told, time.time())
    if known is not None:
        return lambda: time.time() + known
    clock = _FileClock(told)
    return None if clock.offset is None else clock


class _FileClock:
    def __init__(self, path: str) -> None:
        self._path, self._text = path, ""
        self.offset: float | None = None
        self._look()

    def __call__(self) -> float:
        self._look()
        return time.time() + (self.offset or 0.0)

    def _look(self) -> None:
        try:
            with open(self._path, encoding="utf-8") as file:
                text = file.read(100).strip()
        except (OSError, ValueError):
            return  # as it was
        if text != self._text:
            self._text = text
            offset = offset_of(text, time.time())
            # A file that is broken for a moment does not move the clock back to the machine's.
            self.offset = self.offset if offset is None else offset
