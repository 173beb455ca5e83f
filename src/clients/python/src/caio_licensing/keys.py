"""What the service publishes: the keys that its documents are verified with, and the revocation list."""

from __future__ import annotations

import json
from typing import Any, Mapping, Sequence

from .answers import Answer
from .documents import DocumentInvalid, SigningKeyUnknown, Trust, public_keys
from .folder import StateFolder
from .holdings import verified
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
        """Kept while the keys are the same, for it remembers which signatures it has checked."""
        # Whoever pins keys trusts no others, wherever they were read: the state folder is easily written.
        stamp = json.dumps(published if self._fetch else None)
        made = self._made
        if made is None or made[0] != stamp:
            made = self._made = (stamp, Trust(self._issuers, json.loads(stamp), self._pinned))
        return made[1]

    def published(self) -> dict[str, Any] | None:
        """What the service publishes now, where reading it is allowed and something useful came."""
        answer = self._source.get("/.well-known/jwks.json") if self._source and self._fetch else None
        try:
            jwks = json.loads(answer.body) if isinstance(answer, Answer) and answer.status == 200 else None
        except (ValueError, RecursionError):
            return None
        return jwks if public_keys(jwks) else None

    def keep(self, published: dict[str, Any]) -> None:
        """Puts them in place of those held. Only where they verify what those do not: whatever answers in the
        service's place would take away the keys of a license that is good.
        """
        with self._folder.update() as state:
            state.jwks = published

    def take_revocations(self, token: str | None) -> bool:
        """Keeps a revocation list, the published one where none is given, unless a newer one is held."""
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
