"""Work that is done again and again on threads of its own, until it is stopped; and work that nobody waits too
long for.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import Callable, Mapping, Tuple, TypeVar

log = logging.getLogger("caio_licensing")

T = TypeVar("T")


class Background:
    """:param works: what to do every so many seconds, by the name of its thread"""

    def __init__(self, works: Mapping[str, Tuple[float, Callable[[], object]]]) -> None:
        self._works = works
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
        for name, (interval, work) in self._works.items():
            arguments = (interval, work, self._stop)
            thread = threading.Thread(target=self._repeat, args=arguments, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=1)
        self._threads = []

    def after_fork(self) -> None:
        """Threads are not taken along into a child: there they are started again."""
        running, self._threads = self.running, []
        if running:
            self.start()

    def _repeat(self, interval: float, work: Callable[[], object], stop: threading.Event) -> None:
        while True:
            try:
                work()
            except Exception:
                # A thread that died would end check-ins for good: the fault is told, and it goes on.
                log.exception("Licensing failed in the background")
            if stop.wait(interval):
                return


def within(seconds: float, work: Callable[[], T]) -> T | None:
    """What the work gives, or None where it takes longer; then it goes on by itself.

    :raises Exception: what the work raises in time
    """
    done: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # told to whoever waits
            done.put((None, error))

    try:
        threading.Thread(target=run, name="caio-license-call", daemon=True).start()
    except RuntimeError:  # no thread any more: the process is about to end
        return work()
    try:
        value, error = done.get(timeout=seconds)
    except queue.Empty:
        return None
    if error:
        raise error
    return value
