"""Work that is repeated on its own threads until it is stopped; and work with a limit on the wait.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Callable, Mapping, Tuple, TypeVar

log = logging.getLogger("caio_licensing")

T = TypeVar("T")


class Background:
    """:param works: what to do and how often in seconds, by thread name"""

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
        # Threads end with the process: a check-in that waits for an answer must not delay its end.
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
        """A forked child does not inherit threads: it starts them again."""
        running, self._threads = self.running, []
        if running:
            self.start()

    def _repeat(self, interval: float, work: Callable[[], object], stop: threading.Event) -> None:
        while True:
            try:
                work()
            except Exception:
                # A dead thread would end check-ins for good: the fault is reported, and the thread continues.
                log.exception("Licensing failed in the background")
            if stop.wait(interval):
                return


_call = threading.local()


def time_left() -> float | None:
    """How many seconds requests of the current call may take; None outside of `within`. A tenth of the call's time is
    left to take in what was heard.
    """
    deadline: float | None = getattr(_call, "deadline", None)
    return None if deadline is None else deadline - time.monotonic()


def within(seconds: float, work: Callable[[], T]) -> T | None:
    """The result of the work, or None if it takes longer; then it continues by itself.

    :raises Exception: what the work raises in time
    """
    done: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    deadline = time.monotonic() + seconds * 0.9

    def run() -> None:
        _call.deadline = deadline
        try:
            done.put((work(), None))
        except BaseException as error:  # raised again in the caller
            done.put((None, error))

    try:
        threading.Thread(target=run, name="caio-license-call", daemon=True).start()
    except RuntimeError:  # no new threads: the process is about to end
        return work()
    try:
        value, error = done.get(timeout=seconds)
    except queue.Empty:
        return None
    if error:
        raise error
    return value
