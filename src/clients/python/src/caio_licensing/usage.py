"""The usage by UTC day: figures that only grow, so that a day reported twice counts once. Pure."""

from __future__ import annotations

from datetime import date, timedelta

from .state import MAX_FIGURE, State, Usage

#: As many days as the service takes at once, and so as many as are kept.
MAX_DAYS = 400


def add_usage(state: State, taken: Usage) -> None:
    """Adds what a process counted: requests add up, for services the highest number counts."""
    for day, figures in taken.items():
        known = state.usage.setdefault(day, {"requests": 0, "services": 0})
        known["requests"] = min(known["requests"] + figures["requests"], MAX_FIGURE)
        known["services"] = min(max(known["services"], figures["services"]), MAX_FIGURE)
    for day in sorted(state.usage)[:-MAX_DAYS]:
        del state.usage[day]


def usage_for(state: State, license_id: str | None) -> Usage:
    """The usage to report under a license: nothing already reported under another one."""
    return state.usage if state.usage_license_id in (None, license_id) else _untold(state)


def _untold(state: State) -> Usage:
    left: Usage = {}
    for day, figures in state.usage.items():
        told = state.acknowledged.get(day, {"requests": 0, "services": 0})
        requests = max(figures["requests"] - told["requests"], 0)
        # Services do not add up: a reported daily maximum is not reported again.
        services = figures["services"] if figures["services"] > told["services"] else 0
        if requests or services:
            left[day] = {"requests": requests, "services": services}
    return left


def begin_license(state: State, license_id: str) -> None:
    """From now on usage is reported under this license."""
    if state.usage_license_id not in (None, license_id):
        tell_anew(state)
    state.usage_license_id = license_id


def tell_anew(state: State) -> None:
    """From now on only unreported usage: under another license, or as another instance of the same license."""
    state.usage, state.acknowledged = _untold(state), {}
    # Their answers acknowledge earlier figures.
    state.offline_requests = [{**one, "usage": {}} for one in state.offline_requests]


def report(usage: Usage) -> list[dict[str, object]]:
    """In the form that the service takes: cumulative, so that nothing counts twice if it is sent again."""
    return [{"date": day, **figures} for day, figures in sorted(usage.items())]


def acknowledge(state: State, sent: Usage, server_day: str, ignored: frozenset[str] = frozenset()) -> None:
    """Notes what the service has, and drops past days that it has in full.

    :param ignored: days that the service did not take
    """
    today = date.fromisoformat(server_day)
    until = str(today + timedelta(days=1))
    # The service ignores days that have not begun anywhere; they are sent again when they have.
    heard = {day: figures for day, figures in sent.items() if day <= until and day not in ignored}
    for day, figures in heard.items():
        known = state.acknowledged.setdefault(day, {"requests": 0, "services": 0})
        for name, value in figures.items():
            known[name] = max(known[name], value)
    yesterday = str(today - timedelta(days=1))
    state.usage = {
        day: figures
        for day, figures in state.usage.items()
        if day >= yesterday or not _covers(state.acknowledged.get(day), figures)
    }
    state.acknowledged = {day: told for day, told in state.acknowledged.items() if day in state.usage}


def _covers(told: dict[str, int] | None, figures: dict[str, int]) -> bool:
    return told is not None and all(told[name] >= figure for name, figure in figures.items())
