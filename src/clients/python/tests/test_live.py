"""Against the real service: everything that a client and staff do to each other."""

from __future__ import annotations

import json
import unittest
import urllib.request

from caio_licensing.airgap import load_license_file, write_activation_request, write_deactivation_receipt
from live import URL, LiveCase, admin, issue


def published_keys() -> dict[str, object]:
    with urllib.request.urlopen(f"{URL}/.well-known/jwks.json", timeout=30) as response:
        keys: dict[str, object] = json.load(response)
    return keys


class LiveTest(LiveCase):
    def test_activate_check_in_deactivate(self) -> None:
        license, key = issue(features=["orchestration", "audit"], max_instances=1)
        client = self.client(key, app_version="17.0", hostname="berlin-1", labels={"zone": "b"})
        self.assertEqual(client.status().code, "SIGNING_KEY_UNKNOWN")
        status = client.check_in()
        self.assertEqual((status.state, status.license_id), ("entitled", license["id"]))
        self.assertEqual(status.features, tuple(license["features"]))
        self.assertEqual(status.customer_id, license["customer_id"])
        self.assertIsNotNone(status.next_check_in)
        self.assertEqual(client.check_in().state, "entitled")
        [seat] = admin("GET", f"/licenses/{license['id']}/activations")["data"]
        self.assertEqual(
            (seat["hostname"], seat["app_version"], seat["labels"]), ("berlin-1", "17.0", {"zone": "b"})
        )
        second = self.client(key, "two")
        self.assertEqual(second.check_in().code, "ACTIVATION_LIMIT_REACHED")
        self.assertTrue(client.deactivate())
        self.assertEqual(second.check_in().state, "entitled")

    def test_a_seat_that_staff_freed_is_taken_again(self) -> None:
        license, key = issue()
        client = self.client(key)
        client.check_in()
        [seat] = admin("GET", f"/licenses/{license['id']}/activations")["data"]
        admin("DELETE", f"/activations/{seat['id']}")
        self.assertEqual(client.check_in().state, "entitled")
        seats = admin("GET", f"/licenses/{license['id']}/activations")["data"]
        self.assertEqual([one["active"] for one in seats].count(True), 1)

    def test_the_revocation_list_is_read_and_verified(self) -> None:
        license, key = issue()
        client = self.client(key)
        client.verify_key(key)
        admin("POST", f"/licenses/{license['id']}/revoke", {"reason": "fraud"})
        self.assertTrue(client.read_revocations())
        self.assertEqual(client.status().code, "LICENSE_REVOKED")

    def test_a_renewal_reaches_the_installation_by_itself(self) -> None:
        license, key = issue(expires_days=10)
        client = self.client(key)
        before = client.check_in()
        self.assertEqual(before.warnings, ("LICENSE_EXPIRING",))
        admin("POST", f"/licenses/{license['id']}/renew", {"expires_days": 365})
        after = client.check_in()
        assert before.license_expires_at and after.license_expires_at
        self.assertEqual((after.license_expires_at - before.license_expires_at).days, 365)
        self.assertEqual(after.warnings, ())
        self.assertNotEqual(client.folder.read().license_key, key)

    def test_a_reissued_key_reaches_a_running_installation(self) -> None:
        license, key = issue()
        client = self.client(key)
        client.check_in()
        admin("POST", f"/licenses/{license['id']}/reissue", {"reason": "leaked"})
        self.assertEqual(self.client(key, "thief").check_in().code, "LICENSE_KEY_SUPERSEDED")
        status = client.check_in()
        self.assertEqual((status.state, status.warnings), ("entitled", ("LICENSE_KEY_SUPERSEDED",)))
        self.assertEqual(client.check_in().warnings, ())

    def test_going_over_to_another_license_gives_the_old_seat_back(self) -> None:
        trial, first = issue(license_type="trial")
        bought, second = issue()
        client = self.client(first)
        client.check_in()
        client.count_requests(5)
        client.check_in()
        self.assertEqual(client.activate(f'"{second}"').license_id, bought["id"])
        for license, active in ((trial, False), (bought, True)):
            seats = admin("GET", f"/licenses/{license['id']}/activations")["data"]
            self.assertEqual([one["active"] for one in seats], [active])
        client.count_requests(2)
        client.check_in()
        told = admin("GET", f"/licenses/{bought['id']}/usage")["data"]
        self.assertEqual([day["requests"] for day in told], [2])
        # The trial's key is still configured: after a restart the license that was bought stays.
        client.close()
        again = self.client(first)
        self.assertEqual((again.status().state, again.status().license_id), ("entitled", bought["id"]))
        self.assertIsNone(again.status().candidate)

    def test_usage_arrives_once_however_often_it_is_sent(self) -> None:
        license, key = issue(max_requests_per_day=10)
        client = self.client(key)
        client.check_in()
        client.count_requests(7)
        client.set_services(3)
        client.check_in()
        client.check_in()
        client.count_requests(5)
        self.assertEqual(client.check_in().warnings, ("OVER_LIMIT",))
        self.assertEqual(client.status().state, "entitled")
        [day] = admin("GET", f"/licenses/{license['id']}/usage")["data"]
        self.assertEqual((day["date"], day["requests"], day["services"]), (client.today(), 12, 3))

    def test_a_forged_key_is_refused(self) -> None:
        _, key = issue()
        header, _, signature = key.split(".")
        _, other, _ = issue()[1].split(".")
        client = self.client(f"{header}.{other}.{signature}")
        self.assertEqual(client.check_in().code, "LICENSE_KEY_INVALID")

    def test_the_air_gap_there_and_back(self) -> None:
        license, key = issue(max_instances=1)
        offline = self.client(
            key, trusted_keys=published_keys(), issuer=URL, fetch_keys=False, transport=Nowhere()
        )
        offline.count_requests(42)
        self.assertEqual(offline.check_in().code, "NOT_ACTIVATED")
        write_activation_request(offline, self.folder / "request.json")
        request = json.loads((self.folder / "request.json").read_text())
        path = f"/licenses/{license['id']}/offline-activations"
        file = self.folder / "acme.caio-license"
        file.write_text(json.dumps(admin("POST", path, {"request": request})))
        status = load_license_file(offline, file)
        self.assertEqual(status.state, "entitled")
        assert status.lease_expires_at and status.grace_until
        self.assertEqual(status.lease_expires_at, status.grace_until)
        [day] = admin("GET", f"/licenses/{license['id']}/usage")["data"]
        self.assertEqual(day["requests"], 42)
        write_deactivation_receipt(offline, self.folder / "receipt.txt")
        receipt = (self.folder / "receipt.txt").read_text()
        admin("POST", f"/licenses/{license['id']}/offline-deactivations", {"receipt": receipt})
        self.assertEqual(self.client(key, "next").check_in().state, "entitled")


class Nowhere:
    """No network at all."""

    def post(self, path: str, body: object) -> None:
        return None

    def get(self, path: str) -> None:
        return None


if __name__ == "__main__":
    unittest.main()
