"""What the service publishes: the keys that verify its documents, and the revocation list."""

from __future__ import annotations

import json
from typing import Any, Callable, Mapping, Sequence

from .answers import Answer
from .documents import DocumentInvalid, SigningKeyUnknown, Trust, public_keys
from .folder import StateFolder
from .holdings import verified
from .state import State
from .times import DAY
from .transport import Transport


class TrustedKeys:
    """Published keys are added to the pinned ones and kept in the state folder."""

    def __init__(
        self,
        issuers: Sequence[str],
        folder: StateFolder,
        pinned: Mapping[str, Any] | None,
        source: Transport | None,
        *,
        fetch: bool,
    ) -> None:
        self._issuers, self._folder, self._pinned, self._source = issuers, folder, pinned, source
        self._fetch = fetch
        self._made: tuple[object, Trust] | None = None

    def trust(self, published: dict[str, Any] | None) -> Trust:
        """Kept while the keys are the same, since it remembers which signatures it has checked."""
        # With pinned keys only, keys from the state folder do not count: it is easily written.
        stamp = json.dumps(published if self._fetch else None)
        made = self._made
        if made is None or made[0] != stamp:
            made = self._made = (stamp, Trust(self._issuers, json.loads(stamp), self._pinned))
        return made[1]

    def published(self) -> dict[str, Any] | None:
        """The keys that the service publishes now, if reading them is allowed and the answer is useful."""
        answer = self._source.get("/.well-known/jwks.json") if self._source and self._fetch else None
        try:
            jwks = json.loads(answer.body) if isinstance(answer, Answer) and answer.status == 200 else None
        except (ValueError, RecursionError):
            return None
        return jwks if public_keys(jwks) else None

    def keep(self, published: dict[str, Any]) -> None:
        """Replaces the stored keys. Only if the new ones verify what the stored ones do not: otherwise anything
        that answers in the service's place could remove the keys of a good license.
        """
        with self._folder.update() as state:
            state.jwks = published

    def refresh(self, now: int) -> None:
        """At most once a day, after a good answer: a key that the service no longer publishes is no longer trusted.
        The stored keys stay if anything that they verify here would not be verified any more, so this ends nothing
        that is in force. Pinned keys stay.

        :param now: by the service's time
        """
        state = self._folder.read()
        if not state.jwks or not self._fetch or now - (state.keys_read_at or 0) < DAY:
            return
        published = self.published()
        with self._folder.update() as fresh:
            fresh.keys_read_at = now
            if published and self._verifies_all(published, fresh):
                fresh.jwks = published

    def _verifies_all(self, published: dict[str, Any], state: State) -> bool:
        known, given = self.trust(state.jwks), Trust(self._issuers, published, self._pinned)
        held: list[tuple[Callable[[Trust], Callable[[str], object]], str | None]] = [
            (lambda trust: trust.license_key, state.license_key),
            (lambda trust: trust.license_key, state.candidate and state.candidate.license_key),
            (lambda trust: trust.certificate, state.certificate),
            (lambda trust: trust.certificate, state.proven_certificate),
            (lambda trust: trust.revocations, state.revocations),
        ]
        return all(
            verified(read(given), text) is not None or verified(read(known), text) is None
            for read, text in held
        )

    def take_revocations(self, token: str | None) -> bool:
        """Stores a revocation list, the published one if none is given, unless a newer one is stored."""
        if token is None:
            answer = self._source.get("/v1/revocations") if self._source else None
            good = isinstance(answer, Answer) and answer.status == 200
            token = answer.body.decode("ascii", "replace") if good else ""
        with self._folder.update() as state:
            trust = self.trust(state.jwks)
            try:
                given = trust.revocations(token)
            except (DocumentInvalid, SigningKeyUnknown):
                return False
            held = verified(trust.revocations, state.revocations)
            if held is None or held.issued_at <= given.issued_at:
                state.revocations = token.strip()
                state.high_water = max(state.high_water or 0, given.issued_at)
        return True
