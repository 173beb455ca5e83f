"""The license service of a drill: its licenses, and what it answers to the calls of installations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ..documents import claim_of
from ..texts import clean_instance_id, clean_key, had_marks
from ..times import DAY, HOUR, SECOND, format_instant
from .answers import warnings_of
from .licenses import License, floor_to_second, new_license
from .problems import Problem
from .requests import instance_id_of, lease_hours_of, required_text, text_of, usage_of
from .ring import Ring
from .seats import Claim, Granted, Refused, Seats, detail_of, refusal_for
from .used import Day, possible

Body = Mapping[str, Any]

_NOT_OURS = "The license key was not issued by this service or was altered."
_MARKED = (
    " Quotes, a name in front, and blanks or invisible characters within it were passed over; what is left is no key of "
    "this service."
)


@dataclass(frozen=True)
class _Sold:
    license: License
    seats: Seats


@dataclass(frozen=True)
class _Presented:
    license: License
    seats: Seats
    revision: int
    key: str


class Desk:
    def __init__(self, ring: Ring, now: Callable[[], int]) -> None:
        self._ring, self._now = ring, now
        self._sold: dict[str, _Sold] = {}
        self._changed_at = 0

    def issue(self, **terms: Any) -> str:
        """Returns the license key."""
        license = new_license(self._now(), **terms)
        self._sold[license.id] = _Sold(license, Seats())
        return self.key_of(license)

    def license(self, license_key: str | None = None) -> License:
        """The license to change: of a key of any revision; without a key the last one that was issued.

        :raises LookupError:
        """
        self._changed_at = self._now()
        return self._named(license_key).license

    def usage_on(self, date: str, license_key: str | None = None) -> Day:
        return self._named(license_key).seats.usage.on(date)

    def key_of(self, license: License) -> str:
        return self._ring.sign("license+jwt", license.key_claims(self._now()))

    def activate(self, body: Body) -> dict[str, Any]:
        return self._grant("activated", body)

    def check_in(self, body: Body) -> dict[str, Any]:
        return self._grant("checked_in", body)

    def validate(self, body: Body) -> dict[str, Any]:
        now = self._now()
        name = None if body.get("instance_id") is None else instance_id_of(body)
        shown = self._presented(body)
        seat = None if name is None else shown.seats.live(name, now)
        missing = "INSTANCE_NOT_ACTIVATED" if name is not None and seat is None else "VALID"
        code = refusal_for(shown.license, shown.revision, now) or missing
        return {
            "valid": code == "VALID",
            "code": code,
            "standing": shown.license.standing(now),
            "license": shown.license.presented(now),
            "instance": seat and seat.presented(),
            "server_time": format_instant(now),
        }

    def deactivate(self, body: Body) -> None:
        name = instance_id_of(body)
        shown = self._presented(body)
        certified = self._certified(body, shown.license, name)
        shown.seats.free(shown.license, Claim(name, shown.revision, certified), self._now())

    def revocations(self) -> str:
        """The signed revocation list."""
        now = self._now()
        issued = max(now // HOUR * HOUR, floor_to_second(min(self._changed_at, now)))
        licenses = [one.license for one in self._sold.values()]
        listed = [one for one in licenses if one.grace_until is None or one.grace_until > issued]
        return self._ring.sign(
            "revocations+jwt",
            {
                "iat": issued // SECOND,
                "exp": (issued + 7 * DAY) // SECOND,
                "revoked": [one.id for one in listed if one.status == "revoked"],
                "suspended": [one.id for one in listed if one.status == "suspended"],
                "superseded": {one.id: one.revision for one in listed if one.revision > 1},
            },
        )

    def _named(self, license_key: str | None) -> _Sold:
        name = None if license_key is None else claim_of(clean_key(license_key), "jti")
        sold = list(self._sold.values())[-1:] if license_key is None else [self._sold.get(name or "")]
        if not sold or sold[0] is None:
            raise LookupError("The drill has issued no such license.")
        return sold[0]

    def _presented(self, body: Body) -> _Presented:
        text = required_text(body, "license_key")
        key = clean_key(text)
        claims = self._ring.verify("license+jwt", key)
        if claims is None:
            raise Problem("LICENSE_KEY_INVALID", _NOT_OURS + (_MARKED if had_marks(text) else ""))
        sold = self._sold.get(str(claims.get("jti")))
        if sold is None:
            raise Problem("LICENSE_NOT_FOUND", "The license of this key does not exist any more.")
        return _Presented(sold.license, sold.seats, int(claims["rev"]), key)

    def _certified(self, body: Body, license: License, instance_id: str) -> str | None:
        """The activation that the certificate of a request proves."""
        certificate = text_of(body, "certificate")
        claims = self._ring.verify("activation+jwt", clean_key(certificate)) if certificate else None
        if not claims or claims.get("proven") is False or claims.get("license_id") != license.id:
            return None
        return str(claims["jti"]) if clean_instance_id(str(claims["sub"])) == instance_id else None

    def _grant(self, status: str, body: Body) -> dict[str, Any]:
        now, name = self._now(), instance_id_of(body)
        echoed = {
            member: text for member in ("nonce", "fingerprint") if (text := text_of(body, member)) is not None
        }
        shown = self._presented(body)
        license = shown.license
        days, ignored = possible(usage_of(body), now, license.issued_at)
        claim = Claim(
            instance_id=name,
            revision=shown.revision,
            certified=self._certified(body, license, name),
            returning=status == "checked_in",
            lease_hours=lease_hours_of(body),
            hostname=text_of(body, "hostname"),
            app_version=text_of(body, "app_version"),
            fingerprint=echoed.get("fingerprint"),
            usage=days,
        )
        try:
            granted = shown.seats.claim(license, claim, now)
        except Refused as refused:
            raise self._refusal(refused.code, license, name, echoed.get("nonce"), now) from None
        superseded = shown.revision < license.revision
        return {
            "status": status,
            "license_id": license.id,
            "customer_id": license.customer_id,
            "standing": license.standing(now),
            "expires_at": format_instant(license.expires_at),
            "grace_until": format_instant(license.grace_until),
            **license.terms(),
            "instances": {"active": granted.active, "max": license.max_instances},
            "activation_id": granted.seat.activation_id,
            "lease_expires_at": format_instant(granted.lease_expires_at),
            "check_in_at": format_instant(granted.check_in_at),
            # The holder of a replaced key without proof may be a thief.
            "license_key": shown.key if superseded and not granted.proven else self.key_of(license),
            "certificate": self._certify(license, granted, echoed, now),
            "warnings": warnings_of(license, granted, superseded=superseded, ignored=ignored, now=now),
            "usage_ignored": [] if granted.proven else [day.date for day in days],
            "server_time": format_instant(now),
        }

    def _refusal(self, code: str, license: License, name: str, nonce: str | None, now: int) -> Problem:
        claims = {"sub": name, "license_id": license.id, "code": code, "iat": now // SECOND}
        signed = self._ring.sign("refusal+jwt", claims if nonce is None else {**claims, "nonce": nonce})
        # Too early ends by itself, so it is not signed.
        more = {} if code == "LICENSE_NOT_STARTED" else {"refusal": signed}
        return Problem(code, detail_of(code, license), more)

    def _certify(self, license: License, granted: Granted, echoed: Mapping[str, str], now: int) -> str:
        covered = license.updates_until
        return self._ring.sign(
            "activation+jwt",
            {
                "sub": granted.seat.instance_id,
                "jti": granted.seat.activation_id,
                "iat": now // SECOND,
                "exp": granted.lease_expires_at // SECOND,
                "license_id": license.id,
                "customer_id": license.customer_id,
                **license.terms(),
                "license_expires_at": format_instant(license.expires_at),
                "grace_until": format_instant(license.grace_until),
                **({} if covered is None else {"updates_until": format_instant(covered)}),
                **license.entitlement_claims(now),
                "check_in_at": format_instant(granted.check_in_at),
                **({} if granted.proven else {"proven": False}),
                **echoed,
            },
        )
