"""CAIO's licenses inside the installation: activate, check in, count, and continue if nobody answers."""

__version__ = "0.1.0"

from .airgap import LicenseFileError
from .client import LicenseClient
from .entitlements import UNLIMITED, Entitlement
from .metrics import openmetrics
from .facts import Status
from .validator import LicenseMetadata, LicenseType, LicenseValidator

__all__ = [
    "UNLIMITED",
    "Entitlement",
    "LicenseClient",
    "LicenseFileError",
    "LicenseMetadata",
    "LicenseType",
    "LicenseValidator",
    "Status",
    "openmetrics",
]
