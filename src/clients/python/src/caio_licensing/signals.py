"""SIGTERM as a normal end, for an application that does not handle it.

Python runs a handler on the main thread, and only between two of its steps. A signal that arrives just before that
thread begins to wait is not noticed until the wait is over, which may be never; and during a long computation in C no
handler runs at all. Without a handler the process would have ended: another thread sees to it that it still does.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Callable

_TERM = signal.SIGTERM
#: For how many seconds the main thread may run no handler, and how often it is woken meanwhile.
_PATIENCE = 10.0
_AGAIN = 0.1

_close: Callable[[], None] = lambda: None
_begun = threading.Event()
_begun_at = 0.0
#: Both ends of the line on which Python reports signals to a thread.
_line: tuple[socket.socket, socket.socket] | None = None
_forking = threading.local()


def end_orderly(close: Callable[[], None]) -> None:
    """From now on SIGTERM is a normal end, unless the application handles it or this is not the main thread.

    :param close: what is due at the end, if the main thread cannot end normally
    """
    global _close
    on_main_thread = threading.current_thread() is threading.main_thread()
    if on_main_thread and signal.getsignal(_TERM) is signal.SIG_DFL:
        _close = close
        _listen()
        signal.signal(_TERM, _end)


def _end(number: int, _: Any) -> None:
    # On SIGTERM Python skips its exit handlers, and as process 1 of a container it does not even end.
    global _begun_at
    woken_twice = _begun.is_set() and time.monotonic() - _begun_at < 1
    # What a hook of fork raises is lost; the thread comes back to it.
    if not woken_twice and not hasattr(_forking, "mask"):
        _begun_at = time.monotonic()
        _begun.set()
        sys.exit(128 + number)


def _listen() -> None:
    global _line
    if not hasattr(signal, "pthread_kill"):  # Windows, where SIGTERM ends a process at once
        return
    # Not a pipe: what replaces threads by an event loop replaces sockets too, and then nothing blocks the loop.
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    former = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    if former != -1:  # an event loop's: the signal wakes its main thread
        signal.set_wakeup_fd(former)
        return
    _line = reading, writing
    arguments = (reading, threading.main_thread().ident)
    with suppress(RuntimeError):  # no new threads: then the handler alone has to do
        threading.Thread(target=_see_to_it, args=arguments, name="caio-license-end", daemon=True).start()


def _see_to_it(reading: socket.socket, main: int) -> None:
    while reported := reading.recv(1):
        if reported[0] == _TERM and signal.getsignal(_TERM) is _end:
            break
    else:
        return
    deadline = time.monotonic() + _PATIENCE
    while not _begun.wait(_AGAIN):
        if time.monotonic() >= deadline:
            _close()
            os._exit(128 + _TERM)
        signal.pthread_kill(main, _TERM)  # a thread that waits is woken by it, and runs the handler


def before_fork() -> None:
    # Until the child has a line of its own, a signal to the child would be reported to the parent. And what a handler
    # raises within a hook of fork is lost.
    if _line:
        _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, [_TERM])


def after_fork_in_parent() -> None:
    if hasattr(_forking, "mask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)
        del _forking.mask


def after_fork_in_child() -> None:
    global _begun, _line
    if _line:
        inherited, _line = _line, None
        _begun = threading.Event()  # a thread of the parent may hold its lock
        former = signal.set_wakeup_fd(-1)
        if former == inherited[1].fileno():
            _listen()
        elif former != -1:
            signal.set_wakeup_fd(former)
        for end in inherited:
            end.close()
    after_fork_in_parent()
