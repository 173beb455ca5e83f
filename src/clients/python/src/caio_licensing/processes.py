"""What a client has to do when its process forks or ends."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Protocol


class Accompanied(Protocol):
    def after_fork(self) -> None:
        ...

    def close(self) -> None:
        ...


_accompanied = weakref.WeakSet[Accompanied]()


def accompany(client: Accompanied) -> None:
    """Has it closed at a normal end, and told when it finds itself in a child. Keeps no client alive."""
    _accompanied.add(client)


@atexit.register
def _close_all() -> None:
    for client in list(_accompanied):
        client.close()


def _after_fork() -> None:
    for client in list(_accompanied):
        client.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
