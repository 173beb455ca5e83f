"""The installation's side of the license service: what it stores, reports and asks, and when.

`status()` never waits for the network. Background threads do the rest: one writes the counters, one checks in
when it is time, one checks the key file.
"""

from __future__ import annotations

import os
import random
import time
from typing import Any, Callable, Literal, Mapping

from .background import Background, aside, within
from .contact import Contact
from .counting import Counting
from .coverage import BuiltAt
from .documents import claim_of
from .drill import LAPSE_INTERVAL, lapse, may_move_clock
from .facts import Status
from .identity import about_installation
from .meters import PEAK, SUM, meter
from .processes import Presence, accompany
from .settings import pinned_by_environment, settings_from
from .statement import statement_of
from .times import MINUTE
from .transport import HttpTransport, Transport

#: How often, in seconds, the key file is checked and confirmed time is written.
_LOOK_AGAIN = 10.0
_KEEP_TIME = 10 * MINUTE


class LicenseClient(Contact):
    """One license on one installation. Arguments that are not given come from the environment.

    :param url: of the license service (CAIO_LICENSE_URL); without it the client sends no requests, and with a mistyped
        one neither: then `last_failure` says so
    :param license_key: as it was delivered (CAIO_LICENSE_KEY); a changed key waits until it is granted a seat
    :param license_key_file: a file with the key (CAIO_LICENSE_KEY_FILE), checked every ten seconds
    :param instance_id: who this installation is (CAIO_LICENSE_INSTANCE_ID); generated and kept if not given
    :param lease_hours: the longest lease to ask for, 1 to 8760 (CAIO_LICENSE_LEASE_HOURS)
    :param release: whether the last process on the folder gives the seat back at its end (CAIO_LICENSE_RELEASE=1)
    :param built_at: when the running version of the product was built (CAIO_BUILT_AT); one that the license does not
        cover is warned of
    :param state_dir: the state folder (CAIO_LICENSE_DIR, else ~/.local/state/caio-license)
    :param trusted_keys: the service's public JWK Set, pinned (CAIO_LICENSE_KEYS: a file's name)
    :param fetch_keys: whether to read the published keys too if the pinned ones are not enough
    :param issuer: the issuers whose documents count, comma-separated (CAIO_LICENSE_ISSUER); default: the url
    :param on_indeterminate: "deny" to stop if nobody can tell; "allow" to continue
    :param indeterminate_days: for how many days to continue if nobody can tell; None: forever
    :param timeout: seconds that a call waits in total: for the service, the disk and other processes
    :param clock: seconds since 1970, for tests; so is `monotonic`, seconds from any beginning
    :raises ValueError: if neither url nor issuer is given, or another argument is invalid
    """

    def __init__(
        self,
        url: str | None = None,
        license_key: str | None = None,
        *,
        license_key_file: str | os.PathLike[str] | None = None,
        instance_id: str | None = None,
        lease_hours: int | None = None,
        release: bool | None = None,
        built_at: BuiltAt | None = None,
        state_dir: str | os.PathLike[str] | None = None,
        trusted_keys: Mapping[str, Any] | None = None,
        fetch_keys: bool = True,
        issuer: str | None = None,
        on_indeterminate: Literal["allow", "deny"] = "allow",
        indeterminate_days: int | None = 90,
        app_version: str | None = None,
        hostname: str | None = None,
        fingerprint: str | None = None,
        labels: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        ca_file: str | None = None,
        flush_interval: float = 2.0,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        settings = settings_from(
            url=url,
            license_key=license_key,
            license_key_file=license_key_file,
            state_dir=state_dir,
            issuer=issuer,
            instance_id=instance_id,
            lease_hours=lease_hours,
            release=release,
            built_at=built_at,
        )
        if on_indeterminate not in ("allow", "deny"):
            raise ValueError('on_indeterminate is "allow" or "deny"')
        self.issuer = settings.issuers[0]
        pinned = pinned_by_environment() if trusted_keys is None else trusted_keys
        moved = lapse(settings.issuers, pinned, clock)
        clock = moved or clock
        if transport is None and settings.url:
            drilled = clock if may_move_clock(settings.issuers, pinned) else None
            transport = HttpTransport(settings.url, timeout=timeout, ca_file=ca_file, drilled=drilled)
        about = about_installation(hostname, app_version, fingerprint, labels)
        super().__init__(
            settings,
            trusted_keys=pinned,
            fetch_keys=fetch_keys,
            transport=transport,
            about=about if settings.lease_hours is None else {**about, "lease_hours": settings.lease_hours},
            strict=on_indeterminate == "deny",
            indeterminate_days=indeterminate_days,
            timeout=timeout,
            clock=clock,
            # A given clock that is not the machine's is the only clock.
            ticks=monotonic or (time.monotonic if clock is time.time else clock),
            chance=chance,
        )
        self._counting = Counting(self.folder, self.now)
        flush_interval = min(flush_interval, LAPSE_INTERVAL) if moved else flush_interval
        works: dict[str, tuple[float, Callable[[], object]]] = {
            "caio-license-usage": (flush_interval, self.flush),
            "caio-license-check-in": (flush_interval, self._check_in_if_due),
        }
        if settings.license_key_file:
            works["caio-license-key"] = (_LOOK_AGAIN, self.configure)
        self._background = Background(works)
        self._presence = Presence(self.folder, counted=settings.release)
        accompany(self, ends_orderly=settings.release)

    # ---- counting

    def today(self) -> str:
        """The UTC day of the count: after the clock is set back, counting continues on the later day."""
        return self._counting.today()

    def count_requests(self, n: int = 1) -> None:
        """Adds to the requests of today."""
        self._counting.count("requests", n)

    def set_services(self, n: int) -> None:
        """Reports how many services run now. Each day the highest number counts."""
        self._counting.set_level("services", n)

    def count(self, code: str, n: int = 1) -> None:
        """Adds to a meter of today, such as tokens.

        :raises TypeError, ValueError: for an invalid code or number, a meter that is observed, or the 33rd of a day
        """
        self._counting.count(meter(SUM, code), n)

    def observe(self, code: str, n: int) -> None:
        """Reports how many there are now, such as GPUs. Each day the highest number counts; the last one goes on until
        another one is reported or the process ends.

        :raises TypeError, ValueError: for an invalid code or number, a meter that is counted, or the 33rd of a day
        """
        self._counting.set_level(meter(PEAK, code), n)

    def requests_today(self) -> int:
        """What this installation counted today: the stored count and what this process has not written yet."""
        return self._counting.today_of("requests")

    def services_today(self) -> int:
        """The highest number of today."""
        return self._counting.today_of("services")

    def meters_today(self) -> dict[str, int]:
        """The meters of today by code."""
        return self._counting.meters_today()

    def statement(self, month: str) -> dict[str, Any]:
        """What this installation counted in a month (YYYY-MM, UTC) under its license and id: `total` and highest day
        (`peak`) of requests, services and each meter, the days without figures, and those that the service does not
        have in full. Days that it has are kept for 132 days.

        :raises ValueError: for anything but a month
        """
        known, state = self._counting.known(), self.folder.read()
        told = {**state.settled, **state.acknowledged}
        of = state.usage_license_id or claim_of(state.license_key or "", "jti")
        about = {"license_id": of, "instance_id": self.instance_id}
        return {**about, **statement_of(month, known, told, self.today())}

    def flush(self) -> None:
        """Writes the counts, and from time to time confirmed time. If that fails, it is tried again."""
        self._counting.flush()
        state = self.folder.read()
        if self.confirmed(state) - (state.confirmed_at or 0) >= _KEEP_TIME:
            self._write_time()

    def _write_time(self) -> None:
        with self.folder.update() as state:
            state.confirmed_at = self.confirmed(state)

    # ---- in an event loop

    async def activate_async(
        self, license_key: str | None = None, instance_id: str | None = None
    ) -> Status:
        """Like `activate`, for `async def`: the event loop continues meanwhile."""
        return await aside(lambda: self.activate(license_key, instance_id))

    async def check_in_async(self) -> Status:
        """Like `check_in`, for `async def`: the event loop continues meanwhile."""
        return await aside(self.check_in)

    # ---- in the background

    def start(self) -> LicenseClient:
        """Starts writing counters and checking in. In a forked process it starts again by itself."""
        self._background.start()
        return self

    def close(self) -> None:
        """Stops the threads and writes the counts; gives the seat back if so configured. Waits at most `timeout`
        seconds in total.
        """
        self._background.stop()
        within(self.timeout, self._leave)

    def _leave(self) -> None:
        self.flush()
        self._write_time()
        if self._presence.leave():
            self.release()

    def __enter__(self) -> LicenseClient:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def after_fork(self) -> None:
        """Continues in a forked child; called automatically."""
        self.folder.after_fork()
        self._confirmed.after_fork()
        self._counting.after_fork()
        self._presence.after_fork()
        self._background.after_fork()
