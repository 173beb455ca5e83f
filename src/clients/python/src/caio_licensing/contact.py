"""When the service is asked, for what, and how long a caller waits: `timeout` seconds in total, also for the disk and
for other processes. Then the work continues by itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

from .background import within
from .exchange import Exchange
from .facts import Candidate, FailedContact, Status
from .installation import Installation, forget_seat
from .offers import is_locally_invalid
from .rules import evaluate, named
from .texts import clean_instance_id, clean_key, is_instance_id
from .transport import TOO_LATE
from .usage import tell_anew


class Contact(Installation):
    """An installation that talks to its service."""

    def flush(self) -> None:
        """Writes the counts; implemented in `client`."""

    def activate(self, license_key: str | None = None, instance_id: str | None = None) -> Status:
        """Activates, with another key if one is given, and waits at most `timeout` seconds in total. The license in
        force stays until another one is granted: until then its status is returned.

        It blocks an event loop; there, await `activate_async`.

        :raises ValueError: for another instance_id than that of an activated installation
        """
        done = within(self.timeout, lambda: self._activate(license_key, instance_id))
        return done or self._status_with(license_key, late=True)

    def _activate(self, license_key: str | None, instance_id: str | None) -> Status:
        if instance_id is not None:
            self._adopt(instance_id)
        if license_key is not None:
            self.install(license_key)  # a blank one is none
        if self._candidate_of(license_key) is None:
            return self._check_in()
        self._contact(lambda exchange: exchange.ask_for_candidate(self.now))
        return self._status_with(license_key)

    def check_in(self) -> Status:
        """Asks the service now, activates if that is due, and waits at most `timeout` seconds in total."""
        return within(self.timeout, self._check_in) or self._status_with(None, late=True)

    def _check_in(self) -> Status:
        self.configure()
        self.flush()
        self._contact(lambda exchange: exchange.ask_for_candidate(self.now) or exchange.ask(self.now))
        return self.status()

    def deactivate(self) -> bool:
        """Gives the seat back and forgets key and certificate. False if the service could not be reached within
        `timeout` seconds in total.
        """
        return self._give_seat_back(self.forget)

    def release(self) -> bool:
        """Gives the seat back and keeps the key, to take a seat again at the next start."""

        def forget() -> None:
            with self.folder.update() as state:
                forget_seat(state)
                state.key_seen_at = self.confirmed(state)

        return self.folder.read().certificate is not None and self._give_seat_back(forget)

    def _give_seat_back(self, forget: Callable[[], None]) -> bool:
        def work() -> bool:
            self.flush()
            # A process that waits for its turn must find the key gone, or it would take the seat again.
            with self.folder.turn(self.timeout) as mine:
                if not mine:
                    return False
                if self.folder.read().license_key and self._exchange:
                    self._exchange.ask(self.now)  # the usage since the last time
                    if not self._exchange.deactivate():
                        return False
                forget()
            return True

        return within(self.timeout, work) or False

    def _contact(self, ask: Callable[[Exchange], object]) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        with self.folder.turn(self.timeout) as mine:
            if mine:
                ask(exchange)

    def _check_in_if_due(self) -> None:
        if not self._due():
            return
        with self.folder.turn(0) as mine:
            exchange = self._exchange
            # Another process may have asked in between.
            if mine and exchange and self._due():
                self.flush()
                taken = self._candidate_is_due() and exchange.ask_for_candidate(self.now)
                if not taken and self._own_is_due():
                    exchange.ask(self.now)

    def _due(self) -> bool:
        return self._transport is not None and (self._own_is_due() or self._candidate_is_due())

    def _own_is_due(self) -> bool:
        state = self.folder.read()
        return state.license_key is not None and self._has_come(state.next_check_in, state.last_attempt_at)

    def _candidate_is_due(self) -> bool:
        candidate = self.folder.read().candidate
        if candidate is None or is_locally_invalid(candidate):
            return False
        return self._has_come(candidate.next_try_at, candidate.since)

    def _has_come(self, planned: int | None, before: int | None) -> bool:
        # After a clock was set back, a time planned by the old clock would come too late.
        return planned is None or self.now() >= planned or self.now() < (before or 0)

    def _candidate_of(self, license_key: str | None) -> Candidate | None:
        candidate = self.folder.read().candidate
        return candidate if candidate and candidate.license_key == clean_key(license_key or "") else None

    def _status_with(self, license_key: str | None, *, late: bool = False) -> Status:
        """Treats a key that is a candidate as if it were in force.

        :param late: whether the call ran out of time
        """
        candidate, facts = self._candidate_of(license_key), self.facts()
        if late:
            facts = replace(facts, last_failure=FailedContact(self.now(), TOO_LATE))
        if candidate is None:
            return evaluate(facts, self.now())
        asked = replace(facts, refusal=None, vouched=False, seen_at=candidate.seen_at, **named(facts, candidate))
        status = evaluate(asked, self.now())
        if candidate.state == "pending":
            return status
        refused = {"state": "refused", "code": candidate.code, "detail": candidate.detail or ""}
        return replace(status, may_run=False, until=None, **refused)

    def _adopt(self, instance_id: str) -> None:
        name = clean_instance_id(instance_id)
        if not is_instance_id(name):
            raise ValueError("instance_id has 1 to 128 printable characters.")
        # Not while another process waits for a certificate under the former id.
        with self.folder.turn(self.timeout):
            if name != self.instance_id:
                self.folder.adopt_instance_id(name)
                with self.folder.update() as state:
                    tell_anew(state)
