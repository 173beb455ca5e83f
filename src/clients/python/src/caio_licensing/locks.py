"""A lock between processes. The kernel releases it when its holder dies, so that none is left behind."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_held: set[int] = set()


@contextmanager
def file_lock(file: Path, *, patience: float) -> Iterator[bool]:
    """Holds the lock for the block; False if another process has it for longer than `patience` seconds.

    On Windows, which has no flock, it does nothing: there one process may use a state folder.
    """
    if fcntl is None:
        yield True
        return
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _held.add(handle)
    try:
        # Polled: a paused process holds its lock forever, and flock has no time-out.
        deadline = time.monotonic() + patience
        while not _taken(handle):
            left = deadline - time.monotonic()
            if left <= 0:
                yield False
                return
            time.sleep(min(0.005, left))
        try:
            yield True
        finally:
            # Closing alone is not enough: a child forked meanwhile has the same open file.
            if handle in _held:
                fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        if handle in _held:
            _held.discard(handle)
            os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class SharedLock:
    """Held by every process on a folder at once; the last one to leave finds that nobody else has it.

    It is on the folder itself, so it also works if nothing can be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: int | None = None
        self._take()

    def _take(self) -> None:
        if fcntl is None:
            return
        with suppress(OSError):
            self._handle = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self._handle, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def leave(self) -> bool:
        """Whether nobody is left. Callers take turns."""
        if self._handle is None or fcntl is None:
            return True
        try:
            return _taken(self._handle)
        finally:
            os.close(self._handle)
            self._handle = None

    def after_fork(self) -> None:
        # The parent's lock is also open here, and stays the parent's: this process needs its own.
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
            self._take()


def _close_inherited() -> None:
    # If the parent is killed, a child that kept the parent's lock open would hold it as long as the child lives.
    for handle in _held:
        os.close(handle)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)
