"""The state folder: what is kept is kept whole, by one process and by several."""

from __future__ import annotations

import errno
import os
import signal
import stat
import time
import unittest
from contextlib import suppress
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from unittest.mock import patch

from caio_licensing import LicenseClient
from support import ISSUER, ClientCase, refusal


def count_in_a_process(folder: str, times: int) -> None:
    client = LicenseClient(ISSUER, state_dir=folder)
    for _ in range(times):
        client.count_requests()
        client.flush()


def count_until_killed(folder: str, told: Connection) -> None:
    client = LicenseClient(ISSUER, state_dir=folder)
    for number in count(1):
        client.count_requests()
        client.flush()
        told.send(number)


class StateTest(ClientCase):
    def test_identity_is_made_once_and_kept(self) -> None:
        first = self.client().instance_id
        self.assertRegex(first, r"^[0-9a-f-]{36}$")
        self.assertEqual(self.client().instance_id, first)

    def test_an_identity_that_the_service_would_not_take_is_made_anew(self) -> None:
        first = self.client().instance_id
        for broken in (b"", b"\n", b"\0" * 37, b"\xff\xfe", b"x" * 129):
            with self.subTest(broken):
                (self.folder / "instance_id").write_bytes(broken)
                made = self.client().instance_id
                self.assertRegex(made, r"^[0-9a-f-]{36}$")
                self.assertNotEqual(made, first)
        (self.folder / "instance_id").write_text("caio\u00a0\u6771\u4eac")
        self.assertEqual(self.client().instance_id, "caio\u00a0\u6771\u4eac")

    def test_an_identity_that_was_lost_is_taken_from_the_certificate(self) -> None:
        first = self.activated()
        for broken in (None, b"", b"\0" * 37):
            with self.subTest(broken):
                (self.folder / "instance_id").unlink()
                if broken is not None:
                    (self.folder / "instance_id").write_bytes(broken)
                again = self.client()
                self.assertEqual(again.instance_id, first.instance_id)
                self.assertEqual(again.status().state, "entitled")

    def test_secrets_are_for_the_owner_alone(self) -> None:
        self.activated()
        for name in ("state.json", "instance_id"):
            self.assertEqual(stat.S_IMODE(os.stat(self.folder / name).st_mode), 0o600, name)
        self.assertEqual(stat.S_IMODE(os.stat(self.folder).st_mode), 0o700)

    def test_broken_state_is_put_aside_and_the_installation_goes_on(self) -> None:
        whole = '{"version": 1, "usage": {"2027-01-01": {"requests": 1, "services": 0}}}'
        broken = ["", "{", whole[:30], "[]", "null", '{"version": 2}', '{"version": 1, "usage": 7}']
        broken += ['{"version": 1, "refusal": {"code": 1}}', '{"version": 1, "usage": {"x": {}}}']
        broken += ['{"version": 1, "failures": null}', '{"version": 1, "warnings": [{}]}', "[" * 100_000]
        broken += ['{"version": 1, "offline_requests": [1]}', '{"version": 1, "acknowledged": null}']
        # The service would take none of these, and so no check-in any more.
        for figure in ("-1", "1.5", "1e999", "true", "1000000000001", '"7"'):
            broken.append(whole.replace('"requests": 1', f'"requests": {figure}'))
        broken += [whole.replace("2027-01-01", day) for day in ("hello", "2027-02-30", "2027-1-1")]
        self.folder.mkdir()
        for number, text in enumerate(broken, 1):
            with self.subTest(text[:80]):
                (self.folder / "state.json").write_text(text)
                client = self.client(self.signer.license_key())
                self.assertEqual(client.status().code, "NOT_ACTIVATED")
                self.assertEqual(len(list(self.folder.glob("state.json.broken-*"))), number)

    def test_a_file_that_is_lost_or_broken_refuses_nobody_who_runs_and_is_written_back(self) -> None:
        client = self.activated()
        file = self.folder / "state.json"
        for number, text in enumerate((None, "", file.read_text()[:40])):
            with self.subTest(text):
                client.count_requests(2)
                client.flush()
                file.unlink() if text is None else file.write_text(text)
                self.assertEqual((client.status().state, client.requests_today()), ("entitled", 2 + 2 * number))
                self.assertFalse(client._due())
                client.flush()
                again = self.client()
                self.assertEqual((again.status().state, again.requests_today()), ("entitled", 2 + 2 * number))
        self.assertEqual(len(list(self.folder.glob("state.json.broken-*"))), 2)

    def test_who_only_reads_leaves_a_broken_file_where_it_is(self) -> None:
        client, other = self.activated(), self.client()
        self.assertEqual(other.status().state, "entitled")
        (self.folder / "state.json").write_text("{")
        self.assertEqual(client.status().state, "entitled")
        self.assertEqual((self.folder / "state.json").read_text(), "{")
        # A process that knows nothing yet writes nothing; one that does writes it whole, to stay where it is.
        self.client().flush()
        self.assertEqual(client.status().state, "entitled")
        other.flush()
        self.assertEqual(client.status().state, "entitled")
        self.assertEqual(len(list(self.folder.glob("state.json.broken-*"))), 1)
        self.assertEqual(self.client().status().state, "entitled")

    def test_what_was_lost_is_told_once(self) -> None:
        client = self.activated()
        (self.folder / "state.json").unlink()
        with patch("caio_licensing.files.log") as log:
            for _ in range(5):
                client.status()
        self.assertEqual(log.error.call_count, 1)

    def test_a_license_that_another_process_gave_back_is_gone(self) -> None:
        client, other = self.activated(), self.client()
        self.assertEqual(client.status().state, "entitled")
        other.forget()
        self.assertEqual(client.status().code, "LICENSE_KEY_MISSING")

    def test_an_identity_that_is_lost_stays_with_who_runs(self) -> None:
        client = self.client()
        first = client.instance_id
        (self.folder / "instance_id").unlink()
        self.assertEqual(client.instance_id, first)
        (self.folder / "instance_id").write_bytes(b"\0" * 37)
        self.assertEqual(client.instance_id, first)

    def test_an_identity_that_cannot_be_read_is_not_made_anew(self) -> None:
        first = self.client().instance_id
        with patch("caio_licensing.texts.read_bytes", side_effect=OSError(errno.EIO, "Input/output error")):
            self.assertIn("STATE_NOT_KEPT", self.client().status().warnings)
        self.assertEqual(self.client().instance_id, first)

    def test_nothing_temporary_is_left_behind(self) -> None:
        self.activated()
        names = {file.name for file in self.folder.iterdir()}
        self.assertEqual(names, {"state.json", "kept.json", "instance_id", "lock", "check-in.lock"})

    def test_a_write_that_fails_leaves_the_old_state_and_keeps_the_count(self) -> None:
        client = self.activated()
        client.count_requests(2)
        with patch("os.replace", side_effect=OSError(28, "No space left on device")):
            client.flush()
        self.assertEqual(client.status().state, "entitled")
        client.flush()
        self.assertEqual(self.client().requests_today(), 2)

    def test_processes_that_share_a_folder_lose_no_count(self) -> None:
        self.client()
        context = get_context("spawn")
        workers = [context.Process(target=count_in_a_process, args=(str(self.folder), 25)) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        usage = self.client().folder.read().usage
        self.assertEqual(sum(day["requests"] for day in usage.values()), 100)

    def test_a_process_that_is_killed_leaves_a_whole_state_with_all_that_it_wrote(self) -> None:
        self.client()
        for _ in range(5):
            receiver, sender = get_context("spawn").Pipe(duplex=False)
            worker = get_context("spawn").Process(target=count_until_killed, args=(str(self.folder), sender))
            before = self.requests()
            worker.start()
            counted = [receiver.recv() for _ in range(20)][-1]
            os.kill(worker.pid or 0, signal.SIGKILL)
            worker.join()
            sender.close()
            with suppress(EOFError):
                while True:
                    counted = receiver.recv()
            # What was being written when it was killed is there or is not there.
            self.assertIn(self.requests() - before, (counted, counted + 1))
        self.assertEqual(list(self.folder.glob("state.json.broken-*")), [])

    def requests(self) -> int:
        return sum(day["requests"] for day in self.client().folder.read().usage.values())

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_a_forked_process_does_not_count_its_parents_requests_again(self) -> None:
        client = self.activated()
        client.count_requests(5)
        child = os.fork()
        if child == 0:
            try:
                client.count_requests(1)
                client.flush()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        client.flush()
        self.assertEqual(client.requests_today(), 6)

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_threads_start_again_in_a_forked_process(self) -> None:
        client = self.activated(flush_interval=0.02)
        client.start()
        self.addCleanup(client.close)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                client.count_requests(7)
                for _ in range(200):
                    if client.folder.read().usage:
                        code = 0
                        break
                    time.sleep(0.01)
            finally:
                os._exit(code)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_one_process_at_a_time_talks_to_the_service(self) -> None:
        client, other = self.client(self.signer.license_key()), self.client()
        self.service.answers = [refusal("LICENSE_SUSPENDED")]
        with other.folder.turn(0) as mine:
            self.assertTrue(mine)
            client._check_in_if_due()
            self.assertEqual(self.service.requests, [])
        client._check_in_if_due()
        self.assertEqual(len(self.service.requests), 1)


if __name__ == "__main__":
    unittest.main()
