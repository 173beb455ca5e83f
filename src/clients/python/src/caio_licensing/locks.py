"""A lock between processes. The kernel drops it when its holder dies, so that none is left behind."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def file_lock(file: Path, *, wait: bool = True) -> Iterator[bool]:
    """Holds the lock for the block; False where `wait` is not wished and somebody else has it.

    On Windows, which has no flock, it does nothing: there one process may use a state folder.
    """
    if fcntl is None:
        yield True
        return
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            # Closing alone would not do: a child forked meanwhile has the same open file.
            fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)
