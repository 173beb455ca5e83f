"""Files instead of a network: the request, the license file, the receipt."""

from __future__ import annotations

import json
import stat
import unittest
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.utils import base64url_decode

from caio_licensing import LicenseFileError
from caio_licensing.airgap import load_license_file, write_activation_request, write_deactivation_receipt
from caio_licensing.times import DAY, to_datetime
from caio_licensing.usage import begin_license
from support import START, ClientCase, at


class AirGapTest(ClientCase):
    def setUp(self) -> None:
        super().setUp()
        self.offline = self.client(self.signer.license_key(), transport=None, fetch_keys=False)
        self.request_file = self.folder / "request.json"
        self.license_file = self.folder / "acme.caio-license"

    def request(self) -> dict[str, Any]:
        write_activation_request(self.offline, self.request_file)
        request: dict[str, Any] = json.loads(self.request_file.read_text())
        return request

    def answer(self, request: dict[str, Any], issued: int = at(START), **claims: Any) -> Path:
        """What staff bring back."""
        usual = {"nonce": request["nonce"], "cnf": {"jwk": request["public_key"]}}
        certificate = self.signer.certificate(request["instance_id"], issued, **{**usual, **claims})
        file = {
            "format": "caio-license",
            "license_key": self.signer.license_key(),
            "certificate": certificate,
        }
        file["warnings"] = [{"code": "OVER_LIMIT", "detail": "…"}]  # type: ignore[assignment]
        self.license_file.write_text(json.dumps(file))
        return self.license_file

    def test_a_license_file_entitles(self) -> None:
        request = self.request()
        self.assertEqual(request["instance_id"], self.offline.instance_id)
        self.assertNotIn("d", request["public_key"])
        status = load_license_file(self.offline, self.answer(request))
        self.assertEqual((status.state, status.warnings), ("entitled", ("OVER_LIMIT",)))
        self.assertEqual(self.request()["certificate"], self.offline.folder.read().certificate)

    def test_a_request_proves_that_it_has_the_private_half(self) -> None:
        request = self.request()
        self.assertEqual(jwt.get_unverified_header(request["proof"])["typ"], "activation-request+jwt")
        key = Ed25519PublicKey.from_public_bytes(base64url_decode(request["public_key"]["x"]))
        claims = json.loads(jwt.PyJWS().decode(request["proof"], key, ["EdDSA"]))  # type: ignore[arg-type]
        told = {"instance_id": request["instance_id"], "nonce": request["nonce"], "iat": at(START) // 1000}
        self.assertEqual(claims, told)

    def test_the_private_key_is_made_once_and_for_the_owner_alone(self) -> None:
        self.assertEqual(self.request()["public_key"], self.request()["public_key"])
        mode = (self.folder / "instance.key.json").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_usage_goes_with_the_request_and_is_dropped_when_the_answer_came(self) -> None:
        self.offline.count_requests(5)
        request = self.request()
        self.assertEqual(request["usage"], [{"date": "2027-01-01", "requests": 5, "services": 0}])
        self.clock.millis += 10 * DAY
        self.assertEqual(self.request()["usage"], request["usage"])
        load_license_file(self.offline, self.answer(request, self.clock.millis))
        self.assertEqual(self.request()["usage"], [])

    def test_a_file_that_is_not_for_this_installation_changes_nothing(self) -> None:
        request = self.request()
        load_license_file(self.offline, self.answer(request, at(START) + DAY))
        request = self.request()
        for why, file in {
            "another instance": {**request, "instance_id": "another"},
            "a request of somebody else": {**request, "nonce": "another"},
        }.items():
            with self.subTest(why), self.assertRaises(LicenseFileError):
                load_license_file(self.offline, self.answer(file, at(START) + 2 * DAY))
        with self.assertRaises(LicenseFileError):
            load_license_file(self.offline, self.answer(request, at(START)))
        for text in ("", "{}", "[]", "null", '{"license_key": 1, "certificate": 2}', '{"license_key": "a"}'):
            with self.subTest(text), self.assertRaises(LicenseFileError):
                self.license_file.write_text(text)
                load_license_file(self.offline, self.license_file)
        forged = self.answer(request, at(START) + 2 * DAY)
        forged.write_text(forged.read_text().replace('"certificate": "', '"certificate": "x'))
        with self.assertRaises(LicenseFileError):
            load_license_file(self.offline, forged)
        with self.assertRaises(LicenseFileError):
            load_license_file(self.offline, self.folder / "missing")
        self.assertEqual(self.offline.status().state, "entitled")

    def test_a_file_may_be_loaded_again_at_each_start(self) -> None:
        file = self.answer(self.request())
        load_license_file(self.offline, file)
        self.assertEqual(load_license_file(self.offline, file).state, "entitled")

    def test_the_receipt_is_signed_with_the_key_that_the_certificate_names(self) -> None:
        request = self.request()
        load_license_file(self.offline, self.answer(request))
        certificate = self.offline.folder.read().certificate
        write_deactivation_receipt(self.offline, self.folder / "receipt.txt")
        receipt = (self.folder / "receipt.txt").read_text().strip()
        self.assertEqual(jwt.get_unverified_header(receipt)["typ"], "deactivation+jwt")
        key = Ed25519PublicKey.from_public_bytes(base64url_decode(request["public_key"]["x"]))
        payload = jwt.PyJWS().decode(receipt, key, ["EdDSA"])  # type: ignore[arg-type]
        self.assertEqual(json.loads(payload), {"certificate": certificate})
        self.assertEqual(self.offline.status().code, "LICENSE_KEY_MISSING")

    def test_there_is_no_receipt_for_what_was_not_activated_by_file(self) -> None:
        with self.assertRaises(LicenseFileError):
            write_deactivation_receipt(self.offline, self.folder / "receipt.txt")
        online = self.activated()
        with self.assertRaises(LicenseFileError):
            write_deactivation_receipt(online, self.folder / "receipt.txt")
        self.assertEqual(online.status().state, "entitled")

    def test_an_own_key_that_is_broken_is_told_and_not_made_anew(self) -> None:
        request = self.request()
        load_license_file(self.offline, self.answer(request))
        for text in ("", "{", "[]", "{}", '{"d": 1}', '{"d": "AAAA"}', '{"d": "\u00fc"}'):
            with self.subTest(text):
                (self.folder / "instance.key.json").write_text(text)
                self.assertRaises(LicenseFileError, self.request)
                with self.assertRaises(LicenseFileError):
                    write_deactivation_receipt(self.offline, self.folder / "receipt.txt")
                self.assertEqual((self.folder / "instance.key.json").read_text(), text)

    def test_a_license_file_plans_the_next_check_in(self) -> None:
        status = load_license_file(self.offline, self.answer(self.request()))
        assert status.next_check_in is not None
        self.assertGreaterEqual(status.next_check_in, to_datetime(at(START) + DAY))

    def test_a_request_tells_nothing_that_another_license_was_told(self) -> None:
        self.offline.count_requests(5)
        load_license_file(self.offline, self.answer(self.request()))
        waiting = self.request()
        self.offline.count_requests(2)
        self.offline.install(self.signer.license_key(jti="lic_2"))
        self.assertEqual(self.request()["usage"], [{"date": "2027-01-01", "requests": 2, "services": 0}])
        with self.offline.folder.update() as state:
            begin_license(state, "lic_2")
        # An answer to what the license before was told confirms nothing of this one.
        load_license_file(self.offline, self.answer(waiting))
        self.assertEqual(self.offline.folder.read().acknowledged, {})

    def test_there_is_no_request_without_a_key(self) -> None:
        with self.assertRaises(LicenseFileError):
            write_activation_request(self.client(state_dir=self.folder / "new"), self.request_file)


class AirGapFieldTest(ClientCase):
    def setUp(self) -> None:
        super().setUp()
        self.client_ = self.offline(license_key=self.signer.license_key())

    def answer(self, issued: int, **claims: Any) -> Path:
        write_activation_request(self.client_, self.folder / "request.json")
        request = json.loads((self.folder / "request.json").read_text())
        certificate = self.signer.certificate(
            self.client_.instance_id, issued, nonce=request["nonce"], **claims
        )
        file = self.folder / "acme.caio-license"
        file.write_text(json.dumps({"license_key": self.signer.license_key(), "certificate": certificate}))
        return file

    def test_the_installed_file_loaded_again_after_a_check_in_changes_nothing(self) -> None:
        file = self.answer(at(START))
        load_license_file(self.client_, file)
        online = self.client()
        self.clock.millis += DAY
        self.service.answers = [self.signer.grant(online.instance_id, self.clock.millis)]
        lease = online.check_in().lease_expires_at
        self.assertEqual(load_license_file(online, file).lease_expires_at, lease)

    def test_a_file_that_a_client_of_before_installed_may_be_loaded_again(self) -> None:
        write_activation_request(self.client_, self.folder / "request.json")
        public_key = json.loads((self.folder / "request.json").read_text())["public_key"]
        file = self.answer(at(START), cnf={"jwk": public_key}, jti="act_1")
        load_license_file(self.client_, file)
        online = self.client()
        self.clock.millis += DAY
        self.service.answers = [self.signer.grant(online.instance_id, self.clock.millis, jti="act_1")]
        online.check_in()
        with online.folder.update() as state:
            state.license_file_sha256 = None
        self.assertEqual(load_license_file(online, file).state, "entitled")
        claims = {"nonce": "n", "jti": "act_1", "cnf": {"jwk": {"x": "x"}}}
        stranger = self.signer.certificate(online.instance_id, at(START), **claims)
        file.write_text(json.dumps({"license_key": self.signer.license_key(), "certificate": stranger}))
        self.assertRaises(LicenseFileError, load_license_file, online, file)

    def test_a_clock_that_was_set_back_is_told_without_a_network(self) -> None:
        load_license_file(self.client_, self.answer(at(START), exp=at("2030-01-01T00:00:00.000Z") // 1000))
        self.clock.millis += 400 * DAY
        self.client_.count_requests(1)
        self.client_.close()
        self.clock.set(START)
        self.assertIn("CLOCK_SET_BACK", self.offline().status().warnings)

    def test_the_file_of_another_license_takes_its_place(self) -> None:
        load_license_file(self.client_, self.answer(at(START)))
        self.client_.install(self.signer.license_key(jti="lic_2"))
        write_activation_request(self.client_, self.folder / "request.json")
        request = json.loads((self.folder / "request.json").read_text())
        self.assertEqual(request["license_key"], self.signer.license_key(jti="lic_2"))
        self.assertNotIn("certificate", request)
        claims = {"license_id": "lic_2", "nonce": request["nonce"]}
        certificate = self.signer.certificate(self.client_.instance_id, **claims)
        file = self.folder / "second.caio-license"
        file.write_text(json.dumps({"license_key": request["license_key"], "certificate": certificate}))
        status = load_license_file(self.client_, file)
        self.assertEqual((status.state, status.license_id, status.candidate), ("entitled", "lic_2", None))


if __name__ == "__main__":
    unittest.main()
