"""The table that holds for the clients of all languages, read from CONFORMANCE_FILE."""

from __future__ import annotations

import json
import os
import tempfile
import unittest
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from caio_licensing import UNLIMITED, Entitlement, LicenseClient
from caio_licensing.answers import Answer, Failure
from caio_licensing.documents import claim_of, number_of
from caio_licensing.facts import CandidateStatus, LastFailure
from caio_licensing.times import format_instant
from support import Clock, Service, at, iso

FILE = os.environ.get("CONFORMANCE_FILE")


def answer_of(answer: Any) -> Answer | Failure | None:
    if answer == "unreachable":
        return Failure("no such host")
    return Answer(answer["status"], answer["headers"], answer["body"].encode())


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, float) and value == UNLIMITED:
        return None
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, (CandidateStatus, LastFailure, Entitlement)):
        return {name: plain(member) for name, member in vars(value).items()}
    return list(value) if isinstance(value, tuple) else value


def told(body: dict[str, Any]) -> dict[str, Any]:
    """What a request says, as the table names it."""
    issued = number_of(body.get("certificate", ""), "iat")
    return {
        "license_id": claim_of(body["license_key"], "jti"),
        "instance_id": body["instance_id"],
        "lease_hours": body.get("lease_hours"),
        "certificate_iat": None if issued is None else format_instant(issued * 1000),
    }


class Installation:
    """One case's installation; the folder outlives the client."""

    def __init__(self, case: dict[str, Any], folder: Path) -> None:
        self.case = dict(case)
        self.clock, self.service = Clock(case["steps"][0]["at"]), Service()
        self.ticks = 0.0
        #: Without a place there is no folder, and none can be made.
        self.folder = Path("/dev/null/state") if case.get("no_place") else folder
        if not case.get("no_place"):
            folder.mkdir()
            (folder / "instance_id").write_text(case["instance_id"])
            held = {name: case[name] for name in ("certificate", "revocations", "high_water")}
            state = {"version": 1, "license_key": case["held"], **held}
            if any(state.values()):
                (folder / "state.json").write_text(json.dumps(state))
        if case["published"]:
            self.publish(case["published"])
        self.name: str | None = case["instance_id"] if case.get("no_place") else None
        self.client = self.start()

    def start(self) -> LicenseClient:
        case = self.case
        return LicenseClient(
            None,
            case["license_key"],
            instance_id=self.name,
            state_dir=self.folder,
            trusted_keys=case["jwks"],
            issuer=case["issuer"],
            fetch_keys=case.get("fetch_keys", True),
            indeterminate_days=case.get("indeterminate_days", 90),
            lease_hours=case.get("lease_hours"),
            built_at=case.get("built_at"),
            on_indeterminate=case["on_indeterminate"],
            transport=self.service,
            clock=self.clock,
            monotonic=lambda: self.ticks,
        )

    def publish(self, jwks: object) -> None:
        self.service.jwks = Answer(200, {}, json.dumps(jwks).encode())

    def take(self, step: dict[str, Any], test: unittest.TestCase) -> None:
        before = self.clock.millis
        self.clock.set(step["at"])
        if step.get("running"):
            self.ticks += (self.clock.millis - before) / 1000
            self.client.flush()
        if "issuer" in step or "jwks" in step or "configure" in step or "configure_instance" in step:
            self.case["issuer"] = step.get("issuer", self.case["issuer"])
            self.case["jwks"] = step.get("jwks", self.case["jwks"])
            self.case["license_key"] = step.get("configure", self.case["license_key"])
            self.name = step.get("configure_instance", self.name)
        if step.get("restart"):
            self.client.close()
            if "break" in step:
                damage(self.folder / "state.json", step["break"])
            self.client = self.start()
        elif "configure" in step:
            # As a key file that changed.
            self.client._settings = replace(self.client._settings, license_key=step["configure"])
            self.client.configure()
        if "install" in step:
            self.client.install(step["install"])
        if "count" in step:
            self.client.count_requests(step["count"])
            self.client.flush()
        for code, n in step.get("metered", {}).items():
            self.client.count(code, n)
        for code, n in step.get("observed", {}).items():
            self.client.observe(code, n)
        if "published" in step:
            self.publish(step["published"])
        if "answers" in step:
            self.contact(step, test)
        if "expect" in step:
            self.expect(dict(step["expect"]), test)

    def contact(self, step: dict[str, Any], test: unittest.TestCase) -> None:
        self.service.answers = [answer_of(one) for one in step["answers"]]
        self.service.requests.clear()
        if "activate" in step:
            self.client.activate(step["activate"])
        else:
            self.client.check_in()
        test.assertEqual(self.service.answers, [], "answers that nobody asked for")
        requests = self.service.requests
        refusable = [body for path, body in requests if path != "/v1/deactivate"]
        test.assertTrue(all("nonce" in body for body in refusable), refusable)
        if "requests" in step:
            test.assertEqual([path for path, _ in requests], step["requests"])
        for number, expected in enumerate(step.get("sent", ())):
            test.assertEqual({**told(requests[number][1]), **expected}, told(requests[number][1]))
        if "usage" in step:
            counted = {one["date"]: one["requests"] for one in requests[-1][1]["usage"]}
            test.assertEqual(counted, step["usage"])
        if "meters" in step:
            meters = {one["date"]: one.get("meters", {}) for one in requests[-1][1]["usage"]}
            test.assertEqual(meters, step["meters"])

    def expect(self, expected: dict[str, Any], test: unittest.TestCase) -> None:
        status = self.client.status()
        planned = expected.pop("next_check_in", None)
        for feature, passes in expected.pop("passes", {}).items():
            test.assertEqual(status.may_run and status.has_feature(feature), passes, feature)
        for code, value in expected.pop("values", {}).items():
            test.assertEqual(status.entitlement(code), UNLIMITED if value == "unlimited" else value, code)
        for code, amount, allowed in expected.pop("allows", ()):
            test.assertEqual(status.allows(code, amount), allowed, (code, amount))
        statement = expected.pop("statement", {})
        found = self.client.statement(statement["month"]) if statement else {}
        test.assertEqual({name: found[name] for name in statement}, statement)
        for text in expected.pop("detail_has", ()):
            test.assertIn(text, status.detail)
        candidate = expected.pop("candidate", "any")
        if candidate != "any":
            found: Any = plain(status.candidate)
            members = found and candidate and {name: found[name] for name in candidate}
            test.assertEqual(members, candidate, found)
        test.assertEqual({name: plain(getattr(status, name)) for name in expected}, expected)
        if planned:
            test.assertTrue(planned["from"] <= str(iso(status.next_check_in)) <= planned["to"], status)


def damage(file: Path, how: str) -> None:
    text = file.read_text()
    file.write_text({"cut": text[: len(text) // 2], "garbage": "\0" * 100, "empty": ""}[how])


@unittest.skipUnless(FILE, "CONFORMANCE_FILE names no table")
class ConformanceTest(unittest.TestCase):
    def test_table(self) -> None:
        table = json.loads(Path(FILE or "").read_text("utf-8"))
        self.assertGreater(len(table["cases"]), 100)
        nonce = patch("caio_licensing.exchange.fresh_nonce", return_value=table["nonce"])
        with tempfile.TemporaryDirectory() as folder, nonce:
            for number, case in enumerate(table["cases"]):
                with self.subTest(case["name"]):
                    installation = Installation(case, Path(folder) / str(number))
                    for step in case["steps"]:
                        installation.take(step, self)


if __name__ == "__main__":
    unittest.main()
