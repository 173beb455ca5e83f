"""The state folder: who this installation is and what it knows, kept over restarts.

Several processes may share it. Each change reads the file anew under a lock, and the new file takes the old
one's place in one step, so that no reader sees half of it and no count is lost. A disk that is full, a volume
that cannot be written and a file that is lost stop nobody: what is known goes on in memory and is written as
soon as that works.
"""

from __future__ import annotations

import logging
import os
import threading
import unicodedata
import uuid
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Callable, Generic, Iterator, TypeVar

from .documents import claim_of
from .locks import file_lock
from .state import State, decode, encode

log = logging.getLogger("caio_licensing")

T = TypeVar("T")


class _File(Generic[T]):
    """What a file holds, read again when it changes. What was known holds on where it is lost or broken."""

    def __init__(self, path: Path, parse: Callable[[str], T]) -> None:
        self.path, self._parse = path, parse
        self.known: T | None = None
        self._stamp: object = None
        self._failing = False

    @property
    def is_lost(self) -> bool:
        """Whether what is known is in no file that can be read."""
        return self._failing and self.known is not None

    def look(self) -> T | None:
        try:
            stat = os.stat(self.path)
            stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if self._failing or stamp != self._stamp:
                self.known, self._stamp = self.load(), stamp
            self._failing = False
        except (OSError, ValueError) as error:
            if self.known is None and isinstance(error, FileNotFoundError):
                return None  # the first start
            if not self._failing:
                log.error("%s cannot be read, and what was known holds on: %s", self.path, error)
            self._failing = True
        return self.known

    def load(self) -> T:
        """What it holds now, for whoever has the lock: a stamp alone may miss a change.

        :raises OSError, ValueError:
        """
        return self._parse(self.path.read_text("utf-8"))

    def written(self, known: T) -> None:
        """Told by whoever wrote it: it is known even if the file is lost before the next look."""
        self.known, self._failing = known, False


class StateFolder:
    """:raises OSError: where there is no folder and none can be made"""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._state = _File(self.path / "state.json", decode)
        self._identity = _File(self.path / "instance_id", _instance_id)
        self._threads = threading.RLock()
        self._reading = threading.Lock()
        #: What changed and could not be written: members of the state.
        self._unwritten: dict[str, Any] = {}
        self._failing = False

    def after_fork(self) -> None:
        # Whoever held the lock in the parent does not exist here.
        self._threads, self._reading = threading.RLock(), threading.Lock()

    def read(self) -> State:
        """The state as it is now. Not to be changed: that is what `update` is for."""
        with self._reading:  # not the lock of `update`: nobody who asks waits for a disk
            stored = self._state.look() or State()
            return replace(stored, **self._unwritten) if self._unwritten else stored

    @property
    def is_behind(self) -> bool:
        """Whether something that is known is still to be written."""
        return bool(self._unwritten) or self._state.is_lost

    @contextmanager
    def update(self, *, lasting: bool = False) -> Iterator[State]:
        """The state to be changed; written when the block ends without an exception. Where that cannot be it
        goes on in memory, all but the usage, which is sent again; with `lasting` it stays as it was.

        :raises OSError: with `lasting`, where it cannot be written
        """
        with self._threads, ExitStack() as stack:
            found: State | None = None
            fault: OSError | None = None
            try:
                stack.enter_context(file_lock(self.path / "lock"))
                found = self._load()
            except OSError as error:
                fault = error
            with self._reading:
                stored = found or self._state.look() or State()
            state = deepcopy(replace(stored, **self._unwritten))
            before = deepcopy(state)
            yield state
            try:
                if fault:
                    raise fault
                if state != stored or self._state.is_lost:
                    self.write_file("state.json", encode(state))
                    with self._reading:
                        self._state.written(state)
                self._unwritten, self._failing = {}, False
            except OSError as error:
                if not self._failing:
                    log.error("The license's state cannot be written and goes on in memory: %s", error)
                    self._failing = True
                if lasting:
                    raise
                self._unwritten = {**self._unwritten, **_changes(before, state)}

    @contextmanager
    def turn(self, *, wait: bool) -> Iterator[bool]:
        """Lets one process at a time talk to the service; False where it is another's turn."""
        with ExitStack() as stack:
            try:
                mine = stack.enter_context(file_lock(self.path / "check-in.lock", wait=wait))
            except OSError:
                mine = True  # where nothing can be written each asks for itself
            yield mine

    def instance_id(self) -> str:
        """Generated once. A container's host name would be another one after each start.

        :raises OSError: where there is none yet and none can be written
        """
        with self._reading:
            known = self._identity.look()
        if known is None:
            with self._threads, file_lock(self.path / "lock"):
                try:
                    known = self._identity.load()
                except (FileNotFoundError, ValueError):
                    # The certificate remembers: under another name the installation would take another seat.
                    known = claim_of(self.read().certificate or "", "sub") or str(uuid.uuid4())
                    self._write_instance_id(known)
        return known

    def adopt_instance_id(self, instance_id: str) -> None:
        """Takes an id that was chosen elsewhere, unless another process did so before.

        :raises ValueError: where the installation is activated under another one
        """
        with self._threads, file_lock(self.path / "lock"):
            with self._reading:
                held = self._identity.look()
            if held == instance_id:
                return
            if self.read().certificate:
                raise ValueError(f"This installation is activated as {held}.")
            self._write_instance_id(instance_id)

    def _write_instance_id(self, instance_id: str) -> None:
        self.write_file("instance_id", instance_id + "\n")
        with self._reading:
            self._identity.written(instance_id)

    def write_file(self, name: str, text: str) -> None:
        """Puts a whole file in place of the old one, on disk before it has the name."""
        write_atomically(self.path / name, text)

    def _load(self) -> State | None:
        """What the file holds, for whoever has the lock; None where there is none that is whole.

        :raises OSError: where it cannot be read
        """
        try:
            return self._state.load()
        except FileNotFoundError:
            return None
        except ValueError as error:
            # A broken file must not stop production: what is known is written anew. It is kept to be looked at.
            aside = self.path / f"state.json.broken-{uuid.uuid4().hex[:8]}"
            log.error("The license's state is broken (%s) and is put aside as %s", error, aside)
            os.replace(self._state.path, aside)
            return None


def _changes(before: State, after: State) -> dict[str, Any]:
    members = {one.name: getattr(after, one.name) for one in fields(State)}
    # Of the usage other processes write as well. It is cumulative: what is not noted is sent again.
    kept = members.keys() - {"usage", "acknowledged"}
    return {name: members[name] for name in kept if members[name] != getattr(before, name)}


def is_instance_id(text: str) -> bool:
    """As the service takes it: 1 to 128 printable characters."""
    printable = all(unicodedata.category(one)[0] != "C" for one in text)
    return printable and bool(text.strip()) and len(text) <= 128


def _instance_id(text: str) -> str:
    if not is_instance_id(text.strip()):
        raise ValueError("it holds no instance id")
    return text.strip()


def write_atomically(file: Path, text: str) -> None:
    """Mode 600, for what is written is a secret or may be one."""
    # Always the same name: what a killed process left behind is written over. Writers hold the lock.
    temporary = file.with_name(f".{file.name}.new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, file)
