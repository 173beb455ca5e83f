"""A running service, as staff use it."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import unittest
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from caio_licensing import LicenseClient

logging.getLogger("caio_licensing").setLevel(logging.CRITICAL)

URL = os.environ.get("LICENSING_URL", "")
TOKEN = os.environ.get("LICENSING_TOKEN", "")


def admin(method: str, path: str, body: object = None) -> Any:
    """:raises urllib.error.HTTPError: where the service refuses"""
    request = urllib.request.Request(
        f"{URL}/v1/admin{path}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        text = response.read()
    return json.loads(text) if text else None


def issue(**terms: Any) -> tuple[dict[str, Any], str]:
    """A license for a customer of its own, and its key."""
    customer = admin("POST", "/customers", {"id": f"c-{uuid.uuid4().hex[:12]}", "name": "Acme"})
    usual = {"customer_id": customer["id"], "license_type": "professional", "expires_days": 90}
    issued = admin("POST", "/licenses", {**usual, **terms})
    return issued["license"], issued["license_key"]


@unittest.skipUnless(URL, "LICENSING_URL names no service")
class LiveCase(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def client(self, license_key: str, name: str = "one", **options: Any) -> LicenseClient:
        client = LicenseClient(URL, license_key, state_dir=self.folder / name, **options)
        self.addCleanup(client.close)
        return client
