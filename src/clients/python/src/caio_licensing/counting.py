"""Counts what this process uses: first in memory, then added to the state every few seconds and at the end."""

from __future__ import annotations

import operator
import threading
from typing import Callable

from .folder import StateFolder
from .holdings import ahead_of_service
from .meters import MAX_METERS, Figures, Usage, add, blank, meters_of, raise_to
from .times import day_of
from .usage import add_usage, known_usage


class Counting:
    """:param now: the local clock in milliseconds"""

    def __init__(self, folder: StateFolder, now: Callable[[], int]) -> None:
        self._folder, self._now = folder, now
        self.after_fork()

    def after_fork(self) -> None:
        # The parent writes what is not yet written; if the child wrote it too, it would count twice.
        self._counting, self._flushing = threading.Lock(), threading.Lock()
        self._counted: Usage = {}
        #: What runs now: it goes on on each day until another number is told.
        self._levels: Figures = {}

    def today(self) -> str:
        """The UTC day of the count: after the clock is set back, counting continues on the later day. If it was ahead at
        the last grant, the service's day counts, because the service ignores days to come.
        """
        state, clock = self._folder.read(), self._now()
        ahead = ahead_of_service(state.clock_ahead_ms, state.last_attempt_at, clock)
        return day_of(max(clock - ahead, state.high_water or 0))

    def count(self, name: str, n: int) -> None:
        """Adds to a figure of today.

        :raises TypeError, ValueError: for an invalid number, or one meter too many
        """
        number = _number(n, "Usage is counted upward")
        day = self._day_for(name)
        with self._counting:
            add(self._counted.setdefault(day, {}), {name: number})

    def set_level(self, name: str, n: int) -> None:
        """How many there are now; the highest number of a day is its figure.

        :raises TypeError, ValueError: for an invalid number, or one meter too many
        """
        number = _number(n, "There is nothing below none")
        day = self._day_for(name)
        with self._counting:
            self._levels = {one: level for one, level in self._levels.items() if one != name}
            if number:
                self._levels[name] = number
            add(self._counted.setdefault(day, {}), {name: number})

    def _day_for(self, name: str) -> str:
        day = self.today()
        if ":" not in name or name in self._counted.get(day, {}):
            return day
        stored = self._folder.read().usage.get(day, {})
        with self._counting:
            names = {*stored, *self._counted.get(day, {}), *self._levels}
        if name not in names:
            meters = meters_of(dict.fromkeys(names, 0))
            if name.partition(":")[2] in meters:
                raise ValueError("A meter is either counted or observed")
            if len(meters) >= MAX_METERS:
                raise ValueError(f"A day has at most {MAX_METERS} meters")
        return day

    def today_of(self, name: str) -> int:
        """The stored figure of today with what this process has not written yet."""
        # Counts that are being written are in neither place: wait, or a limit would be passed unnoticed.
        with self._flushing:
            day = self.today()
            figures = {name: self._folder.read().usage.get(day, {}).get(name, 0)}
            with self._counting:
                add(figures, {name: self._counted.get(day, {}).get(name, 0)})
                return max(figures[name], self._levels.get(name, 0))

    def meters_today(self) -> Figures:
        """By code, with what this process has not written yet."""
        with self._flushing:
            day = self.today()
            figures = dict(self._folder.read().usage.get(day, {}))
            with self._counting:
                add(figures, self._counted.get(day, {}))
                raise_to(figures, self._levels)
                return meters_of(figures)

    def known(self) -> Usage:
        """All days that are kept, with what this process has not written yet."""
        with self._flushing:
            day = self.today()
            with self._counting:
                known = known_usage(self._folder.read(), self._counted)
                if self._levels:
                    raise_to(known.setdefault(day, blank()), self._levels)
                return known

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
        known = self._folder.read().usage.get(day, {})
        with self._counting:
            # What keeps running counts on each day.
            higher = {name: level for name, level in self._levels.items() if level > known.get(name, 0)}
            if higher:
                add(self._counted.setdefault(day, {}), higher)
            taken, self._counted = self._counted, {}
            return taken

    def _put_back(self, taken: Usage) -> None:
        with self._counting:
            for day, figures in taken.items():
                add(self._counted.setdefault(day, {}), figures)


def _number(n: int, fault: str) -> int:
    number = operator.index(n)
    if number < 0:
        raise ValueError(fault)
    return number
