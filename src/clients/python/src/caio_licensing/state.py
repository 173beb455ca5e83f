"""The state folder: who this installation is and what it knows, kept over restarts.

Several processes may share it. Each change reads the file anew under a lock, and the new file takes the old
one's place in one step, so that no reader sees half of it and no count is lost.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, Iterator

from .locks import file_lock
from .rules import Refusal
from .times import format_instant, parse_instant

log = logging.getLogger("caio_licensing")

Usage = Dict[str, Dict[str, int]]


@dataclass
class State:
    """state.json. Instants are milliseconds here and RFC 3339 in the file."""

    license_key: str | None = None
    #: Of the key that the operator configured last; the one above may have come from the service since.
    installed_key_sha256: str | None = None
    certificate: str | None = None
    revocations: str | None = None
    jwks: dict[str, Any] | None = None
    high_water: int | None = None
    refusal: Refusal | None = None
    warnings: list[str] = field(default_factory=list)
    #: Instances that were active at the last good answer.
    seats_active: int | None = None
    next_check_in: int | None = None
    last_attempt_at: int | None = None
    failures: int = 0
    usage: Usage = field(default_factory=dict)
    #: What the service has confirmed of it.
    acknowledged: Usage = field(default_factory=dict)
    #: Air-gap requests whose answer may still come: {"nonce", "usage"}.
    offline_requests: list[dict[str, Any]] = field(default_factory=list)


_KINDS = {"jwks": dict, "refusal": dict, "seats_active": int}
_INSTANTS = ("high_water", "next_check_in", "last_attempt_at")


def _encode(state: State) -> str:
    values: dict[str, Any] = {"version": 1, **asdict(state)}
    for name in _INSTANTS:
        values[name] = format_instant(values[name])
    if state.refusal:
        values["refusal"]["at"] = format_instant(state.refusal.at)
    return json.dumps(values, indent=1)


def _decode(text: str) -> State:
    """:raises ValueError: where the text is not a state"""
    values = json.loads(text)
    if not isinstance(values, dict) or values.get("version") != 1:
        raise ValueError("not a state of version 1")
    known = {one.name: values[one.name] for one in fields(State) if one.name in values}
    blank = State()
    for name, value in known.items():
        usual = getattr(blank, name)
        kind = type(usual) if usual is not None else _KINDS.get(name, str)
        if value is not None and not isinstance(value, kind):
            raise ValueError(f"{name} is not what it should be")
    for name in _INSTANTS:
        known[name] = parse_instant(known.get(name))
    refusal = known.get("refusal")
    if refusal is not None:
        known["refusal"] = Refusal(
            code=str(refusal["code"]),
            detail=str(refusal["detail"]),
            at=parse_instant(refusal["at"]) or 0,
            key_sha256=str(refusal["key_sha256"]),
        )
    for name in ("usage", "acknowledged"):
        known[name] = {
            str(day): {"requests": int(figures["requests"]), "services": int(figures["services"])}
            for day, figures in known.get(name, {}).items()
        }
    return State(**known)


class StateFolder:
    """:raises OSError: where the folder cannot be made or written"""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self.path / "state.json"
        self._threads = threading.RLock()
        self._reading = threading.Lock()
        self._cached: tuple[object, State] | None = None

    def after_fork(self) -> None:
        # Whoever held the lock in the parent does not exist here.
        self._threads, self._reading = threading.RLock(), threading.Lock()

    def read(self) -> State:
        """The state as it is now. Not to be changed: that is what `update` is for."""
        with self._reading:  # not the lock of `update`: nobody who asks waits for a disk
            stamp = self._stamp()
            if self._cached is None or self._cached[0] != stamp:
                self._cached = (stamp, self._load())
            return self._cached[1]

    @contextmanager
    def update(self) -> Iterator[State]:
        """The state to be changed; written when the block ends without an exception."""
        with self._threads, file_lock(self.path / "lock"):
            state = self._load()
            before = _encode(state)
            yield state
            after = _encode(state)
            if after != before:
                self.write_file("state.json", after)

    @contextmanager
    def turn(self, *, wait: bool) -> Iterator[bool]:
        """Lets one process at a time talk to the service; False where it is another's turn."""
        with file_lock(self.path / "check-in.lock", wait=wait) as mine:
            yield mine

    def instance_id(self) -> str:
        """Generated once. A container's host name would be another one after each start."""
        file = self.path / "instance_id"
        with self._threads, file_lock(self.path / "lock"):
            known = file.read_text("utf-8").strip() if file.exists() else ""
            if not known:
                known = str(uuid.uuid4())
                self.write_file("instance_id", known + "\n")
            return known

    def adopt_instance_id(self, instance_id: str) -> None:
        """Takes an id that was chosen elsewhere."""
        with self._threads, file_lock(self.path / "lock"):
            self.write_file("instance_id", instance_id + "\n")

    def write_file(self, name: str, text: str) -> None:
        """Puts a whole file in place of the old one, on disk before it has the name."""
        write_atomically(self.path / name, text)

    def _stamp(self) -> object:
        try:
            stat = os.stat(self._file)
        except FileNotFoundError:
            return None
        return (stat.st_ino, stat.st_mtime_ns, stat.st_size)

    def _load(self) -> State:
        try:
            return _decode(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return State()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # A broken file must not stop production: the license is activated anew. It is kept to be looked at.
            aside = self._file.with_name(f"state.json.broken-{uuid.uuid4().hex[:8]}")
            try:
                os.replace(self._file, aside)
                log.error("The license state could not be read (%s); it was put aside as %s", error, aside)
            except FileNotFoundError:
                pass  # another process was faster
            return State()


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
