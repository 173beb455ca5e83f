"""One contact with the service: what is sent, and how the outcome changes the state."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import Any, Callable, Mapping

from .answers import Granted, NotActivated, Outage, Outcome, Refused, judge_answer, next_after_failure
from .documents import Trust
from .facts import Candidate, Facts, FailedContact, Refusal, key_hash
from .folder import StateFolder
from .grants import compare_clocks, take_grant
from .holdings import holdings, names_unknown_key, seat, usable_certificate, verified
from .keys import TrustedKeys
from .meters import Usage
from .offers import is_locally_invalid
from .owed import owe, owed_now, settle
from .rules import judge, named
from .state import State
from .times import day_of
from .transport import Transport
from .usage import acknowledge, portion, report, tell_anew

log = logging.getLogger("caio_licensing")


class Exchange:
    """:param about: what every request says about the installation"""

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
        """Checks in, or activates if that is due, and takes in the answer."""
        facts, sent = self._facts(), portion(self._folder.read().usage)
        if not facts.license_key:
            return
        facts = self._with_known_keys(facts)
        outcome, trust = self._exchange(facts, sent)
        at = now()
        with self._folder.update() as fresh:
            # If another key was installed meanwhile, the answer is not about it.
            if fresh.license_key == facts.license_key:
                self._take_in(fresh, facts, trust, outcome, sent, at)
        if isinstance(outcome, Granted):
            self._after_grant(outcome)

    def ask_for_candidate(self, now: Callable[[], int]) -> bool:
        """Asks for the license that is to replace the one in force. Returns whether it did."""
        before = self._facts()
        candidate = before.candidate
        if candidate is None or is_locally_invalid(candidate):
            return False
        asked = replace(before, refusal=None, vouched=False, **named(before, candidate))
        asked = self._with_known_keys(asked)
        outcome, trust = self._judge("/v1/activate", self._body(asked), asked)
        at, taken = now(), False
        with self._folder.update() as state:
            waiting = state.candidate
            if waiting and (waiting.license_key, waiting.since) == (candidate.license_key, candidate.since):
                taken = self._take_candidate(state, candidate, trust, outcome, asked, at)
                if taken:
                    owe(state, seat(before), seat(asked))
        if isinstance(outcome, Granted):
            self._after_grant(outcome)
        return taken

    def deactivate(self) -> bool:
        """Gives the seat back. Returns whether the service has it."""
        answer = self._transport.post("/v1/deactivate", seat(self._facts()))
        return getattr(answer, "status", None) == 204

    def _with_known_keys(self, facts: Facts) -> Facts:
        if names_unknown_key(facts) and (published := self._keys.published()):
            # If no key is known yet, none can be taken away, and a forged license key is reported as forged.
            trust = self._keys.trust(published)
            if not facts.trust or verified(trust.license_key, facts.license_key):
                self._keys.keep(published)
                return replace(facts, trust=trust)
        return facts

    def _body(self, facts: Facts) -> dict[str, Any]:
        return {**seat(facts), **self._about}

    def _exchange(self, facts: Facts, sent: Usage) -> tuple[Outcome, Trust]:
        body = self._body(facts)
        if usable_certificate(facts):
            outcome, trust = self._judge("/v1/check-in", {**body, "usage": report(sent)}, facts)
            if not isinstance(outcome, NotActivated):
                return outcome, trust
        # Activation takes no usage; the next check-in reports it.
        sent.clear()
        outcome, trust = self._judge("/v1/activate", body, facts)
        unknown = isinstance(outcome, NotActivated)
        return (Outage("the service does not know this instance") if unknown else outcome), trust

    def _judge(self, path: str, body: dict[str, Any], facts: Facts) -> tuple[Outcome, Trust]:
        nonce = fresh_nonce()
        answer = self._transport.post(path, {**body, "nonce": nonce})
        outcome, trust = judge_answer(facts, answer, nonce), facts.trust
        unknown = isinstance(outcome, (Outage, Refused)) and outcome.unknown_key
        if unknown and (published := self._keys.published()):
            trust = self._keys.trust(published)
            outcome = judge_answer(replace(facts, trust=trust), answer, nonce)
            if isinstance(outcome, Granted) or (isinstance(outcome, Refused) and outcome.signed_at):
                self._keys.keep(published)
        return outcome, trust

    def _take_in(
        self, state: State, facts: Facts, trust: Trust, outcome: Outcome, sent: Usage, now: int
    ) -> None:
        if isinstance(outcome, Granted):
            take_grant(state, trust, outcome, now, self._chance())
            compare_clocks(state, outcome, now)
            acknowledge(state, sent, day_of(outcome.issued_at), outcome.usage_ignored)
            return
        state.last_attempt_at = now
        state.failures += 1
        retry_after = 0
        if isinstance(outcome, Refused):
            log.warning("The license service refuses: %s %s", outcome.code, outcome.detail)
            state.last_failure = None
            _note_refusal(state, facts, outcome, now)
        elif isinstance(outcome, Outage):
            _note_outage(state, outcome, now)
            retry_after = outcome.retry_after
        state.next_check_in = next_after_failure(state.failures, retry_after, now, self._chance())

    def _take_candidate(
        self, state: State, candidate: Candidate, trust: Trust, outcome: Outcome, asked: Facts, now: int
    ) -> bool:
        if isinstance(outcome, Granted):
            take_grant(state, trust, outcome, now, self._chance())
            compare_clocks(state, outcome, now)
            state.installed_key_sha256 = key_hash(candidate.license_key)
            if candidate.instance_id:
                state.instance_id = candidate.instance_id
                tell_anew(state)
            state.key_seen_at, state.candidate = candidate.seen_at, None
            return True
        tried = replace(candidate, failures=candidate.failures + 1)
        retry_after = 0
        if isinstance(outcome, Refused):
            log.warning("The license service refuses the candidate: %s %s", outcome.code, outcome.detail)
            state.last_failure = None
            tried = replace(tried, state="refused", code=outcome.code, detail=outcome.detail)
        else:
            outage = outcome if isinstance(outcome, Outage) else Outage("the service answered 404")
            _note_outage(state, outage, now)
            retry_after = outage.retry_after
            if tried.state == "pending":
                tried = replace(tried, detail=f"The service was not heard: {outage.reason}.")
        tries = next_after_failure(tried.failures, retry_after, now, self._chance())
        state.candidate = replace(tried, next_try_at=tries)
        return False

    def _after_grant(self, granted: Granted) -> None:
        """What is due while the service answers: former seats go back, and dropped keys go."""
        if owed := owed_now(self._folder.read()):
            given_back = [one for one in owed if self._give_back(one)]
            with self._folder.update() as state:
                settle(state, given_back)
        self._keys.refresh(granted.issued_at)

    def _give_back(self, former: dict[str, str]) -> bool:
        answer = self._transport.post("/v1/deactivate", former)
        done = getattr(answer, "status", None) == 204
        if not done:
            log.info("The seat of the license before could not be given back yet")
        return done


def fresh_nonce() -> str:
    """Ties an answer to its request: the service signs it along."""
    return secrets.token_urlsafe(16)


def _note_refusal(state: State, facts: Facts, said: Refused, now: int) -> None:
    signed, of = said.signed_at is not None, key_hash(state.license_key or "")
    refusal = Refusal(said.code, said.detail, now, of, signed)
    if said.signed_at:
        state.high_water = max(state.high_water or 0, said.signed_at)
    held = state.refusal
    # An unsigned answer, which anybody can send, must not undo a signed one.
    if held and held.signed and not refusal.signed and held.key_sha256 == refusal.key_sha256:
        if judge(replace(facts, refusal=None), holdings(facts), now)[0][0] in ("entitled", "grace"):
            return
    state.refusal = refusal


def _note_outage(state: State, outage: Outage, now: int) -> None:
    log.warning("The license service was not heard (attempt %d): %s", state.failures, outage.reason)
    state.last_failure = FailedContact(now, outage.reason)
