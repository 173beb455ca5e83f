"""The testing kit in the hand of an application's own tests."""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import jwt

from caio_licensing.documents import public_keys
from caio_licensing.testing import DRILL_ISSUER, LicenseDrill
from caio_licensing.testing.fixtures import drill as fixture

logging.getLogger("caio_licensing").setLevel(logging.CRITICAL)


class Life(unittest.TestCase):
    def setUp(self) -> None:
        self.drill = LicenseDrill()
        self.addCleanup(self.drill.close)

    def test_a_license_goes_through_its_life_with_the_clock_in_the_hand(self) -> None:
        drill = self.drill
        client = drill.client(drill.issue(expires_days=100))
        status = client.check_in()
        self.assertEqual((status.state, status.warnings), ("entitled", ("DRILL",)))
        self.assertTrue(status.detail.startswith("DRILL: "))
        drill.outage()
        drill.advance(days=40)
        self.assertEqual((client.check_in().state, client.status().may_run), ("indeterminate", True))
        drill.recover()
        self.assertEqual(client.check_in().state, "entitled")
        drill.advance(days=35)
        self.assertEqual(client.check_in().warnings, ("DRILL", "LICENSE_EXPIRING"))
        drill.advance(days=26)
        self.assertEqual(client.check_in().state, "grace")
        drill.advance(days=14)
        self.assertEqual((client.check_in().state, client.status().code), ("refused", "LICENSE_EXPIRED"))
        drill.renew(days=365)
        self.assertEqual(client.check_in().state, "entitled")
        drill.suspend()
        self.assertEqual((client.check_in().state, client.status().code), ("refused", "LICENSE_SUSPENDED"))
        drill.reinstate()
        self.assertEqual(client.check_in().state, "entitled")
        key = drill.reissue()
        self.assertIn("LICENSE_KEY_SUPERSEDED", client.check_in().warnings)
        self.assertEqual(client.activate(key).state, "entitled")
        self.assertIsNone(client.status().candidate)
        before = len(drill.trusted_keys["keys"])
        drill.rotate_keys()
        self.assertEqual(len(drill.trusted_keys["keys"]), before + 1)
        self.assertEqual(client.check_in().state, "entitled")
        drill.set_back(hours=3)
        self.assertEqual(client.status().warnings, ("CLOCK_SET_BACK", "DRILL"))
        drill.set_back()
        drill.revoke()
        drill.suspend()
        drill.reinstate()
        self.assertEqual((client.check_in().state, client.status().code), ("refused", "LICENSE_REVOKED"))

    def test_a_license_is_one_of_several_each_by_its_key(self) -> None:
        one, two = self.drill.issue(), self.drill.issue(license_type="trial")
        first, second = self.drill.client(one), self.drill.client(two)
        self.drill.suspend(one)
        self.assertEqual(first.check_in().state, "refused")
        self.assertEqual((second.check_in().state, second.status().license_type), ("entitled", "trial"))
        with self.assertRaises(LookupError):
            self.drill.suspend("eyJhbGciOiJFZERTQSJ9.e30.AA")

    def test_a_license_reports_what_it_used(self) -> None:
        client = self.drill.client(self.drill.issue(max_requests_per_day=2))
        client.check_in()
        client.count_requests(3)
        client.set_services(2)
        self.assertIn("OVER_LIMIT", client.check_in().warnings)
        used = self.drill.usage_on(time.strftime("%Y-%m-%d", time.gmtime(self.drill.clock())))
        self.assertEqual((used.requests, used.services), (3, 2))

    def test_no_outage_is_a_refusal(self) -> None:
        client = self.drill.client(self.drill.issue(), timeout=1.0)
        client.check_in()
        for kind, reason in (
            ("down", "closed"),
            ("error", "503"),
            ("silent", "no answer in time"),
            ("page", "200"),
        ):
            with self.subTest(kind):
                self.drill.outage(kind)  # type: ignore[arg-type]
                status = client.check_in()
                self.assertEqual((status.state, status.may_run), ("entitled", True))
                self.assertIn(reason, status.last_failure.reason if status.last_failure else "")
                self.drill.recover()
                self.assertIsNone(client.check_in().last_failure)

    def test_it_is_really_signed_and_begins_when_it_is_told_to(self) -> None:
        with LicenseDrill(at="2031-02-03T04:05:06Z") as drill:
            self.assertEqual(drill.clock(), 1_927_857_906)
            key = drill.issue()
            kid = jwt.get_unverified_header(key)["kid"]
            known = public_keys(drill.trusted_keys)[kid]
            options = {"verify_exp": False, "verify_iat": False}
            claims = jwt.decode(key, known, ["EdDSA"], issuer=DRILL_ISSUER, options=options)  # type: ignore[arg-type]
            self.assertEqual(claims["rev"], 1)
            self.assertTrue(drill.url.startswith("http://127.0.0.1:"))
            with self.assertRaises(ValueError):
                drill.advance(days=-1)
        with self.assertRaises(ValueError):
            LicenseDrill(at="yesterday")

    def test_a_fixture_has_a_drill_of_its_own_and_ends_it(self) -> None:
        made = fixture()
        drill = next(made)
        self.assertEqual(drill.client(drill.issue()).check_in().state, "entitled")
        self.assertEqual(list(made), [])
        with self.assertRaises(OSError):
            urllib.request.urlopen(f"{drill.url}/.well-known/jwks.json", timeout=2)

    def test_pytest_finds_the_fixture_where_it_is_installed(self) -> None:
        if importlib.util.find_spec("pytest") is None:
            return  # the fixture's own work is tested above
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "test_it.py").write_text(
                "def test_it(license_drill):\n"
                "    client = license_drill.client(license_drill.issue())\n"
                "    assert client.check_in().may_run\n"
            )
            command = [sys.executable, "-m", "pytest", "-q", "-p", "caio_licensing.testing.plugin", folder]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
