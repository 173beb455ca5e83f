"""What an installation holds, and how it comes by another license. `client` puts a face to it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, Callable, Mapping

from .background import within
from .confirmed import ConfirmedTime
from .documents import SigningKeyUnknown, claim_of
from .exchange import Exchange
from .facts import Candidate, Facts, Status, key_hash
from .folder import StateFolder
from .holdings import verified
from .keys import TrustedKeys
from .offers import configure, is_configured, is_locally_invalid, offer
from .rules import evaluate, named
from .settings import Settings, configured_text
from .state import State
from .texts import clean_instance_id, clean_key, had_marks, is_instance_id
from .times import parse_instant
from .transport import Transport

log = logging.getLogger("caio_licensing")


class Installation:
    """:param ticks: a monotonic clock in seconds"""

    def __init__(
        self,
        settings: Settings,
        *,
        trusted_keys: Mapping[str, Any] | None,
        fetch_keys: bool,
        transport: Transport | None,
        about: Mapping[str, Any],
        strict: bool,
        indeterminate_days: int | None,
        timeout: float,
        clock: Callable[[], float],
        ticks: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._settings, self._clock, self.chance, self.timeout = settings, clock, chance, timeout
        self._strict, self._indeterminate_days = strict, indeterminate_days
        self._transport = transport
        self._pinned_only = bool(trusted_keys) and not (fetch_keys and transport)
        #: What the service is told about this installation besides.
        self.about = about
        self.folder = StateFolder(settings.folder, settings.instance_id, self._note_times)
        kept = self.folder.read()
        self._confirmed = ConfirmedTime(ticks, kept.confirmed_at or max(kept.high_water or 0, self.now()))
        self._marked: frozenset[str] = frozenset()
        self._keys = TrustedKeys(settings.issuers, self.folder, trusted_keys, transport, fetch=fetch_keys)
        self._exchange = transport and Exchange(
            self.folder, transport, facts=self.facts, keys=self._keys, about=about, chance=chance
        )
        self.configure()

    # ---- what it knows

    @property
    def instance_id(self) -> str:
        """Who this installation is. Read each time: another process may have taken over an id."""
        return self.folder.instance_id()

    def status(self) -> Status:
        """Where the installation stands now. Reads what is kept; never waits for the network."""
        return evaluate(self.facts(), self.now())

    def facts(self) -> Facts:
        state = self.folder.read()
        key = state.license_key
        trust = self._keys.trust(state.jwks)
        vouched = key is not None and (_is_old(state) or key_hash(key) == state.vouched_key_sha256)
        return Facts(
            trust=trust,
            instance_id=self.instance_id,
            license_key=key,
            certificate=state.certificate,
            proven_certificate=state.proven_certificate,
            revocations=state.revocations,
            refusal=state.refusal,
            warnings=tuple(state.warnings),
            high_water=state.high_water,
            next_check_in=state.next_check_in,
            last_attempt_at=state.last_attempt_at,
            candidate=state.candidate,
            last_failure=state.last_failure,
            vouched=vouched or verified(trust.license_key, key) is not None,
            seen_at=state.key_seen_at,
            bounded_since=state.bounded_since,
            confirmed=self.confirmed(state),
            last_seen_at=_recorded(state),
            clock_ahead=state.clock_ahead_ms,
            strict=self._strict,
            indeterminate_days=self._indeterminate_days,
            pinned_only=self._pinned_only,
            is_kept=self.folder.is_kept,
            marked=self._marked,
        )

    def now(self) -> int:
        """The local clock in milliseconds."""
        return round(self._clock() * 1000)

    def confirmed(self, state: State) -> int:
        """The latest time that the service or a monotonic clock confirmed."""
        return self._confirmed.now(state.confirmed_at, state.high_water)

    def _note_times(self, state: State) -> None:
        """What every change of the state takes along."""
        confirmed = self.confirmed(state)
        verifies = verified(self._keys.trust(state.jwks).license_key, state.license_key)
        if state.license_key and (verifies or _is_old(state)):
            state.vouched_key_sha256 = key_hash(state.license_key)
        state.last_seen_at = max(_recorded(state) or 0, self.now())
        state.confirmed_at = confirmed
        if state.bounded_since is None:
            state.bounded_since = confirmed
        if state.license_key and state.key_seen_at is None:
            state.key_seen_at = confirmed

    # ---- another license

    def configure(self) -> None:
        """Takes in what the configuration says now: only what changed there acts."""
        key, name = self._clean(configured_text(self._settings) or "") or None, self._settings.instance_id
        held = self.folder.read()
        if is_configured(held, key, name) and held.bounded_since is not None:
            return
        with self.folder.update() as state:
            state.confirmed_at = self.confirmed(state)  # the first start is written down
            configure(state, key, name, **self._offering(state))

    def install(self, license_key: str) -> None:
        """Puts a license key in. Where one is held that may run, it waits to be granted a seat.

        The key that was installed last may be installed again, at each start for instance: that changes
        nothing, and a newer one that the service sent since stays.
        """
        key = self._clean(license_key)
        with self.folder.update() as state:
            offer(state, key, None, **self._offering(state))

    def verify_key(self, license_key: str) -> None:
        """Whether the service signed the key. Reads the published keys where they are needed and allowed.

        :raises DocumentInvalid, SigningKeyUnknown:
        """
        key = self._clean(license_key)
        try:
            self._keys.trust(self.folder.read().jwks).license_key(key)
        except SigningKeyUnknown:
            published = self._keys.published()
            if published is None:
                raise
            self._keys.trust(published).license_key(key)
            self._keys.keep(published)

    def activate(self, license_key: str | None = None, instance_id: str | None = None) -> Status:
        """Activates, with another key if one is given, and waits at most `timeout` seconds in all. What is in
        force is not given up before another license is granted: until then the status of that one is returned.

        It keeps an event loop waiting; there, await `activate_async`.

        :raises ValueError: for an instance_id other than that of an installation that is activated
        """
        if instance_id is not None:
            self._adopt(instance_id)
        if license_key is None:
            return self.check_in()
        self.install(license_key)
        candidate = self._candidate_of(license_key)
        if candidate is None:
            return self.check_in()
        self._contact(lambda exchange: exchange.ask_for_candidate(self.now))
        candidate = self._candidate_of(license_key)
        return self._status_of(candidate) if candidate else self.status()

    def check_in(self) -> Status:
        """Asks the service now, activating where that is due, and waits at most `timeout` seconds in all."""
        self.flush()
        self._contact(lambda exchange: exchange.ask_for_candidate(self.now) or exchange.ask(self.now))
        return self.status()

    def flush(self) -> None:
        """Writes what was counted; `client` knows how."""

    def deactivate(self) -> bool:
        """Gives the seat back and forgets key and certificate. False where the service could not be told."""
        return self._give_seat_back(self.forget)

    def forget(self) -> None:
        """Forgets key and certificate; the usage and the instance's id stay."""
        with self.folder.update() as state:
            state.license_key = state.installed_key_sha256 = state.vouched_key_sha256 = None
            state.configured_key_sha256 = state.configured_instance_id = None
            state.candidate = state.key_seen_at = None
            _forget_seat(state)

    def release(self) -> bool:
        """Gives the seat back and keeps the key, to take a seat again at the next start."""

        def forget() -> None:
            with self.folder.update() as state:
                _forget_seat(state)
                state.key_seen_at = self.confirmed(state)

        return self.folder.read().certificate is not None and self._give_seat_back(forget)

    def read_revocations(self, token: str | None = None) -> bool:
        """Takes in the revocation list: the one given, or the service's. False where there is no good one."""
        return self._keys.take_revocations(token)

    def _give_seat_back(self, forget: Callable[[], None]) -> bool:
        self.flush()

        def work() -> bool:
            # Whoever waits for a turn meanwhile must find the key gone, or it would take the seat again.
            with self.folder.turn(self.timeout):
                if self.folder.read().license_key and self._exchange:
                    self._exchange.ask(self.now)  # what was used since the last time
                    if not self._exchange.deactivate():
                        return False
                forget()
            return True

        return within(self.timeout, work) or False

    def _contact(self, ask: Callable[[Exchange], object]) -> None:
        exchange = self._exchange
        if exchange is None:
            return

        def work() -> None:
            with self.folder.turn(self.timeout) as mine:
                if mine:
                    ask(exchange)

        within(self.timeout, work)

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
        # A clock that was set back would put off what was planned by the old one.
        return planned is None or self.now() >= planned or self.now() < (before or 0)

    def _candidate_of(self, license_key: str) -> Candidate | None:
        candidate = self.folder.read().candidate
        return candidate if candidate and candidate.license_key == clean_key(license_key) else None

    def _status_of(self, candidate: Candidate) -> Status:
        """As if the candidate were in force."""
        facts = self.facts()
        asked = replace(
            facts, refusal=None, vouched=False, seen_at=candidate.seen_at, **named(facts, candidate)
        )
        status = evaluate(asked, self.now())
        if candidate.state == "pending":
            return status
        detail = candidate.detail or ""
        return replace(
            status, state="refused", code=candidate.code, detail=detail, may_run=False, until=None
        )

    def _offering(self, state: State) -> dict[str, Any]:
        return {
            "own_name": state.instance_id or self.instance_id,
            "trust": self._keys.trust(state.jwks),
            "now": self.now(),
            "confirmed": self.confirmed(state),
        }

    def _adopt(self, instance_id: str) -> None:
        name = clean_instance_id(instance_id)
        if not is_instance_id(name):
            raise ValueError("instance_id has 1 to 128 printable characters.")
        # Not while another process waits for a certificate under the id before.
        with self.folder.turn(self.timeout):
            self.folder.adopt_instance_id(name)

    def _clean(self, text: str) -> str:
        key = clean_key(text)
        if key and had_marks(text):
            self._marked |= {key_hash(key)}
        return key


def _forget_seat(state: State) -> None:
    state.certificate = state.proven_certificate = None
    state.refusal = state.next_check_in = None
    state.warnings, state.failures = [], 0


def _is_old(state: State) -> bool:
    """Whether a client of before wrote it, and the service granted its license."""
    of = claim_of(state.license_key or "", "jti"), claim_of(state.certificate or "", "license_id")
    return state.bounded_since is None and of[0] is not None and of[0] == of[1]


def _recorded(state: State) -> int | None:
    """The latest time that the local clock said before."""
    if state.last_seen_at is not None:
        return state.last_seen_at
    days = parse_instant(f"{max(state.usage)}T00:00:00Z") if state.usage else None
    return max((one for one in (state.last_attempt_at, days) if one is not None), default=None)
