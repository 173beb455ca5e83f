"""What an answer of the service means. Pure.

One rule stands above the others: only a coded refusal of the service says no. Whatever else goes wrong (a
proxy's page, a captive portal, a time-out, a 5xx) is an outage and leaves things as they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping, Union

from .documents import Certificate, DocumentInvalid, SigningKeyUnknown
from .rules import Facts, is_usable, usable_certificate
from .times import DAY, HOUR, MINUTE, SECOND

#: The codes of the service that say no; any other answer is an outage.
REFUSALS = frozenset(
    {
        "LICENSE_EXPIRED",
        "LICENSE_SUSPENDED",
        "LICENSE_REVOKED",
        "LICENSE_NOT_STARTED",
        "LICENSE_KEY_SUPERSEDED",
        "LICENSE_KEY_INVALID",
        "ACTIVATION_LIMIT_REACHED",
        "INSTANCE_CLONED",
    }
)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Granted:
    license_key: str
    certificate: str
    license_id: str
    issued_at: int
    #: How long until the service wants to hear from us, and how long its lease is.
    interval: int
    lease: int
    warnings: tuple[str, ...]
    #: None where it is not told.
    seats_active: int | None
    #: Days of usage that were not taken, because the request was unproven.
    usage_ignored: frozenset[str]


@dataclass(frozen=True)
class Refused:
    code: str
    detail: str


@dataclass(frozen=True)
class NotActivated:
    pass


@dataclass(frozen=True)
class Outage:
    reason: str
    retry_after: int = 0
    #: A document names a key that is not known: the published ones should be read again.
    unknown_key: bool = False


Outcome = Union[Granted, Refused, NotActivated, Outage]

MAX_RETRY_AFTER = DAY


def judge_answer(facts: Facts, answer: Answer | None) -> Outcome:
    """What an answer to an activation or a check-in means; None is none at all."""
    if answer is None:
        return Outage("The service cannot be reached.")
    body = _json_object(answer.body)
    if answer.status == 200:
        return _judge_grant(facts, body)
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if 400 <= answer.status < 500 and kind == "application/problem+json":
        code, detail = body.get("code"), body.get("detail")
        if isinstance(code, str) and code in REFUSALS:
            return Refused(code, detail if isinstance(detail, str) else code)
        if code == "INSTANCE_NOT_ACTIVATED":
            return NotActivated()
    told = f": {body['detail']}" if isinstance(body.get("detail"), str) else "."
    return Outage(f"The service answered with {answer.status}{told}", _retry_after(answer))


def _judge_grant(facts: Facts, body: Mapping[str, Any]) -> Outcome:
    key_text, certificate_text = body.get("license_key"), body.get("certificate")
    if not isinstance(key_text, str) or not isinstance(certificate_text, str):
        return Outage("What answered is not the license service.")
    try:
        key = facts.trust.license_key(key_text)
        certificate = facts.trust.certificate(certificate_text)
        held = facts.trust.license_key(facts.license_key or "")
    except SigningKeyUnknown as error:
        return Outage(f"A document {error}.", unknown_key=True)
    except DocumentInvalid as error:
        return Outage(f"A document {error}.")
    if key.terms.license_id != held.terms.license_id or not is_usable(certificate, key, facts.instance_id):
        return Outage("The answer is for another installation.")
    last = usable_certificate(facts)
    if last and certificate.issued_at < last.issued_at:
        return Outage("The answer is older than the certificate held: it was stored somewhere on the way.")
    return grant_of(key_text, certificate_text, certificate, body)


def grant_of(
    key_text: str, certificate_text: str, certificate: Certificate, content: Mapping[str, Any]
) -> Granted:
    """What documents that are good grant, be they from an answer or from a license file."""
    asked = certificate.check_in_at
    return Granted(
        license_key=key_text.strip(),
        certificate=certificate_text.strip(),
        license_id=certificate.terms.license_id,
        issued_at=certificate.issued_at,
        interval=DAY if asked is None else asked - certificate.issued_at,
        lease=certificate.lease_expires_at - certificate.issued_at,
        warnings=_codes(content.get("warnings")),
        seats_active=_seats(content.get("instances")),
        usage_ignored=_days(content.get("usage_ignored")),
    )


def _codes(warnings: object) -> tuple[str, ...]:
    given = warnings if isinstance(warnings, list) else []
    codes = [one.get("code") for one in given if isinstance(one, dict)]
    return tuple(sorted({code for code in codes if isinstance(code, str)}))


def _days(ignored: object) -> frozenset[str]:
    return frozenset(day for day in (ignored if isinstance(ignored, list) else []) if isinstance(day, str))


def _seats(instances: object) -> int | None:
    active = instances.get("active") if isinstance(instances, dict) else None
    return active if isinstance(active, int) else None


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _retry_after(answer: Answer) -> int:
    text = answer.headers.get("retry-after", "").strip()
    # Digits alone: the service sends seconds, and a date would need a clock that is right.
    return min(int(text[:9]) * SECOND, MAX_RETRY_AFTER) if text.isascii() and text.isdigit() else 0


def next_after_grant(granted: Granted, clock: int, chance: float) -> int:
    """When to check in next. By the local clock from now on, so that one that is wrong does no harm."""
    wanted = granted.interval + int(granted.interval * 0.1 * chance)
    return clock + max(MINUTE, min(wanted, granted.lease * 3 // 4))


def next_after_failure(failures: int, retry_after: int, clock: int, chance: float) -> int:
    """When to try again after so many failures in a row: exponential, with full jitter."""
    ceiling = min(HOUR, 30 * SECOND * 2 ** min(failures - 1, 10))
    return clock + max(SECOND, int(ceiling * chance), retry_after)
