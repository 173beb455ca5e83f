"""OpenMetrics text about the license, for scraping: days left, state, seats, usage."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Iterator, Mapping

from .entitlements import UNLIMITED
from .times import DAY, to_datetime

if TYPE_CHECKING:
    from .client import LicenseClient

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_STATES = ("entitled", "grace", "indeterminate", "refused")


def openmetrics(client: LicenseClient) -> str:
    """The current metrics. Values that are unlimited, perpetual or unknown are left out."""
    return "\n".join([*_lines(client), "# EOF", ""])


def _lines(client: LicenseClient) -> Iterator[str]:
    status, state = client.status(), client.folder.read()
    now = to_datetime(client.now())
    yield "# TYPE caio_license_state stateset"
    yield "# HELP caio_license_state Where the installation stands."
    for name in _STATES:
        yield f'caio_license_state{{caio_license_state="{name}"}} {int(name == status.state)}'
    yield from _gauge("may_run", "Whether the installation may run.", int(status.may_run))
    yield from _gauge("days_left", "Days until the license expires.", _days(status.license_expires_at, now))
    yield from _gauge("grace_days_left", "Days until its grace ends.", _days(status.grace_until, now))
    yield from _gauge("lease_days_left", "Days that it may run unheard.", _days(status.lease_expires_at, now))
    yield from _gauge("seats_limit", "Instances that the license allows.", status.max_instances)
    yield from _gauge("seats_active", "Instances active at the last check-in.", state.seats_active)
    yield from _gauge("services", "The most services at a time today.", client.services_today())
    yield from _gauge("services_limit", "Services that the license allows.", status.max_services)
    yield from _gauge("requests_today", "Requests counted today (UTC).", client.requests_today())
    yield from _gauge(
        "requests_limit", "Requests that the license allows a day.", status.max_requests_per_day
    )
    yield from _gauge("check_in_failures", "Check-ins in a row that brought no lease.", state.failures)
    limits = {code: one.value for code, one in status.entitlements.items()}
    yield from _by_code("entitlement", "What the license allows by code.", limits)
    yield from _by_code("meter", "Metered today (UTC), by code.", client.meters_today())
    given = {code: 1 for code in status.warnings}
    yield from _by_code("warning", "What the service or the clock gives to think about.", given)


def _gauge(name: str, about: str, value: float | None) -> Iterator[str]:
    if value is not None:
        yield f"# TYPE caio_license_{name} gauge"
        yield f"# HELP caio_license_{name} {about}"
        yield f"caio_license_{name} {value}"


def _by_code(name: str, about: str, values: Mapping[str, Any]) -> Iterator[str]:
    yield f"# TYPE caio_license_{name} gauge"
    yield f"# HELP caio_license_{name} {about}"
    for code, value in sorted(values.items()):
        if isinstance(value, (int, float)) and value != UNLIMITED:
            yield f'caio_license_{name}{{code="{_escape(code)}"}} {value if type(value) is float else int(value)}'


def _days(until: datetime | None, now: datetime | None) -> float | None:
    if until is None or now is None:
        return None
    return round((until - now).total_seconds() * 1000 / DAY, 3)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
