"""A process ends when it is told to, whatever its threads wait for."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
import unittest
from pathlib import Path

from support import ClientCase
from test_processes import ReleaseCase

SOURCE = Path(__file__).parent.parent / "src"

#: How long an end may take, with what a busy machine adds.
SOON = 2.0

OPEN = """
import asyncio, hashlib, json, os, signal, sys, threading, time
from caio_licensing import LicenseClient, signals
client = LicenseClient(state_dir=sys.argv[1] or None, trusted_keys=json.loads(sys.argv[2]), timeout=5)
"""

#: The main thread waits, and the signal arrives as if just before: it interrupts nothing.
MISSED = """
print(client.start().check_in().state, "", flush=True)
def lose():
    time.sleep(0.5)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
threading.Thread(target=lose, daemon=True).start()
time.sleep(60)
"""

#: The main thread runs no Python.
COMPUTING = """
signals._PATIENCE = 0.5
print(client.start().check_in().state, "", flush=True)
hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000_000)
"""

#: A child that is told to end is not its parent. The signal comes as early as possible.
FORKING = """
print(client.start().check_in().state, "", flush=True)
for _ in range(25):
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(1)
    os.kill(child, signal.SIGTERM)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended not in (143, -15):
        print("child", ended, flush=True)
time.sleep(0.5)
print("alive", flush=True)
os._exit(0)
"""


class ToldTest(ReleaseCase):
    def test_a_signal_that_interrupts_nothing_ends_the_process(self) -> None:
        process = self.start(str(self.folder), OPEN + MISSED)
        self.assertEqual(process.wait(10), 128 + signal.SIGTERM)
        self.assertEqual(len(self.given_back()), 1)

    def test_a_main_thread_that_runs_no_python_is_not_waited_for(self) -> None:
        process = self.start(str(self.folder), OPEN + COMPUTING)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 128 + signal.SIGTERM)
        self.assertEqual(len(self.given_back()), 1)

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_a_child_that_is_told_to_end_does_not_end_its_parent(self) -> None:
        process = self.start(str(self.folder), OPEN + FORKING)
        assert process.stdout is not None
        self.assertEqual(process.stdout.read(), "alive\n")
        self.assertEqual(process.wait(10), 0)


#: Ways to use the client that wait for the service when the main thread is told to end.
HANGING = {
    "in the background": "client.start()",
    "in a call on another thread": "threading.Thread(target=client.check_in, daemon=True).start()",
    "while it activates": "client.start(); threading.Thread(target=client.activate, daemon=True).start()",
    "in an event loop": """
async def main():
    asyncio.ensure_future(client.check_in_async())
    asyncio.ensure_future(client.activate_async())
    await asyncio.to_thread(sys.stdin.read, 1)
asyncio.run(main())
""",
}


class SilentTest(ClientCase):
    """A service that takes every request and never answers."""

    def setUp(self) -> None:
        super().setUp()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)

    def start(self, folder: str, way: str, **environment: str) -> subprocess.Popen[str]:
        known = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SOURCE),
            "CAIO_LICENSE_URL": f"http://127.0.0.1:{self.server.getsockname()[1]}",
            "CAIO_LICENSE_KEY": self.signer.license_key(exp=round(time.time()) + 86_400),
        }
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", OPEN + way + "\nsys.stdin.read(1)", folder, "null"],
            env={**known, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self.end, process)
        # The request has arrived: from now on the client waits.
        self.assertTrue(select.select([self.server], [], [], 20)[0])
        connection, _ = self.server.accept()
        self.addCleanup(connection.close)
        connection.recv(1)
        return process

    def end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.communicate()

    def test_it_ends_by_itself_and_on_a_signal_while_the_client_waits(self) -> None:
        for name, way in HANGING.items():
            for told in (False, True):
                with self.subTest(name, told=told):
                    process = self.start(str(self.folder / name / str(told)), way)
                    begin = time.monotonic()
                    if told:
                        process.send_signal(signal.SIGTERM)
                    else:
                        assert process.stdin is not None
                        process.stdin.close()
                        process.stdin = None
                    _, faults = process.communicate(timeout=20)
                    self.assertLess(time.monotonic() - begin, SOON, faults)
                    self.assertEqual(process.returncode, -signal.SIGTERM if told else 0, faults)

    def test_a_seat_is_given_back_for_no_longer_than_a_call_takes(self) -> None:
        process = self.start(str(self.folder), HANGING["in the background"], CAIO_LICENSE_RELEASE="1")
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 128 + signal.SIGTERM)
        self.assertLess(time.monotonic() - begin, 5 + SOON)


if __name__ == "__main__":
    unittest.main()
