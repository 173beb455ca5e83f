"""The state folder: who this installation is and what it knows, kept over restarts.

Several processes may share it. Each change reads the file anew under a lock, and the new file takes the old
one's place in one step, so that no reader sees half of it and no count is lost. A disk that is full and a
volume that cannot be written stop nobody: what changed goes on in memory and is written as soon as that works.
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
from typing import Any, Iterator

from .documents import subject_of
from .locks import file_lock
from .state import State, decode, encode

log = logging.getLogger("caio_licensing")


class StateFolder:
    """:raises OSError: where there is no folder and none can be made"""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self.path / "state.json"
        self._threads = threading.RLock()
        self._reading = threading.Lock()
        self._stored: tuple[object, State] | None = None
        #: What changed and could not be written: members of the state.
        self._unwritten: dict[str, Any] = {}
        self._failing = False

    def after_fork(self) -> None:
        # Whoever held the lock in the parent does not exist here.
        self._threads, self._reading = threading.RLock(), threading.Lock()

    def read(self) -> State:
        """The state as it is now. Not to be changed: that is what `update` is for."""
        with self._reading:  # not the lock of `update`: nobody who asks waits for a disk
            stored = self._read_stored()
            return replace(stored, **self._unwritten) if self._unwritten else stored

    @property
    def is_behind(self) -> bool:
        """Whether something that changed is still to be written."""
        return bool(self._unwritten)

    @contextmanager
    def update(self, *, lasting: bool = False) -> Iterator[State]:
        """The state to be changed; written when the block ends without an exception. Where that cannot be it
        goes on in memory, all but the usage, which is sent again; with `lasting` it stays as it was.

        :raises OSError: with `lasting`, where it cannot be written
        """
        with self._threads, ExitStack() as stack:
            fault: OSError | None = None
            try:
                stack.enter_context(file_lock(self.path / "lock"))
                stored = self._load()
            except OSError as error:
                fault = error
                with self._reading:
                    stored = self._read_stored()
            state = deepcopy(replace(stored, **self._unwritten))
            before = deepcopy(state)
            yield state
            try:
                if fault:
                    raise fault
                if state != stored:
                    self.write_file("state.json", encode(state))
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
        """Generated once. A container's host name would be another one after each start."""
        known = self._read_instance_id()
        if known is None:
            with self._threads, file_lock(self.path / "lock"):
                known = self._read_instance_id()
                if known is None:
                    # The certificate remembers: under another name the installation would take another seat.
                    known = subject_of(self.read().certificate or "") or str(uuid.uuid4())
                    self.write_file("instance_id", known + "\n")
        return known

    def _read_instance_id(self) -> str | None:
        try:
            known = (self.path / "instance_id").read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        except ValueError:
            known = ""
        if is_instance_id(known):
            return known
        log.error("The file instance_id holds none and is made anew")
        return None

    def adopt_instance_id(self, instance_id: str) -> None:
        """Takes an id that was chosen elsewhere."""
        with self._threads, file_lock(self.path / "lock"):
            self.write_file("instance_id", instance_id + "\n")

    def write_file(self, name: str, text: str) -> None:
        """Puts a whole file in place of the old one, on disk before it has the name."""
        write_atomically(self.path / name, text)

    def _read_stored(self) -> State:
        """What is in the file, or was when it could be read last."""
        try:
            stamp = self._stamp()
            if self._stored is None or self._stored[0] != stamp:
                self._stored = (stamp, self._load())
        except OSError as error:
            log.error("The license's state cannot be read: %s", error)
        return self._stored[1] if self._stored else State()

    def _stamp(self) -> object:
        try:
            stat = os.stat(self._file)
        except FileNotFoundError:
            return None
        return (stat.st_ino, stat.st_mtime_ns, stat.st_size)

    def _load(self) -> State:
        try:
            return decode(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return State()
        except ValueError as error:
            # A broken file must not stop production: the license is activated anew. It is kept to be looked at.
            aside = self._file.with_name(f"state.json.broken-{uuid.uuid4().hex[:8]}")
            log.error("The license's state is broken (%s) and is put aside as %s", error, aside)
            try:
                os.replace(self._file, aside)
            except OSError:
                pass  # another process was faster, or nothing can be written
            return State()


def _changes(before: State, after: State) -> dict[str, Any]:
    members = {one.name: getattr(after, one.name) for one in fields(State)}
    # Of the usage other processes write as well. It is cumulative: what is not noted is sent again.
    kept = members.keys() - {"usage", "acknowledged"}
    return {name: members[name] for name in kept if members[name] != getattr(before, name)}


def is_instance_id(text: str) -> bool:
    """As the service takes it: 1 to 128 printable characters."""
    printable = all(unicodedata.category(one)[0] != "C" for one in text)
    return printable and bool(text.strip()) and len(text) <= 128


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
