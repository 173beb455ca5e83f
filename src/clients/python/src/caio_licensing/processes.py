"""What a client must do when its process forks or ends."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import TYPE_CHECKING, Any, Protocol

from .locks import SharedLock
from .signals import after_fork_in_child, after_fork_in_parent, before_fork, end_orderly

if TYPE_CHECKING:
    from .folder import StateFolder


class Accompanied(Protocol):
    def after_fork(self) -> None:
        ...

    def close(self) -> None:
        ...


_accompanied = weakref.WeakSet[Accompanied]()


class Presence:
    """Tells whether this is the last process on the folder.

    :param counted: whether the answer is needed
    """

    def __init__(self, folder: StateFolder, *, counted: bool) -> None:
        self._folder, self._counted = folder, counted
        self._lock = SharedLock(folder.path) if counted and not folder.in_memory else None

    def leave(self) -> bool:
        """Whether no other process is left; only for the first call."""
        left, self._counted = self._counted, False
        if not left:
            return False
        if self._lock is None:
            return True
        # One after the other: of two that end at the same time, the second must find that it is the last.
        with self._folder.turn(self._folder.patience):
            return self._lock.leave()

    def after_fork(self) -> None:
        if self._lock:
            self._lock.after_fork()


def accompany(client: Accompanied, *, ends_orderly: bool = False) -> None:
    """Closes the client at a normal end, and informs it in a forked child. Does not keep the client alive.

    :param ends_orderly: whether SIGTERM is also a normal end, if the application does not handle it
    """
    _accompanied.add(client)
    if ends_orderly:
        end_orderly(_close_all)


def dismiss(client: Accompanied) -> None:
    """Closes the client at the end no more: its folder is gone by then."""
    _accompanied.discard(client)


@atexit.register
def _close_all() -> None:
    for client in list(_accompanied):
        client.close()


def _after_fork() -> None:
    try:
        for client in list(_accompanied):
            client.after_fork()
    finally:
        after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=before_fork, after_in_parent=after_fork_in_parent, after_in_child=_after_fork)
