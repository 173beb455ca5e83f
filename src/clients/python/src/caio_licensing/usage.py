"""What was used, by UTC day. Counted in memory, added to the state every few seconds and at the end."""

from __future__ import annotations

import threading
from datetime import date, timedelta

from .state import State, Usage

#: What the service takes in at once, and so what is kept.
MAX_DAYS = 400


class UsageCounter:
    """Counts what this process uses; what `add_to` took over is no longer here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[str, int] = {}
        self._most_services: dict[str, int] = {}
        self._services = 0

    def count_requests(self, day: str, n: int) -> None:
        with self._lock:
            self._requests[day] = self._requests.get(day, 0) + n

    def set_services(self, day: str, n: int) -> None:
        with self._lock:
            self._services = n
            self._most_services[day] = max(self._most_services.get(day, 0), n)

    def requests_on(self, day: str) -> int:
        """What was counted here and is not yet in the state."""
        return self._requests.get(day, 0)

    def pending(self, day: str, usage: Usage) -> bool:
        """Whether there is something to write."""
        with self._lock:
            known = usage.get(day, {}).get("services", 0)
            return bool(self._requests or self._most_services) or self._services > known

    def take(self, day: str) -> Usage:
        """What to add to the state. Give it back with `put_back` where it could not be written."""
        with self._lock:
            # Services that run on run on each day.
            if self._services > 0:
                self._most_services[day] = max(self._most_services.get(day, 0), self._services)
            days = {*self._requests, *self._most_services}
            taken = {
                one: {"requests": self._requests.get(one, 0), "services": self._most_services.get(one, 0)}
                for one in days
            }
            self._requests, self._most_services = {}, {}
            return taken

    def put_back(self, taken: Usage) -> None:
        with self._lock:
            for day, figures in taken.items():
                self._requests[day] = self._requests.get(day, 0) + figures["requests"]
                self._most_services[day] = max(self._most_services.get(day, 0), figures["services"])


def add_usage(state: State, taken: Usage) -> None:
    """Adds what a process counted: requests add up, of services the most at a time counts."""
    for day, figures in taken.items():
        known = state.usage.setdefault(day, {"requests": 0, "services": 0})
        known["requests"] += figures["requests"]
        known["services"] = max(known["services"], figures["services"])
    for day in sorted(state.usage)[:-MAX_DAYS]:
        del state.usage[day]
        state.acknowledged.pop(day, None)


def report(usage: Usage) -> list[dict[str, object]]:
    """As the service takes it: cumulative, so that sending it again counts nothing twice."""
    return [{"date": day, **figures} for day, figures in sorted(usage.items())]


def acknowledge(state: State, sent: Usage, server_day: str) -> None:
    """Notes what the service has, and drops days that are over and that it has in full."""
    today = date.fromisoformat(server_day)
    # The service passes over days that have not begun anywhere; they are sent again when they have.
    heard = {day: figures for day, figures in sent.items() if day <= str(today + timedelta(days=1))}
    for day, figures in heard.items():
        known = state.acknowledged.setdefault(day, {"requests": 0, "services": 0})
        for name, value in figures.items():
            known[name] = max(known[name], value)
    yesterday = str(today - timedelta(days=1))
    for day in [one for one in state.usage if one < yesterday]:
        if state.usage[day] == state.acknowledged.get(day):
            del state.usage[day]
            del state.acknowledged[day]
