"""What the instances of a license report: cumulative by UTC day, the highest figure of each instance counts."""

from __future__ import annotations

from dataclasses import dataclass

from ..times import DAY, day_of
from .licenses import License


@dataclass(frozen=True)
class Day:
    date: str
    requests: int
    services: int


@dataclass(frozen=True)
class Overuse:
    day: str
    limit: str
    allowed: int
    observed: int


def possible(days: list[Day], now: int, issued_at: int) -> tuple[list[Day], int]:
    """The days that can be, by date, and how many cannot: in the future, or long before the license."""
    first, last = day_of(max(0, issued_at - 35 * DAY)), day_of(now + DAY)
    kept = [day for day in days if first <= day.date <= last]
    return sorted(kept, key=lambda day: day.date), len(days) - len(kept)


class Usage:
    def __init__(self) -> None:
        self._days: dict[str, dict[str, Day]] = {}

    def take(self, instance_id: str, days: list[Day]) -> None:
        for day in days:
            instances = self._days.setdefault(day.date, {})
            known = instances.get(instance_id, Day(day.date, 0, 0))
            requests, services = max(known.requests, day.requests), max(known.services, day.services)
            instances[instance_id] = Day(day.date, requests, services)

    def on(self, date: str) -> Day:
        """Of all instances together."""
        told = self._days.get(date, {}).values()
        return Day(date, sum(day.requests for day in told), sum(day.services for day in told))

    def overuses(self, license: License, days: list[Day]) -> list[Overuse]:
        found = []
        for day in days:
            used = self.on(day.date)
            limits = (
                ("max_requests_per_day", license.max_requests_per_day, used.requests),
                ("max_services", license.max_services, used.services),
            )
            for limit, allowed, observed in limits:
                if allowed is not None and observed > allowed:
                    found.append(Overuse(day.date, limit, allowed, observed))
        return found
