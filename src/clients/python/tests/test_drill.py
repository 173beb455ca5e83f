"""What keeps a drill and production apart."""

from __future__ import annotations

import logging
import os
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Callable, Mapping
from unittest import mock

import jwt

from caio_licensing import LicenseClient
from caio_licensing.drill import DRILL_ISSUER, drill_clock, is_drill, may_move_clock, offset_of
from caio_licensing.testing import LicenseDrill
from caio_licensing.testing.ring import Ring

logging.getLogger("caio_licensing").setLevel(logging.CRITICAL)

DAY = 86_400
PRODUCTION = "https://licensing.example"


class Rules(unittest.TestCase):
    def test_whose_clock_may_be_moved(self) -> None:
        ours = {"keys": [{"kid": "drill-1"}]}
        theirs: dict[str, Any] = {"keys": [{"kid": "drill-1"}, {"kid": "2026"}]}
        cases: list[tuple[tuple[str, ...], Any, bool]] = [
            ((DRILL_ISSUER,), None, True),
            ((DRILL_ISSUER,), ours, True),
            ((DRILL_ISSUER,), theirs, False),
            ((DRILL_ISSUER,), {"keys": [{}]}, False),
            ((DRILL_ISSUER,), {"keys": "none"}, False),
            ((PRODUCTION,), ours, False),
            ((DRILL_ISSUER, PRODUCTION), ours, False),
            ((f"{DRILL_ISSUER}.example",), None, False),
            ((f"{DRILL_ISSUER}:8443",), None, False),
            ((), None, False),
        ]
        for issuers, pinned, expected in cases:
            with self.subTest(issuers=issuers, pinned=pinned):
                self.assertIs(may_move_clock(issuers, pinned), expected)
        self.assertTrue(is_drill((DRILL_ISSUER, DRILL_ISSUER)))
        self.assertFalse(is_drill(()))

    def test_what_the_variable_says(self) -> None:
        now = 1_767_225_600.0
        for text, expected in (
            ("+40d", 40 * DAY),
            ("-3h", -3 * 3600),
            ("+90m", 5400),
            ("+15s", 15),
            ("-250ms", -0.25),
            ("2026-03-01T00:00:00Z", 59 * DAY),
            ("40d", None),
            ("+40", None),
            ("+40w", None),
            ("+4 d", None),
            ("+1.5d", None),
            ("2026-03-01", None),
            ("-99999d", None),
            ("+999999999d", None),
            ("", None),
        ):
            with self.subTest(text):
                self.assertEqual(offset_of(text, now), expected)

    def test_a_file_may_change_and_may_be_broken_for_a_moment(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "clock")
            self.assertIsNone(drill_clock(str(file)))
            file.write_text("+1h\n")
            clock = drill_clock(str(file))
            assert clock
            for text, expected in (("+1h", 3600), ("+2h", 7200), ("+2", 7200)):
                file.write_text(text)
                self.assertAlmostEqual(clock() - time.time(), expected, delta=5)
            file.unlink()
            self.assertAlmostEqual(clock() - time.time(), 7200, delta=5)


class Apart(unittest.TestCase):
    """What an environment can and cannot do to an installation."""

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.drill = LicenseDrill(runs=True)
        self.addCleanup(self.drill.close)
        self.key = self.drill.issue()
        service = Ring()
        self.theirs = {"keys": [{**service.published["keys"][0], "kid": "2026"}]}
        claims = {"sub": "acme", "jti": "l-1", "rev": 1, "features": ["audit"], "iss": PRODUCTION}
        private = service._keys[0][1]
        headers = {"kid": "2026", "typ": "license+jwt"}
        self.license_key = jwt.encode(claims, private, "EdDSA", headers=headers)  # type: ignore[arg-type]

    def use(self, more: Mapping[str, str] | None = None) -> None:
        given = {**self.drill.environment(self.folder, self.key), **(more or {})}
        patched = mock.patch.dict(os.environ, {**given, "HOME": str(self.folder)})
        patched.start()
        self.addCleanup(patched.stop)

    def client(self, **options: Any) -> LicenseClient:
        client = LicenseClient(**options)
        self.addCleanup(client.close)
        return client

    def test_a_drill_needs_the_environment_alone_and_has_a_state_folder_of_its_own(self) -> None:
        self.use()
        with self.assertLogs("caio_licensing", "WARNING") as logged:
            client = self.client()
        self.drill.advance(days=40)
        status = client.check_in()
        self.assertEqual((status.state, status.warnings), ("entitled", ("DRILL",)))
        assert status.lease_expires_at
        self.assertGreater(status.lease_expires_at.timestamp() - time.time(), 69 * DAY)
        self.assertIn("DRILL: the license comes from a drill, which moves the clock.", "".join(logged.output))
        self.assertEqual([one.name for one in (self.folder / "state").iterdir()], ["drill"])
        heard = self.drill.heard[-1]
        self.assertEqual(heard.status, 200)
        self.assertIsNotNone(heard.drill_clock)

    def test_in_the_background_it_follows_fast(self) -> None:
        self.use()
        with self.client() as client:
            deadline = time.monotonic() + 5
            while client.status().lease_expires_at is None and time.monotonic() < deadline:
                time.sleep(0.02)
            before = len(self.drill.heard)
            self.drill.advance(days=2)
            while len(self.drill.heard) == before and time.monotonic() < deadline:
                time.sleep(0.02)
        self.assertGreater(len(self.drill.heard), before)
        self.assertLess(time.monotonic(), deadline)

    def test_productions_folder_stays_as_it_is_where_it_is_passed_in_code(self) -> None:
        production = self.folder / "production"
        pinned: dict[str, Any] = {"trusted_keys": self.theirs, "fetch_keys": False, "issuer": PRODUCTION}
        self.client(**pinned, state_dir=production, license_key=self.license_key).close()
        files = [one for one in sorted(production.iterdir()) if one.is_file() and one.suffix != ".lock"]
        kept = [one.read_bytes() for one in files]
        self.use()
        rehearsed = self.client(state_dir=production)
        self.drill.advance(days=400)
        self.assertFalse(rehearsed.check_in().may_run)
        rehearsed.close()
        self.assertEqual([one.read_bytes() for one in files], kept)
        self.assertTrue((production / "drill").is_dir())

    def test_production_believes_no_drill_and_moves_no_clock(self) -> None:
        self.use({"CAIO_LICENSE_ISSUER": "", "CAIO_LICENSE_CLOCK": "-400d"})
        with self.assertLogs("caio_licensing", "WARNING") as logged:
            client = self.client(
                issuer=PRODUCTION,
                trusted_keys=self.theirs,
                fetch_keys=False,
                state_dir=self.folder / "own",
                license_key=self.license_key,
            )
        self.assertIn("CAIO_LICENSE_CLOCK is passed over", "".join(logged.output))
        self.assertAlmostEqual(client.now() / 1000, time.time(), delta=60)
        self.assertNotIn("DRILL", client.status().warnings)
        client.activate(self.key)
        status = client.status()
        self.assertEqual((status.license_id, status.lease_expires_at), ("l-1", None))
        heard = self.drill.heard[-1]
        self.assertEqual((heard.path, heard.status, heard.drill_clock), ("/v1/activate", 200, None))

    def test_a_license_of_production_is_refused_at_once_in_a_drill(self) -> None:
        """Each is what somebody might try to let it last."""
        ways: dict[str, Callable[[], dict[str, Any]]] = {
            "under the drill's issuer": lambda: {},
            "with its own keys pinned": lambda: {"trusted_keys": self.theirs, "fetch_keys": False},
            "with its own keys pinned, and the published ones": lambda: {"trusted_keys": self.theirs},
            "with a state that vouches for it": self.vouched,
        }
        self.use({"CAIO_LICENSE_CLOCK": "-400d"})
        self.drill.outage()
        for name, options in ways.items():
            with self.subTest(name):
                own = {"state_dir": self.folder / name.replace(" ", "-"), **options()}
                client = self.client(license_key=self.license_key, **own)
                for _ in range(2):
                    status = client.status()
                    told = status.state, status.code, status.may_run
                    self.assertEqual(told, ("refused", "ISSUER_MISMATCH", False))
                    self.assertFalse(status.has_feature("audit") and status.may_run)
                    client.check_in()

    def vouched(self) -> dict[str, Any]:
        place = self.folder / "vouched"
        pinned: dict[str, Any] = {"trusted_keys": self.theirs, "fetch_keys": False, "issuer": PRODUCTION}
        self.client(**pinned, state_dir=place / "drill", license_key=self.license_key).close()
        return {"state_dir": place}

    def test_productions_issuer_beside_the_drills_is_no_drill(self) -> None:
        self.use({"CAIO_LICENSE_ISSUER": f"{DRILL_ISSUER},{PRODUCTION}"})
        self.drill.advance(days=40)
        client = self.client()
        self.assertNotIn("DRILL", client.check_in().warnings)
        self.assertAlmostEqual(client.now() / 1000, time.time(), delta=60)
        self.assertIsNone(self.drill.heard[-1].drill_clock)
        # And it believes nothing of the drill, whose clock might stand still.
        self.assertIsNone(client.status().license_id)
        self.assertIsNone(client.status().lease_expires_at)
        self.assertEqual(client.issuer, PRODUCTION)

    def test_a_clock_that_is_passed_in_code_stays(self) -> None:
        self.use()
        self.drill.advance(days=40)
        client = self.client(clock=lambda: 1_900_000_000.0)
        self.assertEqual(client.now(), 1_900_000_000_000)


if __name__ == "__main__":
    unittest.main()
