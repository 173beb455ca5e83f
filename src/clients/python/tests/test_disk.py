"""A disk that is full, a volume that cannot be written: production goes on, nothing is lost."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import time
import unittest
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator
from unittest.mock import patch

from caio_licensing.airgap import LicenseFileError, load_license_file, write_activation_request
from caio_licensing.times import DAY, HOUR, to_datetime
from support import ClientCase

WORKS = os.open
NO_FILES: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
}


def open_handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def cannot_write(path: Any, flags: int, *more: Any, **options: Any) -> int:
    """As the kernel answers on a volume that is mounted read-only."""
    if flags & (os.O_WRONLY | os.O_RDWR):
        raise OSError(errno.EROFS, "Read-only file system", str(path))
    return WORKS(path, flags, *more, **options)


@contextmanager
def read_only() -> Iterator[None]:
    with patch("os.open", cannot_write), patch("os.replace", side_effect=OSError(errno.EROFS, "read-only")):
        yield


@contextmanager
def full() -> Iterator[None]:
    with patch("os.fsync", side_effect=OSError(errno.ENOSPC, "No space left on device")):
        yield


class DiskTest(ClientCase):
    def next_day(self) -> int:
        self.clock.millis += DAY + 2 * HOUR
        return self.clock.millis

    def test_a_lease_that_cannot_be_written_holds_and_is_written_later(self) -> None:
        for fault in (full, read_only):
            with self.subTest(fault.__name__), ExitStack() as stack:
                client = self.activated()
                stack.enter_context(fault())
                now = self.next_day()
                self.service.answers = [self.signer.grant(client.instance_id, now)]
                client.count_requests(2)
                self.assertEqual(client.check_in().lease_expires_at, to_datetime(now + 30 * DAY))
                self.assertEqual(client.requests_today(), 2)
                stack.close()
                client.flush()
                again = self.client()
                self.assertEqual(again.status().lease_expires_at, client.status().lease_expires_at)
                self.assertEqual(again.requests_today(), 2)

    def test_the_service_is_not_asked_again_and_again(self) -> None:
        client = self.activated(chance=lambda: 0.0)
        self.service.requests.clear()
        for fault in (full, read_only):
            with self.subTest(fault.__name__), fault():
                self.next_day()
                self.service.answers = [self.signer.grant(client.instance_id, self.clock.millis)]
                for _ in range(5):
                    client._check_in_if_due()
        self.assertEqual(len(self.service.requests), 2)

    def test_a_refusal_that_cannot_be_written_counts(self) -> None:
        client = self.activated()
        with full():
            self.service.answers = [self.signer.refusal("LICENSE_SUSPENDED", client.instance_id)]
            self.assertEqual(client.check_in().code, "LICENSE_SUSPENDED")
            self.assertEqual(client.status().code, "LICENSE_SUSPENDED")

    def test_an_installation_starts_from_a_folder_that_cannot_be_written(self) -> None:
        license_key = self.signer.license_key()
        self.activated()
        for fault in (full, read_only):
            with self.subTest(fault.__name__), fault():
                self.assertEqual(self.client(license_key).status().state, "entitled")
                replaced = self.client(self.signer.license_key(rev=2)).status()
                self.assertEqual((replaced.state, replaced.license_id), ("entitled", "lic_1"))

    @unittest.skipUnless(hasattr(os, "mkfifo"), "needs pipes")
    def test_what_is_no_file_holds_up_no_start_and_costs_no_license(self) -> None:
        names = ("state.json", "kept.json", "instance_id", "lock", "check-in.lock", ".state.json.new")
        for name, (what, put) in itertools.product(names, NO_FILES.items()):
            with self.subTest(name, what=what):
                self.activated().close()
                file = self.folder / name
                file.unlink(missing_ok=True)
                put(file)
                begin, handles = time.monotonic(), open_handles()
                client = self.client()
                for _ in range(3):
                    self.assertEqual((client.status().state, client.status().license_id), ("entitled", "lic_1"))
                client.close()
                self.assertLess(time.monotonic() - begin, 4)
                self.assertEqual(open_handles(), handles)
                shutil.rmtree(self.folder)

    @unittest.skipUnless(hasattr(os, "mkfifo"), "needs pipes")
    def test_what_is_no_file_is_no_key_file(self) -> None:
        self.folder.mkdir(parents=True)
        for what, put in NO_FILES.items():
            with self.subTest(what):
                put(self.folder / what)
                begin, client = time.monotonic(), self.client(license_key_file=self.folder / what)
                handles = open_handles()
                for _ in range(3):
                    client._configured_key()
                self.assertEqual(client.status().code, "LICENSE_KEY_MISSING")
                self.assertEqual(open_handles(), handles)
                self.assertLess(time.monotonic() - begin, 2)
                with self.assertRaises(LicenseFileError):
                    load_license_file(client, self.folder / what)

    def test_a_device_that_a_file_for_a_courier_goes_to_is_written_to_and_not_replaced(self) -> None:
        client, device = self.activated(), self.folder / "stdout"
        device.symlink_to("/dev/null")
        write_activation_request(client, device)
        self.assertEqual(os.readlink(device), "/dev/null")
        device.unlink()
        device.symlink_to("/dev/full")
        with self.assertRaises(OSError):
            write_activation_request(client, device)
        self.assertEqual(os.readlink(device), "/dev/full")

    def test_a_broken_file_stays_until_a_new_one_replaces_it(self) -> None:
        self.activated().close()
        (self.folder / "state.json").write_text("{")
        with patch("caio_licensing.folder.write_atomically", side_effect=OSError(errno.ENOSPC, "full")):
            self.assertEqual(self.client().status().license_id, "lic_1")
        self.assertTrue((self.folder / "state.json").exists(), "or the next start takes it for removed")
        self.assertEqual(self.client().status().license_id, "lic_1")

    def test_a_broken_state_that_cannot_be_put_aside_stops_nobody(self) -> None:
        self.activated()
        (self.folder / "state.json").write_text("{")
        with read_only():
            self.assertEqual(self.client(self.signer.license_key()).status().code, "NOT_ACTIVATED")

    def test_a_file_that_cannot_be_read_any_more_leaves_things_as_they_were(self) -> None:
        client = self.activated()
        os.utime(self.folder / "state.json")  # so that it is looked at again
        with patch("caio_licensing.texts.read_bytes", side_effect=OSError(errno.EIO, "Input/output error")):
            self.assertEqual(client.status().state, "entitled")
            self.service.answers = [None]
            self.assertEqual(client.check_in().state, "entitled")

    def test_what_another_process_wrote_meanwhile_is_not_undone(self) -> None:
        client, other = self.activated(), self.client()
        client.count_requests(3)
        with full():
            self.service.answers = [None]
            client.check_in()
        other.count_requests(4)
        other.flush()
        client.flush()
        self.assertEqual(self.client().requests_today(), 7)
        self.assertEqual(self.client().folder.read().failures, 1)

    def test_the_fault_is_told_once(self) -> None:
        client = self.activated()
        with full(), patch("caio_licensing.folder.log") as log:
            for _ in range(5):
                client.count_requests()
                client.flush()
        self.assertEqual(log.error.call_count, 1)

    def test_a_request_file_is_not_written_where_its_answer_would_be_refused(self) -> None:
        client = self.activated()
        with full(), self.assertRaises(OSError):
            write_activation_request(client, self.folder / "request.json")
        self.assertFalse((self.folder / "request.json").exists())

    def test_where_nothing_can_be_kept_from_the_start_it_goes_on_in_memory(self) -> None:
        for place in ("/dev/null/state", self.folder):
            with self.subTest(place), read_only():
                client = self.client(self.signer.license_key(), state_dir=place)
                self.assertEqual(client.status().code, "NOT_ACTIVATED")
                self.service.answers = [self.signer.grant(client.instance_id)]
                client.count_requests(3)
                status = client.check_in()
                self.assertEqual((status.state, status.warnings), ("entitled", ("STATE_NOT_KEPT",)))
                self.service.answers = [self.signer.grant(client.instance_id)]
                client.check_in()
                self.assertEqual(self.service.requests[-1][1]["usage"][0]["requests"], 3)
                self.assertEqual(client.requests_today(), 3)

    def test_where_there_is_no_home_it_goes_on_in_memory(self) -> None:
        with patch("pathlib.Path.expanduser", side_effect=RuntimeError("no home")):
            client = self.client(self.signer.license_key(), state_dir=None)
        self.assertEqual(client.status().warnings, ("INDETERMINATE_ENDS", "STATE_NOT_KEPT"))
        self.assertRegex(client.instance_id, r"^[0-9a-f-]{36}$")

    def test_that_nothing_is_kept_is_told_once(self) -> None:
        with patch("caio_licensing.folder.log") as log:
            client = self.client(self.signer.license_key(), state_dir="/dev/null/state")
            for _ in range(5):
                client.count_requests()
                client.flush()
        self.assertEqual((log.warning.call_count, log.error.call_count), (1, 0))


if __name__ == "__main__":
    unittest.main()
