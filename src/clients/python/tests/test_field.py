"""What the field does to an installation: keys out of mails, files out of editors, folders that lose things."""

from __future__ import annotations

import json
import logging
import os
import unittest
from pathlib import Path
from typing import Any
from unittest.mock import patch

from caio_licensing.airgap import load_license_file, write_activation_request
from caio_licensing.answers import Answer, Failure
from support import START, ClientCase, Signer, at, iso, refusal


class FileTest(ClientCase):
    def write(self, name: str, data: bytes) -> Path:
        self.folder.mkdir(exist_ok=True)
        (self.folder / name).write_bytes(data)
        return self.folder / name

    def test_an_operators_instance_id_is_read_and_never_written_over(self) -> None:
        for data in (b"\xef\xbb\xbfberlin-1\r\n", b" berlin-1 ", b"berlin-1"):
            file = self.write("instance_id", data)
            self.assertEqual(self.client().instance_id, "berlin-1")
            self.assertEqual(file.read_bytes(), data)
        for number, data in enumerate(("berlin-1".encode("utf-16"), b"\0" * 37, b"x" * 129), 1):
            self.write("instance_id", data)
            self.assertRegex(self.client().instance_id, r"^[0-9a-f-]{36}$")
            aside = [file.read_bytes() for file in self.folder.glob("instance_id.broken-*")]
            self.assertEqual((len(aside), data in aside), (number, True))

    def test_pinned_keys_may_have_a_mark_in_front_and_are_no_utf_16(self) -> None:
        text = json.dumps(self.signer.jwks)
        file = self.write("keys", b"\xef\xbb\xbf" + text.encode())
        with patch.dict("os.environ", CAIO_LICENSE_KEYS=str(file)):
            client = self.client(self.signer.license_key(), trusted_keys=None)
            self.assertEqual(client.status().code, "NOT_ACTIVATED")

    def test_a_file_of_pinned_keys_that_is_none_is_told_and_stops_nobody(self) -> None:
        text = json.dumps(self.signer.jwks)
        for data, told in {
            text.encode("utf-16"): "UTF-16",
            text[:40].encode(): "Unterminated|Expecting",
            b"[" * 100_000: "recursion",
            b"[]": "no JWK Set",
            b"{}": "no JWK Set",
        }.items():
            with self.subTest(told), patch.dict("os.environ", CAIO_LICENSE_KEYS=str(self.write("keys", data))):
                with self.assertLogs("caio_licensing", "ERROR") as log:
                    client = self.client(self.signer.license_key(), trusted_keys=None)
                self.assertRegex(log.output[0], f"CAIO_LICENSE_KEYS is passed over.*({told})")
                self.assertTrue(client.status().may_run)
        with patch.dict("os.environ", CAIO_LICENSE_KEYS=str(self.folder / "nowhere")):
            with self.assertLogs("caio_licensing", "ERROR"):
                self.assertTrue(self.client(trusted_keys=None).status().may_run)

    def test_a_license_file_may_have_a_mark_in_front(self) -> None:
        client = self.offline(license_key=self.signer.license_key())
        write_activation_request(client, self.folder / "request.json")
        request = json.loads((self.folder / "request.json").read_text())
        certificate = self.signer.certificate(client.instance_id, nonce=request["nonce"])
        text = json.dumps({"license_key": self.signer.license_key(), "certificate": certificate})
        file = self.write("acme.caio-license", b"\xef\xbb\xbf" + text.encode())
        self.assertEqual(load_license_file(client, file).state, "entitled")

    def test_a_state_that_is_lost_in_part_keeps_the_license(self) -> None:
        key = self.signer.license_key()
        client = self.client()
        self.service.answers = [self.signer.grant(client.instance_id)]
        client.activate(key)
        client.close()
        state, kept = (self.folder / "state.json").read_text(), (self.folder / "kept.json").read_text()
        for what, texts in {
            "emptied": ("", kept),
            "cut": (state[: len(state) // 2], kept),
            "without what was kept": (state[:-2], ""),
            "what was kept is cut": (state[:-2], kept[:20]),
            "another version": ('{"version": 2}', kept),
        }.items():
            with self.subTest(what):
                self.write("state.json", texts[0].encode())
                self.write("kept.json", texts[1].encode())
                self.assertEqual(self.client().status().state, "entitled")
        (self.folder / "state.json").unlink()
        self.assertEqual(self.client().status().code, "LICENSE_KEY_MISSING", "whoever removed it meant it")

    def test_what_a_killed_process_left_is_removed_at_the_next_start(self) -> None:
        self.activated()
        for name in (".state.json.new", ".kept.json.new", ".instance_id.new", ".state.json.0a1b"):
            self.write(name, b"secret")
        os.utime(self.folder / ".state.json.0a1b", (0, 0))
        self.client()
        self.assertEqual([file.name for file in self.folder.glob(".*")], [])


class ConfiguredTest(ClientCase):
    def file(self, text: str) -> Path:
        """As Kubernetes mounts a secret: the name is a link to a link, and the folder behind it is replaced."""
        self.folder.mkdir(exist_ok=True)
        mount, version = self.folder / "secret", len(list(self.folder.glob("secret/..v*")))
        data = mount / f"..v{version}"
        data.mkdir(parents=True)
        (data / "key").write_text(text)
        (mount / "..new").symlink_to(data.name)
        os.replace(mount / "..new", mount / "..data")
        if not (mount / "key").is_symlink():
            (mount / "key").symlink_to("..data/key")
        return mount / "key"

    def test_a_key_file_is_read_at_the_start_and_when_its_link_is_swapped(self) -> None:
        file = self.file(f"CAIO_LICENSE_KEY={self.signer.license_key()}\n")
        client = self.client(license_key_file=file)
        self.service.answers = [self.signer.grant(client.instance_id)]
        self.assertEqual(client.check_in().state, "entitled")
        self.file(self.signer.license_key(jti="lic_2"))
        client.configure()
        candidate = client.status().candidate
        self.assertEqual(candidate and (candidate.license_id, candidate.state), ("lic_2", "pending"))
        granted = self.signer.grant(client.instance_id, license_id="lic_2", jti="act_2").body.decode()
        body = granted.replace(self.signer.license_key(), self.signer.license_key(jti="lic_2"))
        self.service.answers = [Answer(200, {}, body.encode()), Answer(204, {}, b"")]
        client._check_in_if_due()
        self.assertEqual(client.status().license_id, "lic_2")
        path, seat = self.service.requests[-1]
        self.assertEqual(path, "/v1/deactivate")
        self.assertEqual(seat["certificate"], self.signer.certificate(client.instance_id))

    def test_a_key_file_that_is_not_there_yet_stops_nobody(self) -> None:
        client = self.client(license_key_file=self.folder / "later")
        self.assertEqual(client.status().code, "LICENSE_KEY_MISSING")
        (self.folder / "later").write_text(self.signer.license_key())
        client.configure()
        self.assertEqual(client.status().code, "NOT_ACTIVATED")
        (self.folder / "later").unlink()
        with patch("caio_licensing.installation.log") as log:
            for _ in range(3):
                client.configure()
        self.assertEqual((client.status().code, log.warning.call_count), ("NOT_ACTIVATED", 1))

    def test_the_argument_goes_first_then_the_variable_then_the_file(self) -> None:
        keys = [self.signer.license_key(jti=f"lic_{number}") for number in range(3)]
        environment = {"CAIO_LICENSE_KEY": keys[1], "CAIO_LICENSE_KEY_FILE": str(self.file(keys[2]))}
        with patch.dict("os.environ", environment):
            self.assertEqual(self.client(keys[0], state_dir=self.folder / "a").status().license_id, "lic_0")
            self.assertEqual(self.client(state_dir=self.folder / "b").status().license_id, "lic_1")
            del os.environ["CAIO_LICENSE_KEY"]
            self.assertEqual(self.client(state_dir=self.folder / "c").status().license_id, "lic_2")

    def test_the_environment_names_the_instance_and_its_lease(self) -> None:
        environment = {"CAIO_LICENSE_INSTANCE_ID": " pod-1\n", "CAIO_LICENSE_LEASE_HOURS": "1"}
        with patch.dict("os.environ", environment):
            client = self.client(self.signer.license_key())
        client.check_in()
        _, body = self.service.requests[-1]
        self.assertEqual((body["instance_id"], body["lease_hours"]), ("pod-1", 1))
        self.assertEqual((self.folder / "instance_id").read_text(), "pod-1\n")

    def test_nonsense_in_the_environment_is_passed_over_and_as_an_argument_refused(self) -> None:
        for name, text in {
            "CAIO_LICENSE_LEASE_HOURS": "8761",
            "CAIO_LICENSE_INSTANCE_ID": "a\x00b" if os.name == "nt" else "a\x01b",
        }.items():
            with patch.dict("os.environ", {name: text}), patch("caio_licensing.settings.log") as log:
                client = self.client(self.signer.license_key())
            self.assertEqual((client.status().may_run, log.error.call_count), (True, 1))
        self.assertRaises(ValueError, self.client, lease_hours=0)
        self.assertRaises(ValueError, self.client, lease_hours=8761)
        self.assertRaises(ValueError, self.client, instance_id="\n")

    def test_an_instance_id_with_blanks_is_the_same_one(self) -> None:
        client = self.client(self.signer.license_key())
        self.service.answers = [self.signer.grant("a"), self.signer.grant("a")]
        self.assertEqual(client.activate(instance_id="a ").state, "entitled")
        self.assertEqual(client.activate(instance_id=" a\n").state, "entitled")

    def test_another_name_waits_for_its_seat_and_tells_no_usage_twice(self) -> None:
        client = self.activated()
        first = client.instance_id
        client.count_requests(5)
        self.service.answers = [self.signer.grant(first)]
        client.check_in()
        client.count_requests(2)
        client.close()
        client = self.client(instance_id="pod-1")
        self.assertEqual((client.status().state, client.instance_id), ("entitled", first))
        self.service.requests.clear()
        granted = self.signer.grant("pod-1", jti="act_2")
        self.service.answers = [granted, Answer(204, {}, b""), granted]
        client.check_in()
        self.assertEqual((client.status().state, client.instance_id), ("entitled", "pod-1"))
        [(_, asked), (path, given)] = self.service.requests
        self.assertEqual((asked["instance_id"], path, given["instance_id"]), ("pod-1", "/v1/deactivate", first))
        self.assertNotIn("certificate", asked)
        client.check_in()
        told = self.service.requests[-1][1]
        self.assertEqual((told["instance_id"], told["usage"][0]["requests"]), ("pod-1", 2))
        self.assertEqual(self.client().instance_id, "pod-1")

    def test_the_issuer_may_be_a_list_and_the_address_another_spelling(self) -> None:
        for issuer in ("https://other.example, https://Licenses.example/", " HTTPS://LICENSES.EXAMPLE:443\n"):
            folder = self.folder / issuer[1:9]
            client = self.client(self.signer.license_key(), issuer=issuer, state_dir=folder)
            self.assertEqual(client.status().code, "NOT_ACTIVATED")

    def test_why_nobody_was_heard_is_in_the_log_once_a_try(self) -> None:
        client = self.activated()
        self.service.answers = [Failure("certificate verify failed: unknown issuer")]
        logging.getLogger("caio_licensing").setLevel(logging.WARNING)
        self.addCleanup(logging.getLogger("caio_licensing").setLevel, logging.CRITICAL)
        with self.assertLogs("caio_licensing", logging.WARNING) as logs:
            client.check_in()
        self.assertEqual(len(logs.output), 1)
        self.assertIn("certificate verify failed: unknown issuer", logs.output[0])


class OldFolderTest(ClientCase):
    """Folders that a client of before wrote."""

    def old_state(self, **members: Any) -> None:
        self.folder.mkdir()
        (self.folder / "instance_id").write_text("i-1\n")
        usual = {"version": 1, "installed_key_sha256": None, "warnings": [], "failures": 0, "usage": {}}
        (self.folder / "state.json").write_text(json.dumps({**usual, "acknowledged": {}, **members}))

    def test_it_opens_and_goes_on(self) -> None:
        key, certificate = self.signer.license_key(), self.signer.certificate("i-1")
        usage = {"2027-01-01": {"requests": 4, "services": 1}}
        self.old_state(license_key=key, certificate=certificate, usage=usage)
        client = self.client(key)
        self.assertEqual((client.status().state, client.status().candidate), ("entitled", None))
        self.assertEqual(client.requests_today(), 4)

    def test_a_configured_id_that_its_certificate_has_is_its_own(self) -> None:
        self.old_state(license_key=self.signer.license_key(), certificate=self.signer.certificate("pod-1"))
        status = self.client(instance_id="pod-1").status()
        self.assertEqual((status.state, status.candidate), ("entitled", None))

    def test_a_configured_trial_does_not_undo_the_license_that_was_bought(self) -> None:
        bought = self.signer.license_key(jti="lic_2", iat=at(START) // 1000 + 60)
        self.old_state(license_key=bought, certificate=self.signer.certificate("i-1", license_id="lic_2"))
        status = self.client(self.signer.license_key()).status()
        self.assertEqual((status.state, status.license_id, status.candidate), ("entitled", "lic_2", None))
        later = self.client(self.signer.license_key(jti="lic_3", iat=at(START) // 1000 + 90)).status()
        self.assertEqual(later.license_id, "lic_2")
        self.assertEqual(later.candidate and later.candidate.license_id, "lic_3")

    def test_one_whose_keys_are_not_known_now_was_vouched_for(self) -> None:
        stranger = Signer("k9")
        self.old_state(license_key=stranger.license_key(), certificate=stranger.certificate("i-1"))
        for client in (self.client(), self.client()):
            status = client.status()
            self.assertEqual((status.state, status.code), ("indeterminate", "SIGNING_KEY_UNKNOWN"))
            self.assertTrue(status.has_feature("audit"))
            self.assertEqual(iso(status.until), "2027-05-01T00:00:00.000Z")

    def test_a_refusal_of_before_is_a_warning_while_the_certificate_holds(self) -> None:
        client = self.activated()
        self.service.answers = [refusal("LICENSE_SUSPENDED")]
        status = client.check_in()
        self.assertEqual((status.state, status.warnings), ("entitled", ("LICENSE_SUSPENDED",)))


if __name__ == "__main__":
    unittest.main()
