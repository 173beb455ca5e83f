"""Work that is done again and again on threads of its own, until it is stopped."""

from __future__ import annotations

import logging
import threading
from typing import Callable, Mapping

log = logging.getLogger("caio_licensing")


class Background:
    """:param works: what to do every `interval` seconds, by the name of its thread"""

    def __init__(self, interval: float, works: Mapping[str, Callable[[], object]]) -> None:
        self._interval, self._works = interval, works
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def running(self) -> bool:
        return bool(self._threads)

    def start(self) -> None:
        if self._threads:
            return
        # Threads end with the process: a check-in that waits for an answer must not hold up its end.
        self._stop = threading.Event()
        for name, work in self._works.items():
            thread = threading.Thread(target=self._repeat, args=(work, self._stop), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=self._interval + 1)
        self._threads = []

    def after_fork(self) -> None:
        """Threads are not taken along into a child: there they are started again."""
        running, self._threads = self.running, []
        if running:
            self.start()

    def _repeat(self, work: Callable[[], object], stop: threading.Event) -> None:
        while True:
            try:
                work()
            except Exception:
                # A thread that died would end check-ins for good: the fault is told, and it goes on.
                log.exception("Licensing failed in the background")
            if stop.wait(self._interval):
                return
