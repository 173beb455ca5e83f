"""What an answer of the service means. Pure.

The main rule: only a coded refusal of the service says no. Everything else that goes wrong (a
proxy's page, a captive portal, a time-out, a 5xx) is an outage and changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Mapping, Union

from .claims import Certificate
from .documents import DocumentInvalid, IssuerMismatch, SigningKeyUnknown, claim_of
from .facts import Facts
from .holdings import is_usable, usable_certificate
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
        "LICENSE_NOT_FOUND",
        "ACTIVATION_LIMIT_REACHED",
        "INSTANCE_CLONED",
    }
)

#: The refusals that the service signs.
SIGNED_CODES = frozenset(
    {"LICENSE_EXPIRED", "LICENSE_SUSPENDED", "LICENSE_REVOKED", "LICENSE_KEY_SUPERSEDED"}
)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Failure:
    """Why there was no answer, in words for the person who must fix it."""

    reason: str


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
    #: What OVER_LIMIT is about: names of limits, codes of entitlements.
    over_limit: tuple[str, ...]
    #: None if not known.
    seats_active: int | None
    #: Days whose usage the service did not take.
    usage_ignored: frozenset[str]


@dataclass(frozen=True)
class Refused:
    code: str
    detail: str
    #: When the service signed it; None if it is unsigned.
    signed_at: int | None = None
    #: It is signed by an unknown key: the published keys should be read again.
    unknown_key: bool = False


@dataclass(frozen=True)
class NotActivated:
    pass


@dataclass(frozen=True)
class Outage:
    reason: str
    retry_after: int = 0
    #: A document names an unknown key: the published keys should be read again.
    unknown_key: bool = False


Outcome = Union[Granted, Refused, NotActivated, Outage]

MAX_RETRY_AFTER = DAY


def judge_answer(facts: Facts, answer: Answer | Failure | None, nonce: str) -> Outcome:
    """What an answer to an activation or a check-in means; None means no answer.

    :param facts: with the key and the instance of the request
    :param nonce: of the request
    """
    if answer is None or isinstance(answer, Failure):
        return Outage(answer.reason if answer else "no answer")
    body = _json_object(answer.body)
    if answer.status == 200:
        return _judge_grant(facts, body, nonce)
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if 400 <= answer.status < 500 and kind == "application/problem+json":
        code, detail = body.get("code"), body.get("detail")
        if isinstance(code, str) and code in REFUSALS:
            said = Refused(code, detail if isinstance(detail, str) else code)
            return _judge_signature(facts, said, body.get("refusal"), nonce)
        if code == "INSTANCE_NOT_ACTIVATED":
            return NotActivated()
    who = "proxy" if answer.status == 407 else "the service"
    return Outage(f"{who} answered {answer.status}", _retry_after(answer))


def _judge_signature(facts: Facts, said: Refused, token: object, nonce: str) -> Refused:
    if not isinstance(token, str) or said.code not in SIGNED_CODES:
        return said
    try:
        signed = facts.trust.refusal(token)
    except SigningKeyUnknown:
        return replace(said, unknown_key=True)
    except DocumentInvalid:
        return said
    held = usable_certificate(facts)
    # With another nonce it is the answer to another request: somebody on the way kept it, and replays it.
    about = signed.code, signed.instance_id, signed.license_id, signed.nonce
    asked = said.code, facts.instance_id, claim_of(facts.license_key or "", "jti"), nonce
    # A refusal older than a later grant was cached somewhere on the way.
    fresh = held is None or signed.issued_at >= held.issued_at
    return replace(said, signed_at=signed.issued_at) if about == asked and fresh else said


def _judge_grant(facts: Facts, body: Mapping[str, Any], nonce: str) -> Outcome:
    key_text, certificate_text = body.get("license_key"), body.get("certificate")
    if not isinstance(key_text, str) or not isinstance(certificate_text, str):
        return Outage("the service answered 200")
    try:
        key = facts.trust.license_key(key_text)
        certificate = facts.trust.certificate(certificate_text)
        wanted = _license_id(facts)
    except SigningKeyUnknown:
        return Outage("the answer's documents are signed by an unknown key", unknown_key=True)
    except DocumentInvalid as error:
        return Outage(f"a document of the answer {error}")
    granted = key.terms.license_id
    if granted != wanted or not is_usable(certificate, granted, facts.instance_id):
        return Outage("the answer is for another installation")
    if certificate.nonce not in (None, nonce):
        return Outage("the answer is to another request: it was stored somewhere on the way")
    last = usable_certificate(facts)
    if last and certificate.issued_at < last.issued_at:
        return Outage("the answer is older than the certificate held: it was stored somewhere on the way")
    return grant_of(key_text, certificate_text, certificate, body)


def _license_id(facts: Facts) -> str | None:
    """Of the key that was asked with. The service may grant one that no key known here verifies.

    :raises DocumentInvalid: if it is forged
    """
    text = facts.license_key or ""
    try:
        return facts.trust.license_key(text).terms.license_id
    except (SigningKeyUnknown, IssuerMismatch):
        return claim_of(text, "jti")


def grant_of(
    key_text: str, certificate_text: str, certificate: Certificate, content: Mapping[str, Any]
) -> Granted:
    """What valid documents grant, from an answer or a license file."""
    asked = certificate.check_in_at
    return Granted(
        license_key=key_text.strip(),
        certificate=certificate_text.strip(),
        license_id=certificate.terms.license_id,
        issued_at=certificate.issued_at,
        interval=DAY if asked is None else asked - certificate.issued_at,
        lease=certificate.lease_expires_at - certificate.issued_at,
        warnings=_members(content.get("warnings"), "code"),
        over_limit=_members(content.get("warnings"), "limit", of="OVER_LIMIT"),
        seats_active=_seats(content.get("instances")),
        usage_ignored=_days(content.get("usage_ignored")),
    )


def _days(dates: object) -> frozenset[str]:
    return frozenset(one for one in dates if isinstance(one, str)) if isinstance(dates, list) else frozenset()


def _members(warnings: object, name: str, of: str | None = None) -> tuple[str, ...]:
    given = [one for one in warnings if isinstance(one, dict)] if isinstance(warnings, list) else []
    texts = [one.get(name) for one in given if of in (None, one.get("code"))]
    return tuple(sorted({text for text in texts if isinstance(text, str)}))


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
    # Digits only: the service sends seconds, and a date would need a correct clock.
    return min(int(text[:9]) * SECOND, MAX_RETRY_AFTER) if text.isascii() and text.isdigit() else 0


def next_after_grant(granted: Granted, clock: int, chance: float) -> int:
    """When to check in next: an interval from now by the local clock, so that a wrong clock does no harm."""
    wanted = granted.interval + int(granted.interval * 0.1 * chance)
    return clock + max(MINUTE, min(wanted, granted.lease * 3 // 4))


def next_after_failure(failures: int, retry_after: int, clock: int, chance: float) -> int:
    """When to try again after a number of failures in a row: exponential, with full jitter."""
    ceiling = min(HOUR, 30 * SECOND * 2 ** min(failures - 1, 10))
    return clock + max(SECOND, int(ceiling * chance), retry_after)
