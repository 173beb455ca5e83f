"""Against the real service: the certificate is the instance."""

from __future__ import annotations

import json
import unittest
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

from caio_licensing.airgap import load_license_file, write_activation_request
from caio_licensing.times import to_datetime
from live import URL, LiveCase, admin, issue


def say(path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """What a plain HTTP caller says and hears."""
    request = urllib.request.Request(
        f"{URL}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    return status, json.loads(text) if text else {}


class ProofTest(LiveCase):
    def test_a_suspension_is_signed_and_counts_at_once_and_its_end_lifts_it(self) -> None:
        license, key = issue()
        client = self.client(key)
        client.check_in()
        admin("POST", f"/licenses/{license['id']}/suspend", {"reason": "not paid"})
        status = client.check_in()
        self.assertEqual((status.state, status.code, status.may_run), ("refused", "LICENSE_SUSPENDED", False))
        self.assertIsNotNone(status.lease_expires_at)
        self.assertEqual(self.client(key).status().code, "LICENSE_SUSPENDED")
        admin("POST", f"/licenses/{license['id']}/reinstate", {})
        self.assertEqual(client.check_in().state, "entitled")
        admin("POST", f"/licenses/{license['id']}/revoke", {"reason": "fraud"})
        self.assertEqual(client.check_in().code, "LICENSE_REVOKED")

    def test_whoever_has_the_key_alone_takes_nothing_from_whoever_has_the_certificate(self) -> None:
        license, key = issue()
        client = self.client(key)
        lease = client.check_in().lease_expires_at
        thief = {"license_key": key, "instance_id": client.instance_id}
        status, body = say("/v1/deactivate", thief)
        self.assertEqual((status, body["code"]), (403, "CERTIFICATE_REQUIRED"))
        usage = [{"date": client.today(), "requests": 10**12, "services": 0}]
        status, body = say("/v1/check-in", {**thief, "usage": usage})
        self.assertEqual(status, 200)
        self.assertIn("INSTANCE_UNPROVEN", [one["code"] for one in body["warnings"]])
        self.assertEqual(body["usage_ignored"], [client.today()])
        client.count_requests(3)
        self.assertGreaterEqual(client.check_in().lease_expires_at or lease, lease)
        self.assertEqual(client.status().warnings, ())
        [day] = admin("GET", f"/licenses/{license['id']}/usage")["data"]
        self.assertEqual(day["requests"], 3)
        self.assertTrue(client.deactivate())

    def test_an_installation_that_lost_its_state_runs_on_and_keeps_what_was_not_taken(self) -> None:
        license, key = issue()
        client = self.client(key, instance_id="orchestrator-0")
        client.check_in()
        lost = self.client(key, "two", instance_id="orchestrator-0")
        status = lost.check_in()
        self.assertEqual((status.state, status.warnings), ("entitled", ("INSTANCE_UNPROVEN",)))
        assert status.lease_expires_at is not None
        now = to_datetime(lost.now())
        assert now is not None
        self.assertLess(status.lease_expires_at - now, timedelta(hours=73))
        lost.count_requests(7)
        lost.check_in()
        self.assertEqual(lost.folder.read().acknowledged, {})
        self.assertEqual(lost.folder.read().usage[lost.today()]["requests"], 7)

    def test_a_lease_is_as_short_as_it_was_asked_for(self) -> None:
        _, key = issue()
        client = self.client(key, lease_hours=1)
        status = client.check_in()
        assert status.lease_expires_at is not None and status.next_check_in is not None
        now = to_datetime(client.now())
        assert now is not None
        self.assertLessEqual(status.lease_expires_at - now, timedelta(hours=1, minutes=1))
        self.assertLessEqual(status.next_check_in - now, timedelta(minutes=35))

    def test_a_request_file_without_its_proof_gets_no_file_once_a_key_is_stored(self) -> None:
        license, key = issue()
        client = self.client(key)
        client.check_in()
        path = f"/licenses/{license['id']}/offline-activations"
        files = []
        for _ in range(2):
            write_activation_request(client, self.folder / "request.json")
            request = json.loads((self.folder / "request.json").read_text())
            files.append(admin("POST", path, {"request": request}))
        (self.folder / "acme.caio-license").write_text(json.dumps(files[-1]))
        self.assertEqual(load_license_file(client, self.folder / "acme.caio-license").state, "entitled")
        for changed in ({"proof": None}, {"nonce": "another-nonce-0000"}):
            body = {name: value for name, value in {**request, **changed}.items() if value is not None}
            with self.assertRaises(urllib.error.HTTPError):
                admin("POST", path, {"request": body})


if __name__ == "__main__":
    unittest.main()
