"""Answers that somebody kept, addresses that somebody mistyped, and services and folders that keep a caller waiting."""

from __future__ import annotations

import logging
import socket
import time
import unittest
from threading import Event
from typing import Any, Callable
from unittest.mock import patch

from caio_licensing.answers import Answer
from caio_licensing.facts import Status
from caio_licensing.files import write_atomically
from caio_licensing.locks import file_lock
from caio_licensing.texts import address_fault, normal_address
from support import ISSUER, ClientCase, Signer, finish_calls, refusal

MISTYPED = (
    "nonsense",
    "licensing.example",
    "localhost:8787",
    "ftp://x",
    "htps://licensing.example",
    "http://",
    "https:///",
    "http:/licensing.example",
    "https//licensing.example",
    "https://:8787",
    "https://licensing.example:port",
    "https://licensing.example:99999",
    "https://licens ing.example",
    "https://[::1",
    "user:secret@licensing.example",
    "/",
    "\x00",
)


class ReplayTest(ClientCase):
    def test_each_request_that_may_be_refused_has_a_nonce_of_its_own(self) -> None:
        client = self.activated()
        unknown = refusal("INSTANCE_NOT_ACTIVATED", 404)
        self.service.answers = [unknown, self.signer.grant(client.instance_id)]
        client.check_in()
        client.activate(self.signer.license_key(jti="lic_2"))
        self.assertEqual([path for path, _ in self.service.requests][1:3], ["/v1/check-in", "/v1/activate"])
        nonces = [body["nonce"] for path, body in self.service.requests if path != "/v1/deactivate"]
        self.assertEqual(len(set(nonces)), 4)
        self.assertTrue(all(len(nonce) >= 16 for nonce in nonces), nonces)

    def test_a_genuine_refusal_of_another_request_does_not_stop_what_a_certificate_allows(self) -> None:
        client, kept = self.activated(), []
        refuse = self.signer.refusal("LICENSE_SUSPENDED", client.instance_id)

        def refused(request: dict[str, Any]) -> Answer:
            kept.append(refuse(request))
            return kept[0]

        self.service.answers = [refused]
        self.assertEqual(client.check_in().state, "refused")
        self.service.answers = [self.signer.grant(client.instance_id)]
        self.assertEqual(client.check_in().state, "entitled")
        # Signed in the same second as the certificate, so its time does not show that it is old.
        self.service.answers = [kept[0]]
        status = client.check_in()
        self.assertEqual((status.state, status.warnings), ("entitled", ("LICENSE_SUSPENDED",)))

    def test_a_grant_of_another_request_does_not_lift_a_refusal(self) -> None:
        client, kept = self.activated(), []

        def granted(request: dict[str, Any]) -> Answer:
            kept.append(self.signer.grant(client.instance_id, nonce=request["nonce"]))
            return kept[0]

        self.service.answers = [granted, self.signer.refusal("LICENSE_SUSPENDED", client.instance_id)]
        self.assertEqual(client.check_in().state, "entitled")
        self.assertEqual(client.check_in().state, "refused")
        self.service.answers = [kept[0]]
        self.assertEqual(client.check_in().code, "LICENSE_SUSPENDED")
        self.assertIn("another request", str(client.status().last_failure))


class AddressTest(ClientCase):
    def test_a_mistyped_address_stops_nobody_asks_nobody_and_is_told(self) -> None:
        self.activated().close()
        logging.getLogger("caio_licensing").setLevel(logging.WARNING)
        self.addCleanup(logging.getLogger("caio_licensing").setLevel, logging.CRITICAL)
        for url in MISTYPED:
            for given in ("argument", "environment"):
                if given == "environment" and "\x00" in url:
                    continue
                environment = {"CAIO_LICENSE_URL": url if given == "environment" else ISSUER}
                with self.subTest(url, given=given), patch.dict("os.environ", environment):
                    self.ask_nobody(url if given == "argument" else None)

    def ask_nobody(self, url: str | None) -> None:
        with patch("socket.socket.connect") as connect, patch("socket.getaddrinfo") as looked_up:
            with self.assertLogs("caio_licensing", logging.WARNING) as logs:
                client = self.client(url=url, transport=None)
            self.assertEqual(len(logs.output), 1)
            status = client.status()
            self.assertEqual((status.state, status.license_id), ("entitled", "lic_1"))
            assert status.last_failure is not None
            self.assertIn("the url is no address of a service", status.last_failure.reason)
            self.assertIn(status.last_failure.reason, logs.output[0])
            self.assertNotIn("secret", logs.output[0])
            with self.assertLogs("caio_licensing", logging.WARNING):
                asked = client.check_in()
            self.assertEqual((asked.state, asked.last_failure), ("entitled", client.status().last_failure))
        self.assertEqual((connect.call_count, looked_up.call_count), (0, 0))

    def test_a_mistyped_address_without_an_issuer_leaves_it_open_whose_license_it_is(self) -> None:
        self.activated().close()
        for url in MISTYPED:
            with self.subTest(url):
                status = self.client(url=url, issuer=None, transport=None).status()
                self.assertEqual((status.may_run, status.code), (True, "ISSUER_MISMATCH"))

    def test_an_address_is_none_only_where_nobody_can_be_asked(self) -> None:
        for url in MISTYPED:
            self.assertIsNotNone(address_fault(normal_address(url)), url)
        for url in (
            "https://licensing.example",
            " HTTPS://Licensing.Example.:443/ \n",
            "http://localhost:8787",
            "http://[::1]:8787/",
            "https://user:secret@licensing.example/path/",
            "https://müller.example:65535",
            "http://127.0.0.1",
        ):
            self.assertIsNone(address_fault(normal_address(url)), url)


class WaitingTest(ClientCase):
    def silence(self) -> Callable[[object], None]:
        released = Event()
        self.addCleanup(released.set)

        def silent(_: object) -> None:
            released.wait(10)

        return silent

    def test_every_call_waits_for_a_silent_service_no_longer_than_told_in_all(self) -> None:
        for name in ("check_in", "activate", "another", "deactivate", "release"):
            with self.subTest(name):
                self.folder = self.folder.with_name(name)
                client = self.activated(timeout=0.3)
                other = self.signer.license_key(jti="lic_2")
                calls: dict[str, Callable[[], object]] = {
                    "check_in": client.check_in,
                    "activate": client.activate,
                    "another": lambda: client.activate(other),
                    "deactivate": client.deactivate,
                    "release": client.release,
                }
                self.service.answers = [self.silence()] * 4
                begin = time.monotonic()
                told = calls[name]()
                self.assertLess(time.monotonic() - begin, 1)
                self.assertEqual(client.status().state, "entitled")
                if isinstance(told, Status):
                    self.assertEqual(told.last_failure and told.last_failure.reason, "no answer in time")
                    self.assertTrue(told.may_run)
                else:
                    self.assertIs(told, False)

    def test_requests_that_are_slow_one_by_one_do_not_add_up(self) -> None:
        client = self.activated(timeout=0.4)
        slow = Signer("k9")

        def late(_: object) -> Answer:
            time.sleep(0.3)
            return refusal("INSTANCE_NOT_ACTIVATED", 404)

        self.service.answers = [late, late, late]
        with patch.object(client._keys, "published", side_effect=lambda: late(None) and None):
            client.install(slow.license_key(jti="lic_2"))
            begin = time.monotonic()
            client.check_in()
            self.assertLess(time.monotonic() - begin, 0.8)
            finish_calls()

    def test_why_a_service_was_not_heard_is_told_at_the_end_of_the_call(self) -> None:
        self.activated().close()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            # The published keys are asked for first, and take all the time.
            for key in (None, Signer("k9").license_key(jti="lic_2")):
                client = self.client(key, url=url, transport=None, timeout=1)
                begin = time.monotonic()
                failure = client.check_in().last_failure
                self.assertLess(time.monotonic() - begin, 1.5)
                self.assertEqual(failure and failure.reason, "no answer in time")

    def test_a_folder_that_another_process_holds_is_waited_for_no_longer_than_told(self) -> None:
        client = self.activated(timeout=0.3)
        client.count_requests()
        with file_lock(self.folder / "lock", patience=0) as mine:
            self.assertTrue(mine)
            for call in (client.check_in, client.deactivate):
                begin = time.monotonic()
                call()
                self.assertLess(time.monotonic() - begin, 1)
            self.assertEqual(client.status().state, "entitled")

    def test_a_start_waits_for_another_process_two_seconds_at_most(self) -> None:
        self.activated().close()
        with file_lock(self.folder / "lock", patience=0):
            begin = time.monotonic()
            status = self.client().status()
            self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual(status.state, "entitled")

    def test_a_write_that_fails_leaves_no_temporary_file_at_the_next_start(self) -> None:
        client = self.activated()
        with patch("os.replace", side_effect=OSError(28, "No space left on device")):
            client.count_requests()
            client.flush()
            with self.assertRaises(OSError):
                write_atomically(self.folder / "kept.json", "{}")
        self.client()
        self.assertEqual([file.name for file in self.folder.glob(".*")], [])


if __name__ == "__main__":
    unittest.main()
