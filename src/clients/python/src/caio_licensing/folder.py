"""The state folder: the installation's id and what it knows, kept across restarts.

Several processes may share it. Each change reads the file again under a lock, and the new file replaces the
old one in one step, so that no reader sees half of it and no count is lost. A full disk, a read-only volume
or a lost file stops nobody: the state stays in memory and is written as soon as that works. If there is no
place to write at all, only memory is used.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Callable, Iterator

from .documents import claim_of
from .files import WatchedFile, sweep, write_atomically
from .locks import file_lock
from .state import KEPT, State, decode, encode, encode_kept, salvage
from .texts import clean_instance_id, is_instance_id, read_bytes

log = logging.getLogger("caio_licensing")

#: A change takes milliseconds. A process that holds the lock longer was paused, and nobody waits for it.
PATIENCE = 2.0
_BROKEN = (ValueError, IsADirectoryError)  # what reading says if the content is of no use
_KEPT = "kept.json"
_NAMES = ("state.json", _KEPT, "instance_id", "instance.key.json")


class StateFolder:
    """:param path: None if there is no place for a folder
    :param instance_id: for a folder that has none yet; generated if not given
    :param before_writing: what is added to each change
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        instance_id: str | None = None,
        before_writing: Callable[[State], None] = lambda _: None,
    ) -> None:
        self.path = Path(os.devnull, "nowhere") if path is None else Path(path)
        self._state = WatchedFile(self.path / "state.json", decode)
        self._identity = WatchedFile(self.path / "instance_id", _instance_id)
        self._threads, self._reading, self._turns = threading.RLock(), threading.Lock(), threading.Lock()
        #: Members of the state that changed and could not be written.
        self._unwritten: dict[str, Any] = {}
        self._failing = False
        #: The whole state if nothing can be written, and the installation's id.
        self._memory: State | None = None
        self._name = ""
        self._before_writing = before_writing
        self._open(instance_id)

    def _open(self, instance_id: str | None) -> None:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._threads, self._locked():
                sweep(self.path, _NAMES)
                self._load()  # repairs a broken state before it is used
            self._make_identity(instance_id)
        except OSError as error:
            self._failing = True
            log.warning(
                "Nothing can be kept in %s (%s): the license goes on in memory and is asked for anew after a "
                "restart. Give the state a volume, or CAIO_LICENSE_INSTANCE_ID a name that stays.",
                self.path,
                error,
            )
            with self._reading:
                if self._identity.look() is None:
                    self._memory = self._state.look() or _salvaged(self.path) or State()
                    held = claim_of(self._memory.certificate or "", "sub")
                    self._name = held or instance_id or str(uuid.uuid4())

    def after_fork(self) -> None:
        # The thread that held the lock in the parent does not exist here.
        self._threads, self._reading, self._turns = threading.RLock(), threading.Lock(), threading.Lock()

    @property
    def is_kept(self) -> bool:
        """Whether the state outlives the process, as far as known."""
        return not self._failing

    @property
    def patience(self) -> float:
        """The longest wait for another process, in seconds."""
        return PATIENCE

    @property
    def in_memory(self) -> bool:
        return self._memory is not None

    def read(self) -> State:
        """The current state. Do not change it; use `update`."""
        if self._memory is not None:
            return self._memory
        with self._reading:  # not the lock of `update`: a reader never waits for a disk
            stored = self._state.look() or State()
            return replace(stored, **self._unwritten) if self._unwritten else stored

    @property
    def is_behind(self) -> bool:
        """Whether something still has to be written."""
        return bool(self._unwritten) or self._state.is_lost or (self._failing and self._memory is None)

    @contextmanager
    def update(self, *, lasting: bool = False) -> Iterator[State]:
        """The state to change; written when the block ends without an exception. If that fails, the change stays
        in memory, except usage, which is sent again; with `lasting` nothing changes.

        :raises OSError: with `lasting`, if it cannot be written
        """
        with self._threads:
            if self._memory is None:
                with self._update(lasting) as state:
                    yield state
                return
            state = deepcopy(self._memory)
            yield state
            if state != self._memory:
                self._before_writing(state)
            self._memory = state

    @contextmanager
    def _update(self, lasting: bool) -> Iterator[State]:
        with ExitStack() as stack:
            found: State | None = None
            fault: OSError | None = None
            try:
                stack.enter_context(self._locked())
                found = self._load()
            except OSError as error:
                fault = error
            with self._reading:
                stored = found or self._state.look() or State()
            state = deepcopy(replace(stored, **self._unwritten))
            before = deepcopy(state)
            yield state
            if state != stored:
                self._before_writing(state)
            try:
                if fault:
                    raise fault
                if state != stored or self._state.is_lost:
                    self._write_kept(stored, state)
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
    def turn(self, patience: float) -> Iterator[bool]:
        """Lets one process at a time talk to the service; False if another one has the turn for all that time."""
        if self._memory is not None:
            mine = self._turns.acquire(timeout=patience) if patience else self._turns.acquire(blocking=False)
            try:
                yield mine
            finally:
                if mine:
                    self._turns.release()
            return
        with ExitStack() as stack:
            try:
                mine = stack.enter_context(file_lock(self.path / "check-in.lock", patience=patience))
            except OSError:
                mine = True  # if nothing can be written, each process asks for itself
            yield mine

    def instance_id(self) -> str:
        """Generated once. A container's host name would differ after each start."""
        chosen = self.read().instance_id
        if chosen or self._memory is not None:
            return chosen or self._name
        with self._reading:
            known = self._identity.look()
        if known is None:  # removed before this process read it
            self._make_identity(None)
            with self._reading:
                known = self._identity.look()
        return known or self._name

    def adopt_instance_id(self, instance_id: str) -> None:
        """Takes an id that was chosen elsewhere, unless another process was first.

        :raises ValueError: if the installation is activated under another id
        """
        with self.update() as state:
            held = state.instance_id or self._named()
            if held == instance_id:
                return
            if state.certificate:
                raise ValueError(f"This installation is activated as {held}.")
            if self._memory is None:
                self._write_instance_id(instance_id)
            self._name, state.instance_id = instance_id, None

    def _named(self) -> str | None:
        with self._reading:
            return self._name if self._memory is not None else self._identity.look()

    def write_file(self, name: str, text: str) -> None:
        """Replaces a file by a whole new one, which is on disk before it gets the name."""
        write_atomically(self.path / name, text)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with file_lock(self.path / "lock", patience=PATIENCE) as mine:
            if not mine:
                raise TimeoutError("another process holds the state folder")
            yield

    def _write_kept(self, before: State, after: State) -> None:
        """Writes a second copy of what must not be lost, before the state itself."""
        changed = any(getattr(before, name) != getattr(after, name) for name in KEPT)
        if changed or (after.license_key and not (self.path / _KEPT).exists()):
            self.write_file(_KEPT, encode_kept(after))

    def _make_identity(self, wanted: str | None) -> None:
        with self._threads, self._locked():
            try:
                self._name = self._identity.load()
                return
            except FileNotFoundError:
                pass
            except _BROKEN as error:
                self._set_aside("instance_id", error)
            # The certificate remembers the id: under another id the installation would take another seat.
            self._name = claim_of(self.read().certificate or "", "sub") or wanted or str(uuid.uuid4())
            self._write_instance_id(self._name)

    def _write_instance_id(self, instance_id: str) -> None:
        self.write_file("instance_id", instance_id + "\n")
        with self._reading:
            self._identity.written(instance_id)

    def _set_aside(self, name: str, error: Exception) -> None:
        file = self.path / name
        aside = self.path / f"{name}.broken-{uuid.uuid4().hex[:8]}"
        if not (file.stat().st_size or name == "state.json"):
            return
        log.error("%s is broken (%s) and is put aside as %s", file, error, aside)
        try:
            # It stays until a new one replaces it: after a kill in between nobody must think that it was removed.
            os.link(file, aside, follow_symlinks=False)
        except (OSError, NotImplementedError):  # a folder, or a file system without links
            os.replace(file, aside)

    def _load(self) -> State | None:
        """The content of the file, for the holder of the lock; None if there is no whole file.

        :raises OSError: if it cannot be read
        """
        try:
            return self._state.load()
        except FileNotFoundError:
            return None
        except _BROKEN as error:
            # A broken file must not stop production: the known state is written again, the file kept.
            found = self._state.known or _salvaged(self.path) or State()
            self._state.written(found)  # also where nothing can be written
            self._set_aside("state.json", error)
            self.write_file("state.json", encode(found))
            return found


def _salvaged(folder: Path) -> State | None:
    texts = []
    for name in ("state.json", _KEPT):
        try:
            texts.append(read_bytes(folder / name).decode("utf-8", "replace"))
        except (OSError, ValueError):
            texts.append("")
    return salvage(*texts) if texts[0] or (folder / "state.json").exists() else None


def _changes(before: State, after: State) -> dict[str, Any]:
    members = {one.name: getattr(after, one.name) for one in fields(State)}
    # Other processes write usage too. It is cumulative: what is not noted is sent again.
    kept = members.keys() - {"usage", "acknowledged", "settled"}
    return {name: members[name] for name in kept if members[name] != getattr(before, name)}


def _instance_id(text: str) -> str:
    if not is_instance_id(clean_instance_id(text)):
        raise ValueError("it holds no instance id")
    return clean_instance_id(text)
