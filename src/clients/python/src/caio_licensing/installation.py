"""What an installation stores and reports, and how it is offered another license. `contact` asks the service."""

from __future__ import annotations

import logging
from typing import Any, Callable, Mapping

from .confirmed import ConfirmedTime
from .documents import DocumentInvalid, IssuerMismatch, SigningKeyUnknown, claim_of
from .exchange import Exchange
from .facts import FailedContact, Facts, Status, key_hash
from .folder import StateFolder
from .holdings import verified
from .keys import TrustedKeys
from .offers import configure, is_configured, is_held, offer
from .rules import MARKED, evaluate
from .settings import Settings, configured_text
from .state import State
from .texts import clean_key, had_marks
from .times import parse_instant
from .transport import HttpTransport, Transport

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
        fault = transport.fault if isinstance(transport, HttpTransport) else None
        #: Why the service is not asked at all.
        self._unasked = FailedContact(self.now(), fault) if fault else None
        self._pinned_only = bool(trusted_keys) and not (fetch_keys and transport)
        #: What else the service is told about this installation.
        self.about = about
        self.folder = StateFolder(settings.folder, settings.instance_id, self._note_times)
        kept = self.folder.read()
        self._confirmed = ConfirmedTime(ticks, kept.confirmed_at or max(kept.high_water or 0, self.now()))
        self._marked: frozenset[str] = frozenset()
        self._file_fault = ""
        self._keys = TrustedKeys(settings.issuers, self.folder, trusted_keys, transport, fetch=fetch_keys)
        self._exchange = transport and Exchange(
            self.folder, transport, facts=self.facts, keys=self._keys, about=about, chance=chance
        )
        self.configure()

    # ---- what it knows

    @property
    def instance_id(self) -> str:
        """The installation's id. Read each time: another process may have taken over an id."""
        return self.folder.instance_id()

    def status(self) -> Status:
        """The current status. Reads the stored state; never waits for the network."""
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
            over_limit=tuple(state.over_limit),
            high_water=state.high_water,
            next_check_in=state.next_check_in,
            last_attempt_at=state.last_attempt_at,
            candidate=state.candidate,
            last_failure=self._unasked or state.last_failure,
            vouched=vouched or verified(trust.license_key, key) is not None,
            seen_at=state.key_seen_at,
            bounded_since=state.bounded_since,
            confirmed=self.confirmed(state),
            last_seen_at=_recorded(state),
            clock_ahead=state.clock_ahead_ms,
            strict=self._strict,
            indeterminate_days=self._indeterminate_days,
            built_at=self._settings.built_at,
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
        """What is added to every change of the state."""
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
        """Takes in the current configuration: only changes have an effect."""
        key, name = self._configured_key(), self._settings.instance_id
        held = self.folder.read()
        if is_configured(held, key, name) and held.bounded_since is not None:
            return
        with self.folder.update() as state:
            state.confirmed_at = self.confirmed(state)  # the first start is written down
            configure(state, key, name, **self._offering(state))

    def _configured_key(self) -> str | None:
        """Empty if what is configured is blank."""
        try:
            text = configured_text(self._settings)
            self._file_fault = ""
            return self._clean(text) if text else None
        except (OSError, ValueError) as error:
            # A secret that is being replaced, or not mounted yet: it is read again later, and reported once.
            if self._file_fault != str(error):
                self._file_fault = str(error)
                log.warning("The license key file %s cannot be read: %s", self._settings.license_key_file, error)
            return None

    def install(self, license_key: str) -> None:
        """Installs a license key; a blank one changes nothing. If the current license may run, the new key waits until it
        is granted a seat.

        Installing the last installed key again, for example at each start, changes nothing; a newer key
        that the service sent since stays.
        """
        key = self._clean(license_key)
        if not key:
            return
        with self.folder.update() as state:
            offer(state, key, None, **self._offering(state))

    @property
    def can_ask(self) -> bool:
        """Whether there is a service to ask."""
        return self._exchange is not None

    def holds(self, license_key: str) -> bool:
        """Whether the key is the one in force, as installed or as the service has renewed it since."""
        return is_held(self.folder.read(), self._clean(license_key))

    def check_key(self, license_key: str) -> None:
        """Whether the service signed the key, judged by the known keys.

        :raises DocumentInvalid, SigningKeyUnknown:
        """
        key = self._clean(license_key)
        try:
            self._keys.trust(self.folder.read().jwks).license_key(key)
        except IssuerMismatch:
            raise
        except DocumentInvalid as error:
            marked = MARKED if key_hash(key) in self._marked else ""
            raise DocumentInvalid(f"{error}.{marked}" if marked else str(error)) from error

    def verify_key(self, license_key: str) -> None:
        """Whether the service signed the key. Reads the published keys if needed and allowed.

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

    def forget(self) -> None:
        """Forgets key and certificate; the usage and the instance's id stay."""
        with self.folder.update() as state:
            state.license_key = state.installed_key_sha256 = state.vouched_key_sha256 = None
            state.configured_key_sha256 = state.configured_instance_id = None
            state.candidate = state.key_seen_at = None
            forget_seat(state)

    def read_revocations(self, token: str | None = None) -> bool:
        """Takes in the revocation list: the given one, or that of the service. False if there is no good one."""
        return self._keys.take_revocations(token)

    def _offering(self, state: State) -> dict[str, Any]:
        return {
            "own_name": state.instance_id or self.instance_id,
            "trust": self._keys.trust(state.jwks),
            "now": self.now(),
            "confirmed": self.confirmed(state),
        }

    def _clean(self, text: str) -> str:
        key = clean_key(text)
        if key and had_marks(text):
            self._marked |= {key_hash(key)}
        return key


def forget_seat(state: State) -> None:
    state.certificate = state.proven_certificate = None
    state.refusal = state.next_check_in = None
    state.warnings, state.failures = [], 0


def _is_old(state: State) -> bool:
    """Whether an older client wrote the state, and the service had granted its license."""
    of = claim_of(state.license_key or "", "jti"), claim_of(state.certificate or "", "license_id")
    return state.bounded_since is None and of[0] is not None and of[0] == of[1]


def _recorded(state: State) -> int | None:
    """The latest earlier reading of the local clock."""
    if state.last_seen_at is not None:
        return state.last_seen_at
    days = parse_instant(f"{max(state.usage)}T00:00:00Z") if state.usage else None
    return max((one for one in (state.last_attempt_at, days) if one is not None), default=None)
