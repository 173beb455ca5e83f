"""As in a container: no home, a root that cannot be written, no volume, and restarts."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from live import URL, LiveCase, admin, issue

SOURCE = Path(__file__).parent.parent / "src"

PROGRAM = """
import time
from caio_licensing import LicenseClient
client = LicenseClient().start()
status = client.check_in()
client.count_requests(3)
print(status.state, ",".join(status.warnings), client.instance_id, flush=True)
time.sleep(600)
"""

READ_ONLY = """
mount --rbind / "$0" && mount -o remount,ro,bind "$0" && exec chroot "$0" "$@"
"""


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as root:
        tried = subprocess.run([*read_only(root), "/bin/true"], capture_output=True)
    return tried.returncode == 0


def read_only(root: str, place: Path | None = None) -> list[str]:
    """A command whose file system is this machine's, mounted so that nobody can write it but for one place."""
    mounts = ["unshare", "--mount", "--propagation", "private"]
    return [*mounts, "sh", "-c", READ_ONLY if place is None else with_volume(place), root]


def with_volume(place: Path) -> str:
    bound, path = READ_ONLY.split(" && ", 1), shlex.quote(str(place))
    return f"{bound[0]} && mount --bind {path} \"$0\"{path} && {bound[1]}"


class ContainerCase(LiveCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.can_mount = can_mount()

    def start(
        self, key: str | None, place: Path | None = None, **environment: str
    ) -> tuple[subprocess.Popen[str], list[str]]:
        """A container that says its state, its warnings and who it is.

        :param place: a volume, which is the only place that can be written
        """
        # A home that is not there: that of whoever runs this may hold a license.
        known = {"CAIO_LICENSE_URL": URL, "PYTHONPATH": str(SOURCE), "HOME": str(self.folder / "nobody")}
        if key is not None:
            known["CAIO_LICENSE_KEY"] = key
        command = [sys.executable, "-B", "-W", "ignore", "-c", PROGRAM]
        if not self.can_mount:  # a home that cannot be made does as well, for the client
            environment = {"HOME": "/dev/null/nobody", **environment}
        process = subprocess.Popen(
            [*(read_only(self.root, place) if self.can_mount else []), *command],
            env={"PATH": os.environ["PATH"], **known, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self.end, process)
        assert process.stdout is not None and process.stderr is not None
        said = process.stdout.readline().split(" ")
        self.assertEqual(len(said), 3, said or process.stderr.read())
        return process, [one.strip() for one in said]

    def setUp(self) -> None:
        super().setUp()
        (self.folder / "root").mkdir()
        self.root = str(self.folder / "root")

    def end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.communicate()


class ContainerTest(ContainerCase):
    def test_restarts_with_short_leases_that_give_their_seat_back_are_never_refused(self) -> None:
        license, key = issue(max_instances=2)
        names = set()
        for restart in range(20):
            process, (state, warnings, name) = self.start(
                key, CAIO_LICENSE_LEASE_HOURS="1", CAIO_LICENSE_RELEASE="1"
            )
            self.assertEqual((state, "STATE_NOT_KEPT" in warnings), ("entitled", True), restart)
            names.add(name)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(30), 128 + signal.SIGTERM)
        self.assertEqual(len(names), 20)
        seats = admin("GET", f"/licenses/{license['id']}/activations")["data"]
        self.assertEqual([seat["active"] for seat in seats if seat["active"]], [])
        days = admin("GET", f"/licenses/{license['id']}/usage")["data"]
        self.assertEqual(sum(day["requests"] for day in days), 60)

    def test_restarts_with_a_pinned_id_are_never_refused_however_they_end(self) -> None:
        license, key = issue(max_instances=1)
        for restart in range(4):
            process, (state, _, name) = self.start(key, CAIO_LICENSE_INSTANCE_ID="orchestrator-0")
            self.assertEqual((state, name), ("entitled", "orchestrator-0"), restart)
            process.kill()
            process.wait(30)
        seats = admin("GET", f"/licenses/{license['id']}/activations")["data"]
        self.assertEqual([seat["instance_id"] for seat in seats if seat["active"]], ["orchestrator-0"])


if __name__ == "__main__":
    unittest.main()
