"""Time that somebody vouches for: the service, who signs it, or a clock that only runs.

The local clock does not count: one that jumps ahead must end no license, and one set back must lengthen none.
"""

from __future__ import annotations

import threading
from typing import Callable


class ConfirmedTime:
    """:param monotonic: seconds from any beginning
    :param start: what was sure when the process began, in milliseconds
    """

    def __init__(self, monotonic: Callable[[], float], start: int) -> None:
        self._monotonic, self._lock = monotonic, threading.Lock()
        self._anchor = start, monotonic()

    def now(self, *known: int | None) -> int:
        """The latest time that is sure; `known` are times that others found sure."""
        with self._lock:
            (at, since), ticks = self._anchor, self._monotonic()
            sure = [at + max(0, round((ticks - since) * 1000)), *(one for one in known if one is not None)]
            self._anchor = max(sure), ticks
            return self._anchor[0]

    def after_fork(self) -> None:
        self._lock = threading.Lock()
