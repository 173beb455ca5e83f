"""The table that holds for the clients of all languages, read from CONFORMANCE_FILE."""

from __future__ import annotations

import json
import os
import tempfile
import unittest
from datetime import datetime
from pathlib import Path
from typing import Any

from caio_licensing import LicenseClient
from caio_licensing.answers import Answer
from support import Clock, Service, at, iso

FILE = os.environ.get("CONFORMANCE_FILE")


def answer_of(answer: Any) -> Answer | None:
    if answer == "unreachable":
        return None
    return Answer(answer["status"], answer["headers"], answer["body"].encode())


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    return list(value) if isinstance(value, tuple) else value


class Installation:
    """One case's installation; the folder outlives the client."""

    def __init__(self, issuer: str, case: dict[str, Any], folder: Path) -> None:
        self.issuer, self.case, self.folder = issuer, case, folder
        self.clock, self.service = Clock(case["steps"][0]["at"]), Service()
        folder.mkdir()
        (folder / "instance_id").write_text(case["instance_id"])
        published = case["published"]
        if published:
            self.service.jwks = Answer(200, {}, json.dumps(published).encode())
        self.client = self.start(case["license_key"])
        with self.client.folder.update() as state:
            state.certificate, state.revocations = case["certificate"], case["revocations"]
            state.high_water = at(case["high_water"]) if case["high_water"] else None

    def start(self, license_key: str | None) -> LicenseClient:
        return LicenseClient(
            self.issuer,
            license_key,
            state_dir=self.folder,
            trusted_keys=self.case["jwks"],
            on_indeterminate=self.case["on_indeterminate"],
            transport=self.service,
            clock=self.clock,
        )

    def take(self, step: dict[str, Any], test: unittest.TestCase) -> None:
        self.clock.set(step["at"])
        if step.get("restart"):
            self.client.close()
            self.client = self.start(self.case["license_key"])
        if "install" in step:
            self.client.install(step["install"])
        if "count" in step:
            self.client.count_requests(step["count"])
        if "published" in step:
            self.service.jwks = Answer(200, {}, json.dumps(step["published"]).encode())
        if "answers" in step:
            self.service.answers = [answer_of(one) for one in step["answers"]]
            self.service.requests.clear()
            if "activate" in step:
                self.client.activate(step["activate"])
            else:
                self.client.check_in()
            test.assertEqual(self.service.answers, [], "answers that nobody asked for")
            if "requests" in step:
                test.assertEqual([path for path, _ in self.service.requests], step["requests"])
            if "usage" in step:
                told = {one["date"]: one["requests"] for one in self.service.requests[-1][1]["usage"]}
                test.assertEqual(told, step["usage"])
        if "expect" in step:
            self.expect(dict(step["expect"]), test)

    def expect(self, expected: dict[str, Any], test: unittest.TestCase) -> None:
        status = self.client.status()
        planned = expected.pop("next_check_in", None)
        for feature, passes in expected.pop("passes", {}).items():
            test.assertEqual(status.may_run and status.has_feature(feature), passes, feature)
        test.assertEqual({name: plain(getattr(status, name)) for name in expected}, expected)
        if planned:
            test.assertTrue(planned["from"] <= str(iso(status.next_check_in)) <= planned["to"], status)


@unittest.skipUnless(FILE, "CONFORMANCE_FILE names no table")
class ConformanceTest(unittest.TestCase):
    def test_table(self) -> None:
        table = json.loads(Path(FILE or "").read_text("utf-8"))
        self.assertGreater(len(table["cases"]), 100)
        with tempfile.TemporaryDirectory() as folder:
            for number, case in enumerate(table["cases"]):
                with self.subTest(case["name"]):
                    installation = Installation(table["issuer"], case, Path(folder) / str(number))
                    for step in case["steps"]:
                        installation.take(step, self)


if __name__ == "__main__":
    unittest.main()
