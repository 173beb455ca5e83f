"""One exchange with the service: what is sent, and what its outcome changes in the state."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, Callable, Mapping

from .answers import (
    Granted,
    NotActivated,
    Outage,
    Outcome,
    Refused,
    judge_answer,
    next_after_failure,
    next_after_grant,
)
from .folder import StateFolder
from .keys import TrustedKeys
from .rules import Facts, Refusal, key_hash, names_unknown_key, usable_certificate, verified
from .state import State, Usage
from .times import day_of
from .transport import Transport
from .usage import acknowledge, begin_license, report

log = logging.getLogger("caio_licensing")


class Exchange:
    def __init__(
        self,
        folder: StateFolder,
        transport: Transport,
        *,
        facts: Callable[[], Facts],
        keys: TrustedKeys,
        about: Mapping[str, Any],
        chance: Callable[[], float],
    ) -> None:
        self._folder, self._transport, self._facts = folder, transport, facts
        self._keys, self._about, self._chance = keys, about, chance

    def ask(self, now: Callable[[], int]) -> None:
        """Checks in, or activates where that is due, and takes the answer in."""
        facts, sent = self._facts(), dict(self._folder.read().usage)
        if not facts.license_key:
            return
        if names_unknown_key(facts) and (published := self._keys.published()):
            # Where no key is known yet there is none to take away, and a forged license key is told as one.
            if not facts.trust or verified(self._keys.trust(published).license_key, facts.license_key):
                self._keys.keep(published)
                facts = self._facts()
        outcome = self._exchange(facts, sent)
        at = now()
        with self._folder.update() as fresh:
            # Where another key was installed meanwhile, the answer is not about it.
            if fresh.license_key == facts.license_key:
                self._take_in(fresh, outcome, sent, at)

    def ask_for(self, license_key: str, now: Callable[[], int]) -> Refusal | None:
        """As `ask`, with a key that takes the place of the held one only where it is granted a seat.

        :returns: the refusal, where there was one
        """
        facts = replace(self._facts(), license_key=license_key, refusal=None)
        sent = dict(self._folder.read().usage)
        outcome = self._exchange(facts, sent)
        if isinstance(outcome, Granted):
            with self._folder.update() as fresh:
                fresh.installed_key_sha256 = key_hash(license_key)
                self._take_in(fresh, outcome, sent, now())
        return _refusal(outcome, license_key, now())

    def deactivate(self) -> bool:
        """Whether the service has the seat back."""
        facts = self._facts()
        body = {"license_key": facts.license_key, "instance_id": facts.instance_id}
        # It proves that the seat is this installation's.
        answer = self._transport.post("/v1/deactivate", {**body, "certificate": facts.certificate})
        return answer is not None and answer.status == 204

    def _exchange(self, facts: Facts, sent: Usage) -> Outcome:
        body: dict[str, Any] = {"license_key": facts.license_key, "instance_id": facts.instance_id}
        body.update(self._about)
        if usable_certificate(facts):
            body["certificate"] = facts.certificate
            outcome = self._judge("/v1/check-in", {**body, "usage": report(sent)}, facts)
            if not isinstance(outcome, NotActivated):
                return outcome
        # Activation takes no usage in; the next check-in brings it.
        sent.clear()
        outcome = self._judge("/v1/activate", body, facts)
        return (
            Outage("The service does not know this instance.")
            if isinstance(outcome, NotActivated)
            else outcome
        )

    def _judge(self, path: str, body: dict[str, Any], facts: Facts) -> Outcome:
        answer = self._transport.post(path, body)
        outcome = judge_answer(facts, answer)
        if isinstance(outcome, Outage) and outcome.unknown_key and (published := self._keys.published()):
            outcome = judge_answer(replace(facts, trust=self._keys.trust(published)), answer)
            if isinstance(outcome, Granted):
                self._keys.keep(published)
        return outcome

    def _take_in(self, state: State, outcome: Outcome, sent: Usage, now: int) -> None:
        if isinstance(outcome, Granted):
            take_grant(state, outcome, now, self._chance())
            taken = {day: figures for day, figures in sent.items() if day not in outcome.usage_ignored}
            acknowledge(state, taken, day_of(outcome.issued_at))
            return
        state.last_attempt_at = now
        state.failures += 1
        retry_after = 0
        refusal = _refusal(outcome, state.license_key or "", now)
        if refusal:
            log.warning("The license service refuses: %s %s", refusal.code, refusal.detail)
            state.refusal = refusal
        elif isinstance(outcome, Outage):
            log.warning("The license service was not heard (attempt %d): %s", state.failures, outcome.reason)
            retry_after = outcome.retry_after
        state.next_check_in = next_after_failure(state.failures, retry_after, now, self._chance())


def take_grant(state: State, granted: Granted, now: int, chance: float) -> None:
    """Whichever way it came."""
    begin_license(state, granted.license_id)
    state.license_key, state.certificate = granted.license_key, granted.certificate
    state.high_water = max(state.high_water or 0, granted.issued_at)
    state.refusal, state.warnings, state.failures = None, list(granted.warnings), 0
    if granted.seats_active is not None:
        state.seats_active = granted.seats_active
    state.last_attempt_at, state.next_check_in = now, next_after_grant(granted, now, chance)


def _refusal(outcome: Outcome, license_key: str, now: int) -> Refusal | None:
    if not isinstance(outcome, Refused):
        return None
    return Refusal(code=outcome.code, detail=outcome.detail, at=now, key_sha256=key_hash(license_key))
