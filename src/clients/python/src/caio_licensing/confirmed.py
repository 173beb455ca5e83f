"""Time that can be trusted: from the service, which signs it, or from a monotonic clock.

The local clock does not count: a jump ahead must not end a license, and a step back must not extend one.
"""

from __future__ import annotations

import threading
from typing import Callable


class ConfirmedTime:
    """:param monotonic: seconds from any beginning
    :param start: the confirmed time when the process began, in milliseconds
    """

    def __init__(self, monotonic: Callable[[], float], start: int) -> None:
        self._monotonic, self._lock = monotonic, threading.Lock()
        self._anchor = start, monotonic()

    def now(self, *known: int | None) -> int:
        """The latest confirmed time; `known` are times that others confirmed."""
        with self._lock:
            (at, since), ticks = self._anchor, self._monotonic()
            sure = [at + max(0, round((ticks - since) * 1000)), *(one for one in known if one is not None)]
            self._anchor = max(sure), ticks
            return self._anchor[0]

    def after_fork(self) -> None:
        self._lock = threading.Lock()
