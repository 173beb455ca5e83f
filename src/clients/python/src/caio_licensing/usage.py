"""The usage by UTC day: what is kept, what is reported, and what the service has. Pure."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date, timedelta

from .meters import Usage, add, blank, covers, meters_of, raise_to, untold
from .state import State

#: As many days as the service takes at once, and so as many as are kept.
MAX_DAYS = 400
#: The longest report, in characters: 400 days without meters always fit, and the service takes requests of 64 KiB.
MAX_REPORT = 32_768
#: How long days are kept that the service has: a quarter, and the 40 days after which the service closes a month.
KEPT_DAYS = 132


def add_usage(state: State, taken: Usage) -> None:
    """Adds what a process counted: requests and sums add up, for services and peaks the highest number counts."""
    for day, figures in taken.items():
        if day not in state.usage and day in state.settled:
            # Late counts go on from the figures that the service has: it takes nothing lower.
            state.usage[day] = state.settled.pop(day)
            state.acknowledged[day] = dict(state.usage[day])
        add(state.usage.setdefault(day, blank()), figures)
    for day in sorted(state.usage)[:-MAX_DAYS]:
        del state.usage[day]


def known_usage(state: State, taken: Usage) -> Usage:
    """All days that are kept, with what is not written yet."""
    known = deepcopy({**state.settled, **state.usage})
    for day, figures in taken.items():
        add(known.setdefault(day, blank()), figures)
    return known


def usage_for(state: State, license_id: str | None) -> Usage:
    """The usage to report under a license: nothing already reported under another one."""
    return state.usage if state.usage_license_id in (None, license_id) else _untold(state)


def _untold(state: State) -> Usage:
    left = {day: untold(figures, state.acknowledged.get(day, {})) for day, figures in state.usage.items()}
    return {day: figures for day, figures in left.items() if any(figures.values())}


def begin_license(state: State, license_id: str) -> None:
    """From now on usage is reported under this license."""
    if state.usage_license_id not in (None, license_id):
        tell_anew(state)
    state.usage_license_id = license_id


def tell_anew(state: State) -> None:
    """From now on only unreported usage: under another license, or as another instance of the same license."""
    state.usage, state.acknowledged, state.settled = _untold(state), {}, {}
    # Their answers acknowledge earlier figures.
    state.offline_requests = [{**one, "usage": {}} for one in state.offline_requests]


def portion(usage: Usage) -> Usage:
    """As many days as fit into one report, the oldest first; the others come with the next one."""
    length, fitting = 0, {}
    for day, figures in sorted(usage.items()):
        length += len(json.dumps(report({day: figures})))
        if length > MAX_REPORT:
            break
        fitting[day] = figures
    return fitting


def report(usage: Usage) -> list[dict[str, object]]:
    """In the form that the service takes: cumulative, so that nothing counts twice if it is sent again."""
    told: list[dict[str, object]] = []
    for day, figures in sorted(usage.items()):
        meters = meters_of(figures)
        one = {"date": day, "requests": figures["requests"], "services": figures["services"]}
        told.append({**one, "meters": meters} if meters else one)
    return told


def acknowledge(state: State, sent: Usage, server_day: str, ignored: frozenset[str] = frozenset()) -> None:
    """Notes what the service has, and settles past days that it has in full.

    :param ignored: days that the service did not take
    """
    today = date.fromisoformat(server_day)
    until = str(today + timedelta(days=1))
    # The service ignores days that have not begun anywhere; they are sent again when they have.
    heard = {day: figures for day, figures in sent.items() if day <= until and day not in ignored}
    for day, figures in heard.items():
        raise_to(state.acknowledged.setdefault(day, blank()), figures)
    yesterday = str(today - timedelta(days=1))
    settled = {
        day: figures
        for day, figures in state.usage.items()
        if day < yesterday and covers(state.acknowledged.get(day), figures)
    }
    oldest = str(today - timedelta(days=KEPT_DAYS))
    state.settled = {day: one for day, one in {**state.settled, **settled}.items() if day >= oldest}
    state.usage = {day: figures for day, figures in state.usage.items() if day not in settled}
    state.acknowledged = {day: told for day, told in state.acknowledged.items() if day in state.usage}
