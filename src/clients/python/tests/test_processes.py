"""Processes that are killed, that end, and that stand still."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
import unittest
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from caio_licensing import LicenseClient
from caio_licensing.times import DAY
from support import ISSUER, START, ClientCase, Clock, Service, Signer, at, iso

KILLS = 200

PROGRAM = """
import json, sys, time
from caio_licensing import LicenseClient
client = LicenseClient(state_dir=sys.argv[1] or None, trusted_keys=json.loads(sys.argv[2]), timeout=5).start()
print(client.check_in().state, client.instance_id, flush=True)
for line in sys.stdin:
    break
"""


def live_until_killed(folder: str, signer: Signer, key: str, told: int) -> None:
    """Counts, checks in and tells what it was told, one line each."""
    clock, service = Clock(), Service()
    client = LicenseClient(
        ISSUER, key, state_dir=folder, trusted_keys=signer.jwks, transport=service, clock=clock
    )
    for number in count(1):
        client.count_requests()
        client.count("tokens", 10)
        client.observe("gpus", number)
        client.flush()
        os.write(told, b"counted\n")
        clock.millis = at(START) + number * DAY // 1000
        if number % 3 == 0:
            lease = client.status().lease_expires_at
            granted = 0 if lease is None else round(lease.timestamp() * 1000) - 30 * DAY
            clock.millis = max(clock.millis, granted + 1000)
            service.answers = [signer.grant(client.instance_id, clock.millis)]
            os.write(told, f"leased {iso(client.check_in().lease_expires_at)}\n".encode())


@unittest.skipUnless(hasattr(os, "fork"), "needs fork")
class KillTest(ClientCase):
    def test_whenever_it_is_killed_what_it_was_told_is_kept_and_the_next_start_is_quick(self) -> None:
        key, chance = self.signer.license_key(), random.Random(18)
        counted, lease, slowest = 0, "", 0.0
        for kill in range(KILLS):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                with suppress(BaseException):
                    os.close(reader)
                    live_until_killed(str(self.folder), self.signer, key, writer)
                os._exit(1)
            os.close(writer)
            if kill % 2:  # in the midst of its work, however slow the machine is
                select.select([reader], [], [], 10)
            time.sleep(chance.uniform(0.0, 0.06))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            with open(reader, encoding="utf-8") as lines:
                told = lines.read().splitlines()
            counted += told.count("counted")
            lease = max([lease, *(line.split()[1] for line in told if line.startswith("leased "))])
            begin = time.monotonic()
            client = self.client(key)
            status, requests = client.status(), self.requests(client)
            slowest = max(slowest, time.monotonic() - begin)
            self.assertGreaterEqual(requests, counted)
            self.assertGreaterEqual(iso(status.lease_expires_at) or "", lease)
            counted = requests
            self.assertEqual([file.name for file in self.folder.glob(".*")], [])
        self.assertLess(slowest, 2)
        self.assertGreaterEqual(counted, KILLS // 2)
        self.assertEqual(list(self.folder.glob("*.broken-*")), [])

    def requests(self, client: LicenseClient) -> int:
        days = client.folder.read().usage.values()
        for day in days:  # what is counted at one time is written at one time
            self.assertEqual(day.get("sum:tokens", 0), 10 * day["requests"])
            self.assertLessEqual(day.get("peak:gpus", 0), day["requests"])
        return sum(day["requests"] for day in days)

    def test_a_process_that_stands_still_holds_up_nobody(self) -> None:
        self.activated()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            from caio_licensing.locks import file_lock

            with suppress(BaseException), file_lock(self.folder / "lock", patience=1):
                os.write(writer, b"x")
                time.sleep(60)
            os._exit(0)
        os.read(reader, 1)
        begin = time.monotonic()
        try:
            client = self.client(self.signer.license_key())
            self.assertEqual(client.status().state, "entitled")
            self.assertLess(time.monotonic() - begin, 5)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        client.flush()
        self.assertEqual(client.status().state, "entitled")

    def test_a_lock_is_not_kept_by_the_children_of_whoever_was_killed(self) -> None:
        from caio_licensing.locks import file_lock

        self.folder.mkdir()
        reader, writer = os.pipe()
        parent = os.fork()
        if parent == 0:
            with suppress(BaseException), file_lock(self.folder / "lock", patience=1):
                child = os.fork()
                if child == 0:
                    os.write(writer, f"{os.getpid()}\n".encode())
                    time.sleep(60)
                time.sleep(60)
            os._exit(0)
        grandchild = int(os.read(reader, 20))
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        try:
            with file_lock(self.folder / "lock", patience=0) as mine:
                self.assertTrue(mine)
        finally:
            os.kill(grandchild, signal.SIGKILL)


class ReleaseCase(ClientCase):
    """Real processes, and a service as small as can be."""

    def setUp(self) -> None:
        super().setUp()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        case = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                case.asked.append((self.path, body))
                given = case.signer.grant(body["instance_id"], round(time.time() * 1000)).body
                gone = self.path == "/v1/deactivate"
                self.send_response(204 if gone else 200)
                self.send_header("content-length", "0" if gone else str(len(given)))
                self.end_headers()
                self.wfile.write(b"" if gone else given)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"

    def start(self, folder: str, program: str = PROGRAM, **environment: str) -> subprocess.Popen[str]:
        known = {
            "CAIO_LICENSE_URL": self.url,
            "CAIO_LICENSE_ISSUER": ISSUER,
            "CAIO_LICENSE_KEY": self.signer.license_key(exp=round(time.time()) + 86_400 * 365),
            "CAIO_LICENSE_RELEASE": "1",
        }
        process = subprocess.Popen(
            [sys.executable, "-c", program, folder, json.dumps(self.signer.jwks)],
            env={**os.environ, **known, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self.end, process)
        assert process.stdout is not None
        self.assertTrue(process.stdout.readline().startswith("entitled "))
        return process

    def end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()

    def given_back(self) -> list[str]:
        return [body["instance_id"] for path, body in self.asked if path == "/v1/deactivate"]


class ReleaseTest(ReleaseCase):
    def test_a_process_that_is_told_to_end_gives_the_seat_back(self) -> None:
        for folder in (str(self.folder), "/dev/null/state"):
            with self.subTest(folder):
                self.asked.clear()
                process = self.start(folder)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(20), 128 + signal.SIGTERM)
                self.assertEqual(len(self.given_back()), 1)
                self.assertIn("certificate", self.asked[-1][1])

    def test_the_last_one_on_a_folder_gives_the_seat_back_and_a_restart_takes_it_again(self) -> None:
        first, second = self.start(str(self.folder)), self.start(str(self.folder))
        first.communicate("", timeout=20)
        self.assertEqual(self.given_back(), [])
        second.send_signal(signal.SIGTERM)
        second.wait(20)
        self.assertEqual(len(self.given_back()), 1)
        again = self.start(str(self.folder), CAIO_LICENSE_KEY="", CAIO_LICENSE_RELEASE="0")
        again.send_signal(signal.SIGTERM)
        self.assertEqual(again.wait(20), -signal.SIGTERM)
        self.assertEqual(len(self.given_back()), 1)

    def test_two_that_end_at_a_time_leave_no_seat_behind(self) -> None:
        for _ in range(3):
            self.asked.clear()
            processes = [self.start(str(self.folder)) for _ in range(2)]
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(20)
            self.assertEqual(len(self.given_back()), 1)

    def test_a_handler_of_the_applications_own_stays(self) -> None:
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGTERM, before)
        self.client(self.signer.license_key(), release=True, state_dir="/dev/null/state")
        self.assertEqual(signal.getsignal(signal.SIGTERM), signal.SIG_IGN)


if __name__ == "__main__":
    unittest.main()
