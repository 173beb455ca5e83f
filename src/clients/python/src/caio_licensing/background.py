"""Work that is repeated on its own threads until it is stopped; and work with a limit on the wait.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import queue
import threading
import time
from contextlib import suppress
from typing import Callable, Mapping, Tuple, TypeVar, cast

log = logging.getLogger("caio_licensing")

T = TypeVar("T")

#: A process that ends waits no longer for these threads, in seconds.
_FAREWELL = 0.5


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
        """Waits for the threads, but all in all no longer than `_FAREWELL`: one may wait for an answer."""
        self._stop.set()
        deadline = time.monotonic() + _FAREWELL
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=max(0.0, deadline - time.monotonic()))
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
        try:
            done.put((_bounded(deadline, work), None))
        except BaseException as error:  # raised again in the caller
            done.put((None, error))

    try:
        threading.Thread(target=run, name="caio-license-call", daemon=True).start()
    except RuntimeError:  # no new threads: the process is about to end
        return _bounded(deadline, work)
    try:
        value, error = done.get(timeout=seconds)
    except queue.Empty:
        return None
    if error:
        raise error
    return value


def _bounded(deadline: float, work: Callable[[], T]) -> T:
    """Does the work on this thread. Its requests end in time, and so does that of a call around it."""
    around: float | None = getattr(_call, "deadline", None)
    _call.deadline = deadline if around is None else min(deadline, around)
    try:
        return work()
    finally:
        _call.deadline = around


async def aside(work: Callable[[], T]) -> T:
    """Awaits the work on a thread of its own. The threads of `asyncio.to_thread` keep a process from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def tell(value: T | None, error: BaseException | None) -> None:
        if done.done():  # nobody waits any more
            return
        if error:
            done.set_exception(error)
        else:
            done.set_result(cast(T, value))

    def run() -> None:
        value: T | None = None
        fault: BaseException | None = None
        try:
            value = context.run(work)
        except BaseException as error:  # raised again in the caller
            fault = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, value, fault)

    threading.Thread(target=run, name="caio-license-call", daemon=True).start()
    return await done
