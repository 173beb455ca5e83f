"""What was used, by UTC day: figures that only grow, so that telling a day twice counts it once. Pure."""

from __future__ import annotations

from datetime import date, timedelta

from .state import MAX_FIGURE, State, Usage

#: What the service takes in at once, and so what is kept.
MAX_DAYS = 400


def add_usage(state: State, taken: Usage) -> None:
    """Adds what a process counted: requests add up, of services the most at a time counts."""
    for day, figures in taken.items():
        known = state.usage.setdefault(day, {"requests": 0, "services": 0})
        known["requests"] = min(known["requests"] + figures["requests"], MAX_FIGURE)
        known["services"] = min(max(known["services"], figures["services"]), MAX_FIGURE)
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
