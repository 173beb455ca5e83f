"""What the service signs, verified offline: license keys, certificates, revocation lists.

PyJWT verifies the signature. This module pins the key, algorithm, type and issuer that may have made
it (RFC 8725 section 3). `rules` judges times, with the clock that it is given.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from functools import lru_cache
from typing import Any, Callable, Mapping, Sequence, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm

from .claims import (
    Certificate,
    LicenseKey,
    RevocationList,
    SignedRefusal,
    read_certificate,
    read_license_key,
    read_refusal,
    read_revocations,
)
from .drill import is_drill
from .texts import normal_address

#: Far larger than any document of the service; bounds the work that a hostile one can cause.
MAX_LENGTH = 16_384
#: A revocation list names every license that was stopped.
MAX_LIST_LENGTH = 4 * 1024 * 1024
# An Ed25519 signature has 64 bytes: 86 characters.
_COMPACT_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")
# RFC 9864 calls the same algorithm Ed25519.
_ALGORITHMS = ("EdDSA", "Ed25519")

T = TypeVar("T")


class DocumentInvalid(Exception):
    """The service did not sign this document as a document of this type."""


class IssuerMismatch(DocumentInvalid):
    """The document is good but from another issuer: usually the service is reached under another name."""

    def __init__(self, issuer: object, expected: Sequence[str]) -> None:
        super().__init__(f"is of {issuer}, not of {' or '.join(expected)}")


class SigningKeyUnknown(Exception):
    """The key that the document names is not in the trusted set, which may be old."""


# The prime of Ed25519's field, and the y of the points of small order: with such a public key, anybody can make
# signatures that verify.
_P = 2**255 - 19
_Y8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER = (0, 1, _P - 1, _Y8, _P - _Y8)


def _is_sound(key: bytes) -> bool:
    """Whether only the holder of a private half can sign for this Ed25519 public key."""
    y = int.from_bytes(key, "little") & (2**255 - 1)
    return len(key) == 32 and y < _P and y not in _SMALL_ORDER


def public_keys(jwks: object) -> dict[str, Ed25519PublicKey]:
    """The sound Ed25519 keys of a JWK Set by their kid; other entries are ignored."""
    keys: dict[str, Ed25519PublicKey] = {}
    entries = jwks.get("keys") if isinstance(jwks, dict) else None
    for jwk in entries if isinstance(entries, list) else []:
        if not isinstance(jwk, dict) or jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
            continue
        kid, x = jwk.get("kid"), jwk.get("x")
        if isinstance(kid, str) and isinstance(x, str):
            try:
                raw = _decode(x)
                if _is_sound(raw):
                    keys[kid] = Ed25519PublicKey.from_public_bytes(raw)
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
            continue  # PyJWT already knows it
    return jws


class Trust:
    """Verifies documents with a set of keys, for one issuer or for several names of one."""

    def __init__(self, issuers: Sequence[str], *jwks: object) -> None:
        self.issuers = tuple(issuers)
        self._keys = {kid: key for one in jwks for kid, key in public_keys(one).items()}
        self._jws = _jws()
        # Documents are read for every status; they are verified and parsed once.
        self._document = lru_cache(maxsize=32)(self._read)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def license_key(self, text: str) -> LicenseKey:
        """:raises DocumentInvalid, SigningKeyUnknown:"""
        document: LicenseKey = self._document("license+jwt", read_license_key, text.strip())
        return document

    def certificate(self, text: str) -> Certificate:
        """:raises DocumentInvalid, SigningKeyUnknown:"""
        document: Certificate = self._document("activation+jwt", read_certificate, text.strip())
        return document

    def refusal(self, text: str) -> SignedRefusal:
        """:raises DocumentInvalid, SigningKeyUnknown:"""
        document: SignedRefusal = self._document("refusal+jwt", read_refusal, text.strip())
        return document

    def revocations(self, text: str) -> RevocationList:
        """:raises DocumentInvalid, SigningKeyUnknown:"""
        document: RevocationList = self._document(
            "revocations+jwt", read_revocations, text.strip(), MAX_LIST_LENGTH
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
        # PyJWT before 2.12 ignores `crit`; RFC 7515 section 4.1.11 requires refusing unknown extensions.
        if header.get("alg") not in _ALGORITHMS or header.get("typ") != typ or "crit" in header:
            raise DocumentInvalid(f"is not signed as {typ}")
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise DocumentInvalid("names no key")
        issuer = _claims(token).get("iss")
        # A drill does not wait for the keys of anybody else's documents.
        if is_drill(self.issuers) and normal_address(str(issuer)) not in self.issuers:
            raise IssuerMismatch(issuer, self.issuers)
        # By kid from our set alone: an attacker who makes a token chooses its jwk, jku, x5u and x5c.
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
        if normal_address(str(claims.get("iss"))) not in self.issuers:
            raise IssuerMismatch(claims.get("iss"), self.issuers)
        return claims


def _decode_part(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_decode(part))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise DocumentInvalid("has no readable header") from error
    if not isinstance(value, dict):
        raise DocumentInvalid("has no readable header")
    return value


@lru_cache(maxsize=32)
def _claims(token: str) -> Mapping[str, Any]:
    try:
        return _decode_part(token.split(".")[1])
    except (LookupError, DocumentInvalid):
        return {}


def claim_of(token: str, name: str) -> str | None:
    """A text claim of a document, verified or not."""
    claim = _claims(token).get(name)
    return claim if isinstance(claim, str) else None


def number_of(token: str, name: str) -> int | None:
    """An integer claim of a document, verified or not."""
    claim = _claims(token).get(name)
    return int(claim) if isinstance(claim, (int, float)) and not isinstance(claim, bool) else None
