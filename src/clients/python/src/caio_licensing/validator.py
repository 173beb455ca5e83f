"""The names of CAIO's Phase 17: a validator that loads a key and reports its content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .background import aside
from .client import LicenseClient
from .facts import Status
from .loading import PENDING, load


class LicenseType(str, Enum):
    """The license types that every service has. A type added by staff stays a plain text."""

    TRIAL = "trial"
    STANDARD = "standard"
    PROFESSIONAL = "professional"
    ENTERPRISE = "enterprise"


@dataclass(frozen=True)
class LicenseMetadata:
    customer_id: str
    license_type: LicenseType | str
    #: None if the key does not say so
    issued_at: datetime | None
    #: None: perpetual
    expires_at: datetime | None
    features: list[str]
    #: None: unlimited; so for the two below
    max_instances: int | None
    max_services: int | None
    max_requests_per_day: int | None


class LicenseValidator:
    """:param client: made from the environment if not given"""

    def __init__(self, client: LicenseClient | None = None) -> None:
        self.client = client or LicenseClient()

    def load_license(self, license_key: str) -> tuple[bool, str | None]:
        """Loads a key: (True, None), (False, the reason), or (may_run, "PENDING") if there is no answer yet.

        Waits at most the client's `timeout` in total, and blocks an event loop: in `async def`, await
        `load_license_async`. A key that does not verify changes nothing. The license in force stays until the
        service grants the new one; until then the new one is `status().candidate`.
        """
        loaded = load(self.client, license_key)
        if loaded.verdict == "pending":
            return loaded.status.may_run, PENDING
        return loaded.verdict == "good", None if loaded.verdict == "good" else loaded.detail

    async def load_license_async(self, license_key: str) -> tuple[bool, str | None]:
        """Like `load_license`, for `async def`: the event loop continues meanwhile."""
        return await aside(lambda: self.load_license(license_key))

    @property
    def license_metadata(self) -> LicenseMetadata | None:
        """What the license allows, from the newest document that verifies; None if there is none."""
        return metadata_of(self.client.status())


def metadata_of(status: Status) -> LicenseMetadata | None:
    if status.license_id is None or status.customer_id is None:
        return None
    name = status.license_type or ""
    known = {one.value: one for one in LicenseType}
    return LicenseMetadata(
        customer_id=status.customer_id,
        license_type=known.get(name, name),
        issued_at=status.issued_at,
        expires_at=status.license_expires_at,
        features=list(status.features),
        max_instances=status.max_instances,
        max_services=status.max_services,
        max_requests_per_day=status.max_requests_per_day,
    )
