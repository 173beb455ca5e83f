"""Keys that are handed over while the application runs, what is known of the license, and metrics."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import unittest

from jwt.utils import base64url_decode, base64url_encode

from caio_licensing import LicenseType, LicenseValidator, openmetrics
from caio_licensing.answers import Answer, Failure
from support import ClientCase, Signer, at, iso, refusal


def _encode(part: bytes) -> str:
    return base64url_encode(part).decode()


class ValidatorTest(ClientCase):
    def test_a_good_key_is_loaded_offline(self) -> None:
        validator = LicenseValidator(self.offline())
        self.assertIsNone(validator.license_metadata)
        self.assertEqual(validator.load_license(self.signer.license_key()), (True, None))
        metadata = validator.license_metadata
        assert metadata is not None
        self.assertEqual(metadata.customer_id, "acme")
        self.assertEqual(metadata.license_type, LicenseType.PROFESSIONAL)
        self.assertEqual(metadata.features, ["orchestration", "audit"])
        self.assertEqual((metadata.max_instances, metadata.max_services), (5, 10))
        self.assertEqual(metadata.max_requests_per_day, 3)
        self.assertIsNone(metadata.expires_at)
        self.assertEqual(metadata.issued_at and metadata.issued_at.isoformat(), "2027-01-01T00:00:00+00:00")
        self.assertEqual(self.service.requests, [])

    def test_a_bad_key_is_not_loaded_and_does_not_displace_a_good_one(self) -> None:
        validator = LicenseValidator(self.activated())
        good, error = validator.load_license(self.signer.license_key()[:-3])
        self.assertFalse(good)
        self.assertIn("license key", error or "")
        self.assertEqual(validator.client.status().state, "entitled")

    def test_a_trusted_key_that_anybody_can_sign_for_verifies_nothing(self) -> None:
        # The neutral point of the curve: whatever it is said to have signed verifies with R = 0 and s = 0.
        weak = {"kty": "OKP", "crv": "Ed25519", "x": _encode(b"\1" + bytes(31)), "kid": "weak"}
        header = {"alg": "EdDSA", "kid": "weak", "typ": "license+jwt"}
        claims = json.loads(base64url_decode(self.signer.license_key().split(".")[1]))
        parts = [json.dumps(header).encode(), json.dumps(claims).encode(), b"\1" + bytes(63)]
        forged = ".".join(map(_encode, parts))
        trusted = {"keys": [*self.signer.jwks["keys"], weak]}
        client = self.client(forged, trusted_keys=trusted, fetch_keys=False)
        self.assertEqual((client.status().state, client.status().code), ("refused", "SIGNING_KEY_UNKNOWN"))

    def test_while_nobody_says_a_key_is_pending(self) -> None:
        strict = self.client(on_indeterminate="deny", state_dir=self.folder / "strict")
        for client, may_run in ((self.client(), True), (strict, False)):
            validator = LicenseValidator(client)
            self.service.answers = [Failure("no such host")]
            self.assertEqual(validator.load_license(self.signer.license_key()), (may_run, "PENDING"))
            self.service.answers = [self.signer.grant(client.instance_id)]
            self.assertEqual(validator.load_license(self.signer.license_key()), (True, None))

    def test_a_refused_key_costs_an_installation_nothing(self) -> None:
        validator = LicenseValidator(self.activated())
        other = self.signer.license_key(jti="lic_2")
        self.service.answers = [refusal("LICENSE_REVOKED")]
        self.assertEqual(validator.load_license(other), (False, "Said by the service."))
        self.assertEqual(validator.load_license(other), (True, "PENDING"))
        status = validator.client.status()
        self.assertEqual((status.state, status.license_id), ("entitled", "lic_1"))

    def test_a_call_waits_for_a_silent_service_no_longer_than_told(self) -> None:
        self.activated()
        client = self.client(timeout=0.3)
        released = threading.Event()
        self.addCleanup(released.set)

        def silent(_: object) -> None:
            released.wait(10)

        other = self.signer.license_key(jti="lic_2")
        for call in (client.check_in, lambda: LicenseValidator(client).load_license(other)):
            self.service.answers = [silent] * 4
            begin = time.monotonic()
            call()
            self.assertLess(time.monotonic() - begin, 2)
        self.assertEqual(LicenseValidator(client).load_license(other), (True, "PENDING"))
        self.assertEqual(client.status().state, "entitled")
        candidate = client.status().candidate
        self.assertEqual(candidate and (candidate.license_id, candidate.state), ("lic_2", "pending"))

    def test_an_event_loop_goes_on_while_a_key_is_loaded(self) -> None:
        self.activated()
        client = self.client(timeout=0.4)
        released = threading.Event()
        self.addCleanup(released.set)
        self.service.answers = [lambda _: released.wait(10) and None] * 4
        ticks: list[float] = []

        async def tick() -> None:
            while True:
                ticks.append(time.monotonic())
                await asyncio.sleep(0.01)

        async def serve() -> tuple[bool, str | None]:
            ticking = asyncio.create_task(tick())
            loaded = await LicenseValidator(client).load_license_async(self.signer.license_key(jti="lic_2"))
            ticking.cancel()
            return loaded

        self.assertEqual(asyncio.run(serve()), (True, "PENDING"))
        self.assertGreater(len(ticks), 10)

    def test_a_key_that_nobody_can_vouch_for_is_pending_and_bounded(self) -> None:
        client = self.client()
        self.assertEqual(LicenseValidator(client).load_license(Signer("k9").license_key()), (True, "PENDING"))
        status = client.status()
        self.assertEqual((status.code, status.features), ("SIGNING_KEY_UNKNOWN", ("orchestration",)))
        self.assertEqual(iso(status.until), "2027-01-04T00:00:00.000Z")

    def test_a_key_that_the_published_keys_show_to_be_forged_is_not_loaded(self) -> None:
        self.service.jwks = Answer(200, {}, json.dumps(self.signer.jwks).encode())
        client = self.client(trusted_keys={})
        good, error = LicenseValidator(client).load_license(Signer(self.signer.kid).license_key())
        self.assertEqual((good, client.status().code), (False, "LICENSE_KEY_MISSING"))
        self.assertIn("signature", error or "")

    def test_that_marks_were_taken_off_is_told_and_nothing_of_the_key(self) -> None:
        key = self.signer.license_key()
        good, error = LicenseValidator(self.client()).load_license(f'export CAIO_LICENSE_KEY="{key[:-9]}"')
        self.assertFalse(good)
        self.assertIn("Quotes, a name in front", error or "")
        self.assertNotIn(key[:20], error or "")

    def test_an_expired_key_is_loaded_but_not_good_by_itself(self) -> None:
        validator = LicenseValidator(self.offline())
        good, error = validator.load_license(
            self.signer.license_key(exp=at("2026-12-01T00:00:00.000Z") // 1000)
        )
        self.assertFalse(good)
        self.assertIn("2026-12-01", error or "")

    def test_a_refusal_is_told(self) -> None:
        client = self.client(self.signer.license_key())
        self.service.answers = [refusal("LICENSE_SUSPENDED")]
        client.check_in()
        self.assertEqual(
            LicenseValidator(client).load_license(self.signer.license_key()), (False, "Said by the service.")
        )

    def test_a_license_type_of_the_vendor_stays_a_text(self) -> None:
        validator = LicenseValidator(self.client())
        validator.load_license(self.signer.license_key(license_type="campus"))
        metadata = validator.license_metadata
        self.assertEqual(metadata and metadata.license_type, "campus")


class MetricsTest(ClientCase):
    def test_days_seats_and_usage_are_told(self) -> None:
        client = self.activated()
        client.count_requests(2)
        client.set_services(4)
        client.flush()
        self.clock.set("2027-01-02T12:00:00.000Z")
        lines = openmetrics(client).splitlines()
        for line in (
            'caio_license_state{caio_license_state="entitled"} 1',
            'caio_license_state{caio_license_state="refused"} 0',
            "caio_license_may_run 1",
            "caio_license_days_left 363.5",
            "caio_license_lease_days_left 28.5",
            "caio_license_seats_active 2",
            "caio_license_seats_limit 5",
            "caio_license_requests_today 0",
            "caio_license_requests_limit 3",
        ):
            self.assertIn(line, lines)
        self.assertEqual(lines[-1], "# EOF")

    def test_what_has_no_end_and_no_limit_is_left_out(self) -> None:
        client = self.client(self.signer.license_key(max_instances=None))
        text = openmetrics(client)
        self.assertNotIn("days_left", text)
        self.assertNotIn("seats_limit", text)


if __name__ == "__main__":
    unittest.main()
