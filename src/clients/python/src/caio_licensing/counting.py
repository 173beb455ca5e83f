"""Counts what this process uses: first in memory, then added to the state every few seconds and at the end."""

from __future__ import annotations

import operator
import threading
from typing import Callable

from .folder import StateFolder
from .holdings import ahead_of_service
from .state import Usage
from .times import day_of
from .usage import add_usage


class Counting:
    """:param now: the local clock in milliseconds"""

    def __init__(self, folder: StateFolder, now: Callable[[], int]) -> None:
        self._folder, self._now = folder, now
        self.after_fork()

    def after_fork(self) -> None:
        # The parent writes what is not yet written; if the child wrote it too, it would count twice.
        self._counting, self._flushing = threading.Lock(), threading.Lock()
        self._requests: dict[str, int] = {}
        self._most_services: dict[str, int] = {}
        self._services = 0

    def today(self) -> str:
        """The UTC day of the count: after the clock is set back, counting continues on the later day. If it was ahead at
        the last grant, the service's day counts, because the service ignores days to come.
        """
        state, clock = self._folder.read(), self._now()
        ahead = ahead_of_service(state.clock_ahead_ms, state.last_attempt_at, clock)
        return day_of(max(clock - ahead, state.high_water or 0))

    def count_requests(self, n: int) -> None:
        """:raises TypeError, ValueError: for an invalid number of requests"""
        if operator.index(n) < 0:
            raise ValueError("Requests are counted upward")
        day = self.today()
        with self._counting:
            self._requests[day] = self._requests.get(day, 0) + operator.index(n)

    def set_services(self, n: int) -> None:
        """:raises TypeError, ValueError: for an invalid number of services"""
        if operator.index(n) < 0:
            raise ValueError("There are no services below none")
        day = self.today()
        with self._counting:
            self._services = operator.index(n)
            self._most_services[day] = max(self._most_services.get(day, 0), self._services)

    def requests_today(self) -> int:
        # Counts that are being written are in neither place: wait, or a limit would be passed unnoticed.
        with self._flushing:
            day = self.today()
            written = self._folder.read().usage.get(day, {}).get("requests", 0)
            return written + self._requests.get(day, 0)

    def services_today(self) -> int:
        day = self.today()
        return max(
            self._folder.read().usage.get(day, {}).get("services", 0),
            self._most_services.get(day, 0),
            self._services,
        )

    def flush(self) -> None:
        """Writes the counts. If that fails, they are kept and written later."""
        # One at a time: after this returns, all earlier counts are in the state.
        with self._flushing:
            taken = self._take()
            if not taken and not self._folder.is_behind:
                return
            try:
                with self._folder.update(lasting=True) as state:
                    add_usage(state, taken)
            except OSError:
                self._put_back(taken)

    def _take(self) -> Usage:
        day = self.today()
        known = self._folder.read().usage.get(day, {}).get("services", 0)
        with self._counting:
            # Services that keep running count on each day.
            if self._services > known:
                self._most_services[day] = max(self._most_services.get(day, 0), self._services)
            days = {*self._requests, *self._most_services}
            taken = {
                one: {"requests": self._requests.get(one, 0), "services": self._most_services.get(one, 0)}
                for one in days
            }
            self._requests, self._most_services = {}, {}
            return taken

    def _put_back(self, taken: Usage) -> None:
        with self._counting:
            for day, figures in taken.items():
                self._requests[day] = self._requests.get(day, 0) + figures["requests"]
                self._most_services[day] = max(self._most_services.get(day, 0), figures["services"])
