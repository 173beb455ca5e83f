"""For tests and rehearsals: a license service in the process, with a clock in your hand.

It answers by the service's own rules and signs with keys made for it; its documents name an issuer that no production
client believes.

    with LicenseDrill() as drill:
        client = drill.client(drill.issue(expires_days=90))
        assert client.check_in().state == "entitled"
        drill.outage()
        drill.advance(days=40)
        assert client.check_in().may_run
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Union

from ..client import LicenseClient
from ..drill import DRILL_ISSUER
from ..processes import dismiss
from ..times import DAY, HOUR
from .desk import Desk
from .licenses import Instant, instant
from .ring import Ring
from .server import DrillServer, Heard, Outage
from .used import Day

__all__ = ["DRILL_ISSUER", "Heard", "LicenseDrill", "Outage"]


class LicenseDrill:
    """A license service on the loopback address, from its making until `close`, or in a `with` block.

    :param at: when it begins: seconds since 1970, an RFC 3339 instant, or an aware datetime; default: now
    :param runs: whether the clock runs by itself between two calls of `advance`, as it must for a program in the
        background
    :param port: default: any free one
    :raises ValueError: for an instant that is none
    """

    issuer = DRILL_ISSUER

    def __init__(
        self, *, at: Union[Instant, float, None] = None, runs: bool = False, port: int = 0
    ) -> None:
        began = time.time()
        if at is None:
            self._base = began
        else:
            self._base = float(at) if isinstance(at, (int, float)) else instant(at) / 1000
        self._began, self._runs = began, runs
        #: How far the clocks of the installations are off, in seconds.
        self._off = 0.0
        self._clock_files: list[Path] = []
        self._temporary: list[tempfile.TemporaryDirectory[str]] = []
        self._clients: list[LicenseClient] = []
        self._ring = Ring()
        self._desk = Desk(self._ring, lambda: round(self._now() * 1000))
        self._server = DrillServer(self._desk, self._ring, port)

    # ---- what an installation is given

    @property
    def url(self) -> str:
        """The address of the service."""
        return self._server.url

    @property
    def trusted_keys(self) -> dict[str, Any]:
        """The public keys that the service publishes now, as a JWK Set."""
        return self._ring.published

    def clock(self) -> float:
        """The clock of the installations, seconds since 1970: the argument `clock` of a client."""
        return self._now() + self._off

    def client(self, license_key: str | None = None, **options: Any) -> LicenseClient:
        """An installation in the process, with a state folder of its own, that follows the drill's clock."""
        if "state_dir" not in options:
            self._temporary.append(tempfile.TemporaryDirectory(prefix="caio-license-drill-"))
            options["state_dir"] = self._temporary[-1].name
        own = {"issuer": self.issuer, "trusted_keys": self.trusted_keys, "clock": self.clock}
        client = LicenseClient(self.url, license_key, **{**own, **options})
        self._clients.append(client)
        return client

    def environment(self, folder: str | os.PathLike[str], license_key: str) -> dict[str, str]:
        """The environment of a program that is to take part: address, key, clock, and a state folder.

        :param folder: is made, and holds all of it
        """
        place = Path(folder)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        (place / "keys.json").write_text(json.dumps(self.trusted_keys), encoding="utf-8")
        self._clock_files.append(place / "clock")
        self._write_clocks()
        return {
            "CAIO_LICENSE_URL": self.url,
            "CAIO_LICENSE_ISSUER": self.issuer,
            "CAIO_LICENSE_KEY": license_key,
            "CAIO_LICENSE_KEYS": str(place / "keys.json"),
            "CAIO_LICENSE_DIR": str(place / "state"),
            "CAIO_LICENSE_CLOCK": str(place / "clock"),
        }

    # ---- time

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Lets time pass, for the service and its installations.

        :raises ValueError: for time that goes back
        """
        by = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        if by < 0:
            raise ValueError("time goes forward only; set_back sets the clocks of installations back")
        self._base += by
        self._write_clocks()

    def set_back(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Sets the clocks of the installations back, as against the service's; without arguments they are right again."""
        self._off = -timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        self._write_clocks()

    # ---- what happens to the service

    def outage(self, kind: Outage = "down") -> None:
        """Nobody hears the service from now on. down: connections break; error: it answers 503; silent: it never
        answers; page: a portal's page comes in its place.
        """
        self._server.outage = kind

    def recover(self) -> None:
        self._server.outage = None

    def rotate_keys(self) -> None:
        """The service signs with a new key from now on, and publishes it beside those of before."""
        self._ring.rotate()

    @property
    def heard(self) -> list[Heard]:
        """Each request so far, also those during an outage."""
        return list(self._server.heard)

    # ---- what happens to a license: the last one issued, if no key names another

    def issue(self, **terms: Any) -> str:
        """Sells a license, and returns its key.

        :param terms: as the admin API calls them: license_type (trial, standard, professional, enterprise), features,
            max_instances, max_services, max_requests_per_day, starts_at, expires_at or expires_days, grace_days,
            lease_days, check_in_hours, unproven_lease_hours, updates_until, entitlements, customer_id; the rest
            is the type's
        :raises ValueError, TypeError: for terms that are none
        """
        return self._desk.issue(**terms)

    def suspend(self, license_key: str | None = None) -> None:
        license = self._desk.license(license_key)
        if license.status == "active":
            license.status = "suspended"

    def reinstate(self, license_key: str | None = None) -> None:
        license = self._desk.license(license_key)
        # One that was revoked stays so.
        if license.status == "suspended":
            license.status = "active"

    def revoke(self, license_key: str | None = None) -> None:
        self._desk.license(license_key).status = "revoked"

    def renew(self, *, days: int, license_key: str | None = None) -> None:
        """Moves the end of a license: so many days after its end, or after now where that is later."""
        license = self._desk.license(license_key)
        if license.expires_at is not None:
            license.expires_at = max(license.expires_at, round(self._now() * 1000)) + days * DAY

    def reissue(self, *, unproven_hours: int = 72, license_key: str | None = None) -> str:
        """Replaces the license key, and returns the new one. Installations that prove who they are go on and get it.

        :param unproven_hours: for how long others are still renewed
        """
        license = self._desk.license(license_key)
        license.revision += 1
        until = round(self._now() * 1000) + unproven_hours * HOUR
        license.unproven_until = until if unproven_hours else None
        return self._desk.key_of(license)

    def usage_on(self, date: str, license_key: str | None = None) -> Day:
        """What all instances of a license reported for a UTC day, YYYY-MM-DD: `requests` and `services`."""
        return self._desk.usage_on(date, license_key)

    # ---- its end

    def close(self) -> None:
        """Ends its clients and the service, and removes the folders that it made."""
        for client in self._clients:
            client.close()
            dismiss(client)
        self._server.close()
        for folder in self._temporary:
            folder.cleanup()

    def __enter__(self) -> LicenseDrill:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _now(self) -> float:
        return self._base + (time.time() - self._began if self._runs else 0.0)

    def _write_clocks(self) -> None:
        off = round((self.clock() - time.time()) * 1000)
        for file in self._clock_files:
            # Half of a text would be another time.
            new = file.with_suffix(".new")
            new.write_text(f"{off:+d}ms", encoding="ascii")
            os.replace(new, file)
