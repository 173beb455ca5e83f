"""Seats of licenses before that must still be given back: tried again until the service has them or their certificate
ends. Pure.
"""

from __future__ import annotations

from typing import Any, Mapping

from .documents import claim_of, number_of
from .state import OWED, State
from .times import SECOND

#: Enough for whoever changes licenses during an outage, and no burden for the state.
_MOST = 8


def owe(state: State, seat: Mapping[str, Any], now_held: Mapping[str, Any]) -> None:
    """Notes the former seat if it is a different one, and there is a certificate to give it back with."""
    if "certificate" not in seat or _seat_of(seat) == _seat_of(now_held):
        return
    noted = {name: seat[name] for name in OWED}
    state.owed_seats = [*(one for one in state.owed_seats if one != noted), noted][-_MOST:]


def take_back(state: State, held: Mapping[str, Any]) -> None:
    """A seat that is held again is not given back."""
    state.owed_seats = [one for one in state.owed_seats if _seat_of(one) != _seat_of(held)]


def owed_now(state: State) -> list[dict[str, str]]:
    """Without those that are free by now, by the latest time that the service signed."""
    now = state.high_water or 0
    return [one for one in state.owed_seats if (number_of(one["certificate"], "exp") or 0) * SECOND > now]


def settle(state: State, given_back: list[dict[str, str]]) -> None:
    state.owed_seats = [one for one in owed_now(state) if one not in given_back]


def _seat_of(seat: Mapping[str, Any]) -> tuple[str | None, str]:
    return claim_of(seat["license_key"] or "", "jti"), seat["instance_id"]
