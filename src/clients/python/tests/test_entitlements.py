"""What a license includes by code, as guards, the router and metrics tell it; the table has the rest."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from fastapi import FastAPI, HTTPException
from starlette.requests import Request

from caio_licensing import UNLIMITED, Entitlement, LicenseClient, openmetrics
from caio_licensing.fastapi import present, require_entitlement
from support import ClientCase, refusal

END = "2027-01-10T12:00:00.000Z"
HELD = {
    "gpus": {"value": 8, "until": END},
    "nodes": {"value": None},
    "sso": {"value": True},
    "audit": {"value": False},
    "region": {"value": 'the "east"'},
    "share": {"value": 0.5},
    "tiers": {"value": [1, 2]},
}


class EntitlementsTest(ClientCase):
    def licensed(self, entitlements: Any = None) -> LicenseClient:
        claims = HELD if entitlements is None else entitlements
        return self.client(self.signer.license_key(entitlements=claims), url=None, transport=None)

    def test_unlimited_compares_as_a_number_and_none_is_what_is_not_included(self) -> None:
        status = self.licensed().status()
        self.assertIs(status.entitlement("nodes"), UNLIMITED)
        self.assertTrue(10**15 <= status.entitlement("nodes"))
        self.assertIsNone(status.entitlement("seats"))
        self.assertEqual(
            status.entitlements["gpus"], Entitlement(8, datetime(2027, 1, 10, 12, tzinfo=timezone.utc))
        )

    def test_fractions_are_compared_too(self) -> None:
        status = self.licensed().status()
        self.assertTrue(status.allows("share", 0.5))
        self.assertFalse(status.allows("share", 0.6))
        self.assertFalse(status.allows("nodes", float("nan")))

    def test_a_number_that_is_none_is_left_out(self) -> None:
        # Python writes and reads what JSON does not have.
        status = self.licensed({"a": {"value": float("inf")}, "b": {"value": float("nan")}}).status()
        self.assertEqual(status.entitlements, {})

    def guarded(self, client: LicenseClient, *wanted: Any) -> int:
        app = FastAPI()
        app.state.caio_license = client
        try:
            require_entitlement(*wanted)(Request({"type": "http", "app": app}))
        except HTTPException as error:
            self.assertNotIn("None", error.detail)
            return error.status_code
        return 200

    def test_a_guard_lets_pass_what_the_license_allows(self) -> None:
        client = self.licensed()
        for wanted, expected in [
            (("gpus", 8), 200),
            (("gpus", 9), 403),
            (("gpus",), 200),
            (("nodes", 10**9), 200),
            (("sso",), 200),
            (("audit",), 403),
            (("seats",), 403),
            (("region", 1), 403),
        ]:
            self.assertEqual(self.guarded(client, *wanted), expected, wanted)
        self.clock.set(END)
        self.assertEqual(self.guarded(client, "gpus", 8), 403)

    def test_a_guard_lets_nothing_pass_where_the_license_is_refused_or_cannot_be_told(self) -> None:
        client = self.client(self.signer.license_key(entitlements=HELD))
        self.service.answers = [refusal("LICENSE_REVOKED")]
        client.check_in()
        self.assertTrue(client.status().allows("sso"))
        self.assertEqual(self.guarded(client, "sso"), 403)
        self.folder = self.folder.with_name("strict")
        strict = self.client(self.signer.license_key(entitlements=HELD), on_indeterminate="deny")
        self.assertEqual(self.guarded(strict, "sso"), 503)

    def test_the_router_says_them_as_json(self) -> None:
        client = self.licensed()
        told = json.loads(json.dumps(present(client, client.status()), allow_nan=False))
        without_end = {code: {"until": None, **entry} for code, entry in HELD.items()}
        self.assertEqual(told["entitlements"], without_end)

    def test_metrics_have_the_numbers(self) -> None:
        lines = openmetrics(self.licensed()).splitlines()
        found = [line for line in lines if line.startswith("caio_license_entitlement")]
        expected = [("audit", "0"), ("gpus", "8"), ("share", "0.5"), ("sso", "1")]
        self.assertEqual(
            found, [f'caio_license_entitlement{{code="{code}"}} {value}' for code, value in expected]
        )
