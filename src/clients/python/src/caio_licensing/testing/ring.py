"""The signing keys of a drill. Real ones: Ed25519, made when the drill starts, and gone with it."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any, Mapping

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..drill import DRILL_ISSUER, DRILL_KEYS


class Ring:
    def __init__(self) -> None:
        #: The newest first: it signs. The others verify.
        self._keys: list[tuple[str, Ed25519PrivateKey]] = []
        self._jws = jwt.PyJWS()
        self.rotate()

    def rotate(self) -> None:
        """Makes a key that signs from now on."""
        self._keys.insert(0, (f"{DRILL_KEYS}{secrets.token_hex(4)}", Ed25519PrivateKey.generate()))

    @property
    def published(self) -> dict[str, Any]:
        """The public halves as a JWK Set, the active one first."""
        return {
            "keys": [
                {"kty": "OKP", "crv": "Ed25519", "x": _public(key), "kid": kid, "use": "sig"}
                for kid, key in self._keys
            ]
        }

    def sign(self, typ: str, claims: Mapping[str, Any]) -> str:
        kid, key = self._keys[0]
        payload = json.dumps({"iss": DRILL_ISSUER, **claims}, separators=(",", ":")).encode()
        token = self._jws.encode(payload, key, algorithm="EdDSA", headers={"kid": kid, "typ": typ})  # type: ignore[arg-type]
        return str(token)

    def verify(self, typ: str, token: str) -> dict[str, Any] | None:
        """The claims of a document that this ring signed as exactly this type; else None."""
        try:
            header = jwt.get_unverified_header(token)
            key = dict(self._keys)[header["kid"]].public_key()
            claims = json.loads(self._jws.decode(token, key, algorithms=["EdDSA"]))  # type: ignore[arg-type]
        except (jwt.PyJWTError, ValueError, LookupError, TypeError):
            return None
        return claims if header.get("typ") == typ and isinstance(claims, dict) else None


def _public(key: Ed25519PrivateKey) -> str:
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
