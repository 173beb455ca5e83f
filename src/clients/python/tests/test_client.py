"""The client by itself: keys that are installed, check-ins that are due, answers that come too late."""

from __future__ import annotations

import json
import threading
import time
import unittest
from unittest.mock import patch

from caio_licensing import LicenseClient
from caio_licensing.answers import Answer
from caio_licensing.documents import SigningKeyUnknown
from support import ISSUER, START, ClientCase, Signer, at, refusal


class InstallTest(ClientCase):
    def test_a_client_needs_to_know_whose_license_it_is(self) -> None:
        self.assertRaises(ValueError, LicenseClient, None, state_dir=self.folder)
        self.assertRaises(ValueError, self.client, on_indeterminate="maybe")

    def test_a_key_that_nobody_vouches_for_has_the_features_of_a_trial(self) -> None:
        for strict, passes in {"allow": True, "deny": False}.items():
            status = self.client(Signer("k9").license_key(), on_indeterminate=strict).status()
            self.assertEqual((status.code, status.license_id), ("SIGNING_KEY_UNKNOWN", None))
            self.assertEqual(status.features, ("orchestration",))
            self.assertEqual((status.may_run, status.has_feature("audit")), (passes, False))
        status = self.client(self.signer.license_key(), state_dir=self.folder / "good").status()
        self.assertEqual([status.has_feature(name) for name in ("audit", "time-travel")], [True, False])

    def test_what_the_service_would_not_take_about_an_installation_is_cut(self) -> None:
        labels = {"": "x", "a" * 99: "b" * 999, **{f"{number}": "x" for number in range(50)}}
        client = self.client(hostname="h" * 999, app_version="v" * 999, fingerprint="f" * 999, labels=labels)
        lengths = {name: len(value) for name, value in client.about.items()}
        self.assertEqual(lengths, {"hostname": 255, "app_version": 64, "fingerprint": 256, "labels": 32})
        self.assertEqual(client.about["labels"]["a" * 64], "b" * 256)
        self.assertEqual(self.client().about, {})

    def test_whoever_pins_the_keys_trusts_no_others(self) -> None:
        stranger = Signer("k2")
        expected = {
            True: ("indeterminate", "NOT_ACTIVATED"),
            False: ("refused", "SIGNING_KEY_UNKNOWN"),
        }
        for fetch, found in expected.items():
            folder = self.folder / str(fetch)
            client = self.client(stranger.license_key(), fetch_keys=fetch, state_dir=folder)
            with client.folder.update() as state:
                state.jwks = stranger.jwks  # as whoever can write the state folder does
            self.assertEqual((client.status().state, client.status().code), found)

    def test_published_keys_are_kept_only_where_they_verify_what_the_known_ones_do_not(self) -> None:
        self.service.jwks = Answer(200, {}, json.dumps(self.signer.jwks).encode())
        client = self.client(self.signer.license_key(), trusted_keys={})
        self.service.answers = [self.signer.grant(client.instance_id)]
        self.assertEqual(client.check_in().state, "entitled")
        stranger = Signer("k2")
        self.service.jwks = Answer(200, {}, json.dumps(Signer("k3").jwks).encode())
        self.service.answers = [stranger.grant(client.instance_id)]
        self.assertEqual(client.check_in().state, "entitled")
        self.assertRaises(SigningKeyUnknown, client.verify_key, stranger.license_key())
        self.assertEqual(client.activate(stranger.license_key()).code, "SIGNING_KEY_UNKNOWN")
        self.assertEqual(client.status().state, "entitled")
        self.assertEqual(client.folder.read().jwks, self.signer.jwks)

    def test_a_forged_key_is_refused_on_the_first_start(self) -> None:
        self.service.jwks = Answer(200, {}, json.dumps(self.signer.jwks).encode())
        client = self.client(Signer(self.signer.kid).license_key(), trusted_keys={})
        self.assertEqual(client.check_in().code, "LICENSE_KEY_INVALID")

    def test_a_key_of_another_issuer_is_named(self) -> None:
        client = self.client(self.signer.license_key(iss="https://elsewhere.example"))
        self.assertEqual(client.status().code, "ISSUER_MISMATCH")
        self.assertIn(f"is of https://elsewhere.example, not of {ISSUER}", client.status().detail)

    def test_no_text_in_place_of_a_key_stops_a_start(self) -> None:
        for text in ("\ud800", "\0", "x" * 100_000, "a.b.c"):
            with self.subTest(text[:9]):
                self.assertEqual(self.client(text).status().code, "LICENSE_KEY_INVALID")

    def test_a_key_that_the_service_renewed_is_not_undone_by_a_restart(self) -> None:
        client = self.client(self.signer.license_key())
        self.service.answers = [self.signer.grant(client.instance_id)]
        renewed = self.signer.license_key(exp=at("2029-01-01T00:00:00.000Z") // 1000)
        body = self.signer.grant(client.instance_id).body.decode()
        body = body.replace(self.signer.license_key(), renewed)
        self.service.answers = [Answer(200, {}, body.encode())]
        client.check_in()
        self.assertEqual(self.client(self.signer.license_key()).folder.read().license_key, renewed)

    def test_another_license_takes_the_place_of_a_good_one_only_where_it_is_granted(self) -> None:
        client = self.activated()
        other = self.signer.license_key(jti="lic_2")
        self.service.answers = [refusal("ACTIVATION_LIMIT_REACHED")]
        self.assertEqual(client.activate(other).code, "ACTIVATION_LIMIT_REACHED")
        self.assertEqual((client.status().state, client.status().license_id), ("entitled", "lic_1"))
        self.service.answers = [None]
        self.assertEqual(client.activate(other).state, "indeterminate")
        self.assertEqual((client.status().state, client.status().license_id), ("entitled", "lic_1"))
        granted = self.signer.grant(client.instance_id, license_id="lic_2")
        body = granted.body.decode().replace(self.signer.license_key(), other)
        self.service.answers = [Answer(200, {}, body.encode())]
        self.assertEqual(client.activate(other).license_id, "lic_2")
        self.assertEqual((client.status().state, client.status().license_id), ("entitled", "lic_2"))

    def test_a_refused_license_is_kept_where_there_is_no_good_one(self) -> None:
        client = self.client()
        self.service.answers = [refusal("LICENSE_SUSPENDED")]
        self.assertEqual(client.activate(self.signer.license_key()).code, "LICENSE_SUSPENDED")
        self.assertEqual(self.client().status().code, "LICENSE_SUSPENDED")

    def test_an_answer_about_a_key_that_was_replaced_meanwhile_is_passed_over(self) -> None:
        client = self.client(self.signer.license_key())

        def answer(_: object) -> Answer:
            client.install(self.signer.license_key(rev=2))
            return refusal("LICENSE_KEY_SUPERSEDED")

        self.service.answers = [answer]
        self.assertEqual(client.check_in().code, "NOT_ACTIVATED")

    def test_giving_the_seat_back_forgets_the_license(self) -> None:
        client = self.activated()
        self.service.answers = [self.signer.grant(client.instance_id), None]
        self.assertFalse(client.deactivate())
        self.assertEqual(client.status().state, "entitled")
        self.service.answers = [self.signer.grant(client.instance_id), Answer(204, {}, b"")]
        self.assertTrue(client.deactivate())
        self.assertEqual(client.status().code, "LICENSE_KEY_MISSING")
        self.assertFalse(client._due())
        self.assertEqual(client.folder.read().failures, 0)

    def test_who_waits_while_the_seat_is_given_back_does_not_take_it_again(self) -> None:
        client, other = self.activated(), self.client()
        self.service.requests.clear()
        waiting = threading.Thread(target=other.check_in)

        def gives_back(_: object) -> Answer:
            waiting.start()
            waiting.join(0.1)
            return Answer(204, {}, b"")

        grant = self.signer.grant(client.instance_id)
        self.service.answers = [grant, gives_back, grant]
        # As slowly as may be: whoever waits is let in before this process goes on.
        forget = client.forget

        def forget_late() -> None:
            waiting.join(0.2)
            forget()

        with patch.object(client, "forget", forget_late):
            self.assertTrue(client.deactivate())
        waiting.join(10)
        self.assertEqual(client.status().code, "LICENSE_KEY_MISSING")
        self.assertEqual([path for path, _ in self.service.requests], ["/v1/check-in", "/v1/deactivate"])

    def test_an_instance_id_is_taken_over_before_the_first_activation_only(self) -> None:
        client = self.client(self.signer.license_key())
        self.service.answers = [self.signer.grant("caio-berlin-1")]
        self.assertEqual(client.activate(instance_id="caio-berlin-1").state, "entitled")
        self.assertEqual(self.client().instance_id, "caio-berlin-1")
        self.assertRaises(ValueError, client.activate, None, "caio-berlin-2")

    def test_an_instance_id_that_one_worker_takes_over_is_that_of_all(self) -> None:
        key = self.signer.license_key()
        workers = [self.client(key) for _ in range(3)]
        self.service.answers = [self.signer.grant("caio-berlin-1") for _ in workers]
        self.assertEqual(workers[0].activate(key, "caio-berlin-1").state, "entitled")
        self.assertEqual(workers[1].status().state, "entitled")
        self.assertEqual(workers[1].activate(key, "caio-berlin-1").state, "entitled")
        self.assertEqual(workers[2].check_in().state, "entitled")
        self.assertEqual({body["instance_id"] for _, body in self.service.requests}, {"caio-berlin-1"})
        self.assertRaises(ValueError, workers[2].activate, key, "caio-berlin-2")

    def test_an_instance_id_is_not_taken_over_while_another_one_is_activated(self) -> None:
        client, other = self.client(self.signer.license_key()), self.client()
        first = client.instance_id
        refused: list[ValueError] = []

        def adopt() -> None:
            try:
                other.activate(instance_id="caio-berlin-1")
            except ValueError as error:
                refused.append(error)

        thread = threading.Thread(target=adopt)

        def answer(_: object) -> Answer:
            thread.start()
            thread.join(0.1)
            return self.signer.grant(first)

        self.service.answers = [answer]
        client.check_in()
        thread.join(10)
        self.assertEqual((client.instance_id, len(refused)), (first, 1))
        self.assertEqual(client.status().state, "entitled")

    def test_revocation_lists_do_not_go_back_in_time(self) -> None:
        client = self.activated()

        def listed(day: str, **members: object) -> str:
            empty: dict[str, object] = {"revoked": [], "suspended": [], "superseded": {}}
            times = {"iat": at(day) // 1000, "exp": at(day) // 1000 + 7 * 86_400}
            return self.signer.sign("revocations+jwt", {**empty, **times, **members})

        later = listed("2027-01-03T00:00:00.000Z", revoked=["lic_1"])
        self.assertTrue(client.read_revocations(later))
        self.assertTrue(client.read_revocations(listed("2027-01-02T00:00:00.000Z")))
        self.assertFalse(client.read_revocations("<html>"))
        self.clock.set("2027-01-03T00:00:00.000Z")
        self.assertEqual(client.status().code, "LICENSE_REVOKED")

    def test_a_revocation_list_may_name_many_thousand_licenses(self) -> None:
        client = self.activated()

        def listed(licenses: int) -> str:
            names = ["lic_1", *(f"lic_{number:026}" for number in range(licenses))]
            times = {"iat": at(START) // 1000, "exp": at(START) // 1000 + 7 * 86_400}
            return self.signer.sign(
                "revocations+jwt", {**times, "revoked": names, "suspended": [], "superseded": {}}
            )

        self.assertFalse(client.read_revocations(listed(100_000)))
        self.assertTrue(client.read_revocations(listed(20_000)))
        self.assertEqual(client.status().code, "LICENSE_REVOKED")


class BackgroundTest(ClientCase):
    def test_it_checks_in_by_itself_when_it_is_due(self) -> None:
        client = self.client(self.signer.license_key(), flush_interval=0.01)
        self.service.answers = [self.signer.grant(client.instance_id)]
        with client:
            deadline = time.monotonic() + 30
            while client.status().state != "entitled" and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertEqual(client.status().state, "entitled")
            time.sleep(0.1)
        self.assertEqual(len(self.service.requests), 1)

    def test_a_fault_in_the_background_does_not_end_the_check_ins(self) -> None:
        client = self.client(self.signer.license_key(), flush_interval=0.01)

        def fails(_: object) -> Answer:
            raise RuntimeError("a fault")

        self.service.answers = [fails, self.signer.grant(client.instance_id)]
        with client:
            deadline = time.monotonic() + 30
            while client.status().state != "entitled" and time.monotonic() < deadline:
                time.sleep(0.01)
        self.assertEqual(client.status().state, "entitled")

    def test_a_clock_that_went_back_does_not_put_off_the_next_check_in(self) -> None:
        client = self.activated()
        self.assertFalse(client._due())
        self.clock.set("2026-12-31T23:00:00.000Z")
        self.assertTrue(client._due())

    def test_without_a_service_nothing_is_due(self) -> None:
        client = LicenseClient(None, self.signer.license_key(), state_dir=self.folder, issuer=ISSUER)
        self.assertFalse(client._due())
        self.assertEqual(client.check_in().code, "SIGNING_KEY_UNKNOWN")


if __name__ == "__main__":
    unittest.main()
