"""What the tests need: a clock to set, a service that answers from a list, and documents signed here."""

from __future__ import annotations

import json
import logging
import tempfile
import threading
import unittest
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from caio_licensing import LicenseClient
from caio_licensing.answers import Answer
from caio_licensing.times import DAY, format_instant, parse_instant
from caio_licensing.transport import Heard

# What is told about outages and refusals is what the tests make.
logging.getLogger("caio_licensing").setLevel(logging.CRITICAL)

ISSUER = "https://licenses.example"
START = "2027-01-01T00:00:00.000Z"


def at(text: str) -> int:
    instant = parse_instant(text)
    assert instant is not None, text
    return instant


class Clock:
    """Stands still until it is set."""

    def __init__(self, text: str = START) -> None:
        self.millis = at(text)

    def set(self, text: str) -> None:
        self.millis = at(text)

    def __call__(self) -> float:
        return self.millis / 1000


class Service:
    """A transport that gives prepared answers and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: list[Heard | Callable[[dict[str, Any]], Heard]] = []
        self.jwks: Answer | None = None
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def post(self, path: str, body: dict[str, Any]) -> Heard:
        self.requests.append((path, body))
        answer = self.answers.pop(0) if self.answers else None
        return answer(body) if callable(answer) else answer

    def get(self, path: str) -> Heard:
        return self.jwks if path == "/.well-known/jwks.json" else None


class Signer:
    """A signing key as the service has one."""

    def __init__(self, kid: str = "k1") -> None:
        self._key, self.kid = Ed25519PrivateKey.generate(), kid
        x = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.jwks = {
            "keys": [{"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(x).decode(), "kid": kid}]
        }

    def sign(self, typ: str, claims: dict[str, Any]) -> str:
        payload = json.dumps({"iss": ISSUER, **claims}).encode()
        return jwt.PyJWS().encode(payload, self._key, "EdDSA", {"kid": self.kid, "typ": typ})  # type: ignore[arg-type]

    def license_key(self, **claims: Any) -> str:
        usual = {"jti": "lic_1", "sub": "acme", "iat": at(START) // 1000, "rev": 1, **TERMS}
        return self.sign("license+jwt", {**usual, **claims})

    def certificate(self, instance_id: str, issued: int = at(START), **claims: Any) -> str:
        usual = {
            "sub": instance_id,
            "license_id": "lic_1",
            "customer_id": "acme",
            "iat": issued // 1000,
            "exp": (issued + 30 * DAY) // 1000,
            "license_expires_at": "2028-01-01T00:00:00.000Z",
            "grace_until": "2028-01-15T00:00:00.000Z",
            "check_in_at": format_instant(issued + DAY),
            **TERMS,
        }
        return self.sign("activation+jwt", {**usual, **claims})

    def refusal(
        self, code: str, instance_id: str, issued: int = at(START), **claims: Any
    ) -> Callable[[dict[str, Any]], Answer]:
        """Signed, as the service refuses what counts at once: with the nonce of the request."""

        def answer(request: dict[str, Any]) -> Answer:
            usual = {"sub": instance_id, "license_id": "lic_1", "code": code, "iat": issued // 1000}
            signed = self.sign("refusal+jwt", {**usual, "nonce": request["nonce"], **claims})
            body = {**json.loads(refusal(code).body), "refusal": signed}
            return Answer(403, {"content-type": "application/problem+json"}, json.dumps(body).encode())

        return answer

    def grant(self, instance_id: str, issued: int = at(START), **claims: Any) -> Answer:
        body = {
            "license_key": self.license_key(),
            "certificate": self.certificate(instance_id, issued, **claims),
            "warnings": [],
            "instances": {"active": 2, "max": 5},
        }
        return Answer(200, {"content-type": "application/json"}, json.dumps(body).encode())


TERMS: dict[str, Any] = {
    "license_type": "professional",
    "features": ["orchestration", "audit"],
    "max_instances": 5,
    "max_services": 10,
    "max_requests_per_day": 3,
}


def refusal(code: str, status: int = 403) -> Answer:
    body = {
        "type": "about:blank",
        "title": code,
        "status": status,
        "detail": "Said by the service.",
        "code": code,
    }
    return Answer(status, {"content-type": "application/problem+json"}, json.dumps(body).encode())


def iso(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(round(moment.timestamp() * 1000))


def finish_calls() -> None:
    """Waits for calls that went on when nobody waited for them any more."""
    for thread in threading.enumerate():
        if thread.name == "caio-license-call":
            thread.join(10)


class ClientCase(unittest.TestCase):
    """A client with a folder, a clock and a service of its own."""

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.addCleanup(finish_calls)
        self.folder = Path(temporary.name) / "state"
        self.clock, self.service, self.signer = Clock(), Service(), Signer()

    def client(self, license_key: str | None = None, **options: Any) -> LicenseClient:
        usual: dict[str, Any] = {
            "state_dir": self.folder,
            "issuer": ISSUER,
            "trusted_keys": self.signer.jwks,
            "transport": self.service,
            "clock": self.clock,
        }
        usual.update(options)
        client = LicenseClient(usual.pop("url", ISSUER), license_key, **usual)
        self.addCleanup(client.close)
        return client

    def offline(self, **options: Any) -> LicenseClient:
        """One that knows no service to ask."""
        return self.client(**{"url": None, "transport": None, **options})

    def activated(self, **options: Any) -> LicenseClient:
        client = self.client(self.signer.license_key(), **options)
        self.service.answers = [self.signer.grant(client.instance_id, self.clock.millis)]
        self.assertEqual(client.check_in().state, "entitled")
        return client
