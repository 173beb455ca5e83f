"""Files of the state folder: read again when they change, replaced as a whole, cleaned up after a kill."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Callable, Generic, TypeVar

from .texts import read_text

log = logging.getLogger("caio_licensing")

T = TypeVar("T")

#: No write takes this long: an older file was left by a killed process.
_LEFT_BEHIND = 60


class WatchedFile(Generic[T]):
    """The content of a file, read again when it changes. If the file is lost or broken, the known content stays."""

    def __init__(self, path: Path, parse: Callable[[str], T]) -> None:
        self.path, self._parse = path, parse
        self.known: T | None = None
        self._stamp: object = None
        self._failing = False

    @property
    def is_lost(self) -> bool:
        """Whether the known content is in no readable file."""
        return self._failing and self.known is not None

    def look(self) -> T | None:
        try:
            stat = os.stat(self.path)
            stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if self._failing or stamp != self._stamp:
                self.known, self._stamp = self.load(), stamp
            self._failing = False
        except (OSError, ValueError) as error:
            if self.known is None and isinstance(error, (FileNotFoundError, NotADirectoryError)):
                return None  # the first start
            if not self._failing:
                log.error("%s cannot be read, and what was known holds on: %s", self.path, error)
            self._failing = True
        return self.known

    def load(self) -> T:
        """Its current content, for the holder of the lock: the file's stamp alone may miss a change.

        :raises OSError, ValueError:
        """
        return self._parse(read_text(self.path))

    def written(self, known: T) -> None:
        """Called by the writer: the content is known even if the file is lost before it is read again."""
        self.known, self._failing = known, False


def write_atomically(file: Path, text: str) -> None:
    """Mode 600, since the content is or may be a secret."""
    # Always the same name: a killed process's file is overwritten. Writers hold the lock.
    temporary = file.with_name(f".{file.name}.new")
    # Never waits for the reader of a pipe that somebody put there.
    at_once = getattr(os, "O_NONBLOCK", 0)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | at_once, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, file)


def hand_over(file: Path, text: str) -> None:
    """Writes a file for a courier. A device or a pipe that is already there, such as /dev/stdout, gets the text and is
    not replaced.
    """
    if file.exists() and not file.is_file() and not file.is_dir():
        file.write_text(text, encoding="utf-8")
    else:
        write_atomically(file, text)


def sweep(folder: Path, names: tuple[str, ...]) -> None:
    """Removes what killed writers of these files left: it contains the license key. For the holder of the lock."""
    with suppress(OSError):
        for found in folder.iterdir():
            ours = any(found.name == f".{name}.new" for name in names)
            # The client of the other language gives each temporary file its own name, and uses another lock.
            theirs = any(found.name.startswith(f".{name}.") for name in names) and not ours
            with suppress(OSError):
                if ours or (theirs and time.time() - found.stat().st_mtime > _LEFT_BEHIND):
                    found.unlink()
