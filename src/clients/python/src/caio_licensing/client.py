"""The installation's side of the license service: what it holds, says and asks, and when.

`status()` never waits for the network. Two background threads do the rest: one writes the counters, one
checks in when it is time.
"""

from __future__ import annotations

import logging
import os
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Literal, Mapping

from .background import Background
from .counting import Counting
from .documents import DocumentInvalid, SigningKeyUnknown
from .exchange import Exchange
from .folder import StateFolder, is_instance_id
from .identity import about_installation
from .keys import TrustedKeys, pinned_by_environment
from .processes import accompany
from .rules import Facts, Status, evaluate, key_hash
from .transport import HttpTransport, Transport

log = logging.getLogger("caio_licensing")

_DEFAULT_FOLDER = "~/.local/state/caio-license"


class LicenseClient:
    """One license on one installation. What is not given comes from the environment.

    :param url: of the license service (CAIO_LICENSE_URL); without one nothing is asked over the network
    :param license_key: as it was delivered (CAIO_LICENSE_KEY); kept in the state folder
    :param state_dir: where to keep things (CAIO_LICENSE_DIR, else ~/.local/state/caio-license)
    :param trusted_keys: the service's public JWK Set, pinned (CAIO_LICENSE_KEYS: a file's name)
    :param fetch_keys: whether to read the published keys as well where a pinned one is not enough
    :param issuer: whose documents count (CAIO_LICENSE_ISSUER); the url where not given
    :param on_indeterminate: "deny" to stop where nobody can tell; "allow" to go on
    :param clock: seconds since 1970, for tests
    :raises ValueError: where neither url nor issuer is known
    :raises OSError: where there is no state folder and none can be made
    """

    def __init__(
        self,
        url: str | None = None,
        license_key: str | None = None,
        *,
        state_dir: str | os.PathLike[str] | None = None,
        trusted_keys: Mapping[str, Any] | None = None,
        fetch_keys: bool = True,
        issuer: str | None = None,
        on_indeterminate: Literal["allow", "deny"] = "allow",
        app_version: str | None = None,
        hostname: str | None = None,
        fingerprint: str | None = None,
        labels: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        ca_file: str | None = None,
        flush_interval: float = 2.0,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        url = url or os.environ.get("CAIO_LICENSE_URL") or None
        self.issuer = issuer or os.environ.get("CAIO_LICENSE_ISSUER") or (url or "").rstrip("/")
        if not self.issuer:
            raise ValueError("Where is the license service? Give url or set CAIO_LICENSE_URL.")
        if on_indeterminate not in ("allow", "deny"):
            raise ValueError('on_indeterminate is "allow" or "deny"')
        self._strict = on_indeterminate == "deny"
        self._transport = transport or (HttpTransport(url, timeout=timeout, ca_file=ca_file) if url else None)
        trusted_keys = pinned_by_environment() if trusted_keys is None else trusted_keys
        #: What the service is told about this installation besides.
        self.about = about_installation(hostname, app_version, fingerprint, labels)
        self._clock, self.chance = clock, chance
        self.folder = StateFolder(
            Path(state_dir or os.environ.get("CAIO_LICENSE_DIR") or _DEFAULT_FOLDER).expanduser()
        )
        self.folder.instance_id()  # made now: later there may be no place to write it
        self._counting = Counting(self.folder, self.now)
        self._keys = TrustedKeys(self.issuer, self.folder, trusted_keys, self._transport, fetch=fetch_keys)
        self._exchange = self._transport and Exchange(
            self.folder,
            self._transport,
            facts=self.facts,
            keys=self._keys,
            about=self.about,
            chance=chance,
        )
        self._background = Background(
            flush_interval, {"caio-license-usage": self.flush, "caio-license-check-in": self._check_in_if_due}
        )
        configured = license_key or os.environ.get("CAIO_LICENSE_KEY")
        if configured and configured.strip():
            self.install(configured)
        accompany(self)

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
        return Facts(
            trust=self._keys.trust(state.jwks),
            instance_id=self.instance_id,
            license_key=state.license_key,
            certificate=state.certificate,
            revocations=state.revocations,
            refusal=state.refusal,
            warnings=tuple(state.warnings),
            high_water=state.high_water,
            next_check_in=state.next_check_in,
            strict=self._strict,
        )

    def now(self) -> int:
        """The local clock in milliseconds."""
        return round(self._clock() * 1000)

    # ---- counting

    def today(self) -> str:
        """The UTC day that is counted on: a clock set back counts on the day that it was set back from."""
        return self._counting.today()

    def count_requests(self, n: int = 1) -> None:
        """Adds to the requests of today."""
        self._counting.count_requests(n)

    def set_services(self, n: int) -> None:
        """Tells how many services run now. Each day the most at a time counts."""
        self._counting.set_services(n)

    def requests_today(self) -> int:
        """What this installation counted today: what is written and what this process has yet to write."""
        return self._counting.requests_today()

    def services_today(self) -> int:
        """The most at a time of today."""
        return self._counting.services_today()

    def flush(self) -> None:
        """Writes what was counted. Where it cannot be written it is kept and tried again."""
        self._counting.flush()

    # ---- installing and talking

    def install(self, license_key: str) -> None:
        """Puts a license key in place of the one held. What the service said of that one is forgotten.

        The key that was installed last may be installed again, at each start for instance: that changes
        nothing, and a newer one that the service sent since stays.
        """
        license_key = license_key.strip()
        if self._holds(license_key):
            return
        with self.folder.update() as state:
            state.license_key, state.installed_key_sha256 = license_key, key_hash(license_key)
            state.warnings, state.next_check_in, state.failures = [], None, 0

    def verify_key(self, license_key: str) -> None:
        """Whether the service signed the key. Reads the published keys where they are needed and allowed.

        :raises DocumentInvalid, SigningKeyUnknown:
        """
        try:
            self._keys.trust(self.folder.read().jwks).license_key(license_key)
        except SigningKeyUnknown:
            published = self._keys.published()
            if published is None:
                raise
            self._keys.trust(published).license_key(license_key)
            self._keys.keep(published)

    def activate(self, license_key: str | None = None, instance_id: str | None = None) -> Status:
        """Activates, with another key if one is given. A license that is good is not given up for one that
        is refused: then the status of the new one is returned, and the old one stays.

        :raises ValueError: for an instance_id other than that of an installation that is activated
        """
        if instance_id and instance_id != self.instance_id:
            self._adopt(instance_id)
        good = self.status().state in ("entitled", "grace")
        if license_key and self._exchange and good and not self._holds(license_key):
            with self.folder.turn(wait=True):
                refusal = self._exchange.ask_for(license_key.strip(), self.now)
            asked = replace(self.facts(), license_key=license_key, refusal=refusal)
            return evaluate(asked, self.now())
        if license_key:
            self.install(license_key)
        return self.check_in()

    def check_in(self) -> Status:
        """Asks the service now, activating where that is due, and waits for its answer."""
        self.flush()
        if self._exchange:
            with self.folder.turn(wait=True):
                self._exchange.ask(self.now)
        return self.status()

    def deactivate(self) -> bool:
        """Gives the seat back and forgets key and certificate. False where the service could not be told."""
        self.flush()
        # Whoever waits for a turn meanwhile must find the key gone, or it would take the seat again.
        with self.folder.turn(wait=True):
            if self.folder.read().license_key and self._exchange:
                self._exchange.ask(self.now)  # what was used since the last time
                if not self._exchange.deactivate():
                    return False
            self.forget()
        return True

    def forget(self) -> None:
        """Forgets key and certificate; the usage and the instance's id stay."""
        with self.folder.update() as state:
            state.license_key = state.installed_key_sha256 = state.certificate = None
            state.refusal = state.next_check_in = None
            state.warnings, state.failures = [], 0

    def read_revocations(self, token: str | None = None) -> bool:
        """Takes in the revocation list: the one given, or the service's. False where there is no good one."""
        return self._keys.take_revocations(token)

    # ---- in the background

    def start(self) -> LicenseClient:
        """Starts writing counters and checking in. In a forked process it starts again by itself."""
        self._background.start()
        return self

    def close(self) -> None:
        """Stops the threads and writes what was counted."""
        self._background.stop()
        self.flush()

    def __enter__(self) -> LicenseClient:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_in_if_due(self) -> None:
        if not self._due():
            return
        with self.folder.turn(wait=False) as mine:
            # Another process may have asked in between.
            if mine and self._exchange and self._due():
                self.flush()
                self._exchange.ask(self.now)

    def _due(self) -> bool:
        state, now = self.folder.read(), self.now()
        if not state.license_key or not self._transport:
            return False
        # A clock that was set back would put off what was planned by the old one.
        return state.next_check_in is None or now >= state.next_check_in or now < (state.last_attempt_at or 0)

    def after_fork(self) -> None:
        """Goes on in a forked child; called by itself."""
        self.folder.after_fork()
        self._counting.after_fork()
        self._background.after_fork()

    def _holds(self, license_key: str) -> bool:
        state = self.folder.read()
        return key_hash(license_key) in (state.installed_key_sha256, key_hash(state.license_key or ""))

    def _adopt(self, instance_id: str) -> None:
        if not is_instance_id(instance_id):
            raise ValueError("instance_id has 1 to 128 printable characters.")
        # Not while another process waits for a certificate under the id before.
        with self.folder.turn(wait=True):
            self.folder.adopt_instance_id(instance_id)
