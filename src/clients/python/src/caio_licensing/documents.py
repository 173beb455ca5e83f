"""What the service signs, verified offline: license keys, certificates, revocation lists.

The signature is PyJWT's business. What is pinned here is which key, algorithm, type and issuer may have made
it (RFC 8725 section 3). Times are not judged here: `rules` does that, with the clock that it is given.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Callable, Mapping, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm

from .times import LAST_SECOND, SECOND, parse_instant

#: Far above any document of the service; bounds the work that a hostile one can cause.
MAX_LENGTH = 16_384
#: A revocation list names every license that was stopped.
MAX_LIST_LENGTH = 4 * 1024 * 1024
# An Ed25519 signature has 64 bytes: 86 characters.
_COMPACT_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")
# RFC 9864 calls the same algorithm Ed25519.
_ALGORITHMS = ("EdDSA", "Ed25519")

T = TypeVar("T")


class DocumentInvalid(Exception):
    """The document is not one that the service signed as what it is taken for."""


class SigningKeyUnknown(Exception):
    """The key that the document names is not in the trusted set, which may be old."""


@dataclass(frozen=True)
class Terms:
    """What a license allows."""

    license_id: str
    customer_id: str
    license_type: str | None
    features: tuple[str, ...]
    max_instances: int | None
    max_services: int | None
    max_requests_per_day: int | None
    license_expires_at: int | None


@dataclass(frozen=True)
class LicenseKey:
    terms: Terms
    revision: int
    issued_at: int | None
    starts_at: int | None


@dataclass(frozen=True)
class Certificate:
    terms: Terms
    instance_id: str
    issued_at: int
    lease_expires_at: int
    grace_until: int | None
    check_in_at: int | None
    nonce: str | None
    public_key: Mapping[str, Any] | None


@dataclass(frozen=True)
class RevocationList:
    issued_at: int
    expires_at: int
    revoked: frozenset[str]
    suspended: frozenset[str]
    superseded: Mapping[str, int]


def public_keys(jwks: object) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWK Set by their kid; what else it holds is passed over."""
    keys: dict[str, Ed25519PublicKey] = {}
    entries = jwks.get("keys") if isinstance(jwks, dict) else None
    for jwk in entries if isinstance(entries, list) else []:
        if not isinstance(jwk, dict) or jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
            continue
        kid, x = jwk.get("kid"), jwk.get("x")
        if isinstance(kid, str) and isinstance(x, str):
            try:
                keys[kid] = Ed25519PublicKey.from_public_bytes(_decode(x))
            except ValueError:
                continue
    return keys


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _jws() -> jwt.PyJWS:
    jws = jwt.PyJWS()
    for name in _ALGORITHMS:
        try:
            jws.register_algorithm(name, OKPAlgorithm())  # type: ignore[no-untyped-call]
        except ValueError:
            continue  # PyJWT knows it already
    return jws


class Trust:
    """Verifies documents with a set of keys, for one issuer."""

    def __init__(self, issuer: str, *jwks: object) -> None:
        self.issuer = issuer
        self._keys = {kid: key for one in jwks for kid, key in public_keys(one).items()}
        self._jws = _jws()
        # Documents are read on every status; they are verified and taken apart once.
        self._document = lru_cache(maxsize=32)(self._read)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def license_key(self, text: str) -> LicenseKey:
        """:raises DocumentInvalid, SigningKeyUnknown:"""
        document: LicenseKey = self._document("license+jwt", _license_key, text.strip())
        return document

    def certificate(self, text: str) -> Certificate:
        """:raises DocumentInvalid, SigningKeyUnknown:"""
        document: Certificate = self._document("activation+jwt", _certificate, text.strip())
        return document

    def revocations(self, text: str) -> RevocationList:
        """:raises DocumentInvalid, SigningKeyUnknown:"""
        document: RevocationList = self._document(
            "revocations+jwt", _revocations, text.strip(), MAX_LIST_LENGTH
        )
        return document

    def _read(
        self, typ: str, reader: Callable[[Mapping[str, Any]], T], token: str, max_length: int = MAX_LENGTH
    ) -> T:
        if len(token) > max_length:
            raise DocumentInvalid("is longer than any document of the service")
        try:
            return reader(self._verify(typ, token))
        except (TypeError, ValueError) as error:
            raise DocumentInvalid(f"lacks something: {error}") from error

    def _verify(self, typ: str, token: str) -> Mapping[str, Any]:
        if not _COMPACT_JWS.fullmatch(token):
            raise DocumentInvalid("is not a compact JWS")
        header = _decode_part(token.split(".")[0])
        # PyJWT before 2.12 passes over `crit`; RFC 7515 section 4.1.11 refuses what is not understood.
        if header.get("alg") not in _ALGORITHMS or header.get("typ") != typ or "crit" in header:
            raise DocumentInvalid(f"is not signed as {typ}")
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise DocumentInvalid("names no key")
        # By kid from our set alone: jwk, jku, x5u and x5c are the choice of whoever made the token.
        key = self._keys.get(kid)
        if key is None:
            raise SigningKeyUnknown(f"is signed by the key {kid}, which is not known here")
        try:
            payload = self._jws.decode(token, key, algorithms=list(_ALGORITHMS))  # type: ignore[arg-type]
            claims = json.loads(payload)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise DocumentInvalid("has no good signature") from error
        if not isinstance(claims, dict):
            raise DocumentInvalid("holds no claims")
        if claims.get("iss") != self.issuer:
            # Mostly a service that is reached by another name than its own: say which one it was.
            raise DocumentInvalid(f"is of {claims.get('iss')}, not of {self.issuer}")
        return claims


def _decode_part(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_decode(part))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise DocumentInvalid("has no readable header") from error
    if not isinstance(value, dict):
        raise DocumentInvalid("has no readable header")
    return value


def claim_of(token: str, name: str) -> str | None:
    """A text that a document says, verified or not."""
    try:
        claim = _decode_part(token.split(".")[1]).get(name)
    except (LookupError, DocumentInvalid):
        return None
    return claim if isinstance(claim, str) else None


def _license_key(claims: Mapping[str, Any]) -> LicenseKey:
    return LicenseKey(
        terms=_terms(claims, "jti", "sub", _optional(_date, claims.get("exp"))),
        revision=_whole(claims.get("rev")),
        issued_at=_optional(_date, claims.get("iat")),
        starts_at=_optional(_date, claims.get("nbf")),
    )


def _certificate(claims: Mapping[str, Any]) -> Certificate:
    confirmation = claims.get("cnf")
    public_key = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    return Certificate(
        terms=_terms(
            claims, "license_id", "customer_id", _optional(_instant, claims.get("license_expires_at"))
        ),
        instance_id=_text(claims.get("sub")),
        issued_at=_date(claims.get("iat")),
        lease_expires_at=_date(claims.get("exp")),
        grace_until=_optional(_instant, claims.get("grace_until")),
        check_in_at=_optional(_instant, claims.get("check_in_at")),
        nonce=_optional(_text, claims.get("nonce")),
        public_key=public_key if isinstance(public_key, dict) else None,
    )


def _revocations(claims: Mapping[str, Any]) -> RevocationList:
    return RevocationList(
        issued_at=_date(claims.get("iat")),
        expires_at=_date(claims.get("exp")),
        revoked=frozenset(_texts(claims.get("revoked"))),
        suspended=frozenset(_texts(claims.get("suspended"))),
        superseded={str(k): _whole(v) for k, v in dict(claims.get("superseded") or {}).items()},
    )


def _terms(claims: Mapping[str, Any], license_id: str, customer_id: str, expires_at: int | None) -> Terms:
    return Terms(
        license_id=_text(claims.get(license_id)),
        customer_id=_text(claims.get(customer_id)),
        license_type=_optional(_text, claims.get("license_type")),
        features=_texts(claims.get("features")),
        max_instances=_optional(_whole, claims.get("max_instances")),
        max_services=_optional(_whole, claims.get("max_services")),
        max_requests_per_day=_optional(_whole, claims.get("max_requests_per_day")),
        license_expires_at=expires_at,
    )


def _optional(read: Callable[[object], T], value: object) -> T | None:
    return None if value is None else read(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TypeError("a list is missing")
    return tuple(_text(one) for one in value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a number is missing")
    return value


def _date(value: object) -> int:
    """A NumericDate (RFC 7519 section 2) in milliseconds."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= LAST_SECOND:
        raise TypeError("a time is missing")
    return int(value * SECOND)


def _instant(value: object) -> int:
    at = parse_instant(value)
    if at is None:
        raise TypeError("an instant is missing")
    return at
