"""Meters: what is counted and observed by code, beside requests and services."""

from __future__ import annotations

import json
import os
import threading
import unittest
from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

from caio_licensing import LicenseClient, openmetrics
from caio_licensing.airgap import write_activation_request
from caio_licensing.answers import Answer
from caio_licensing.folder import StateFolder
from caio_licensing.state import State, decode, encode
from caio_licensing.usage import (
    KEPT_DAYS,
    MAX_REPORT,
    acknowledge,
    add_usage,
    begin_license,
    portion,
    report,
)
from support import ClientCase

DAY = "2027-01-01"


class MetersTest(ClientCase):
    def told(self, client: LicenseClient) -> dict[str, dict[str, int]]:
        """The meters by day of a check-in that nobody answers."""
        self.service.answers = [None]
        client.check_in()
        return {one["date"]: one.get("meters", {}) for one in self.service.requests[-1][1]["usage"]}

    def test_processes_on_one_folder_add_up_and_the_highest_peak_counts(self) -> None:
        client = self.activated()
        other = self.client()
        for one, tokens, gpus in ((client, 100, 4), (other, 20, 3), (client, 1, 2)):
            one.count("tokens", tokens)
            one.observe("gpus", gpus)
            one.flush()
        self.assertEqual(self.told(other), {DAY: {"tokens": 121, "gpus": 4}})
        self.assertEqual(client.meters_today(), {"tokens": 121, "gpus": 4})

    def test_threads_lose_nothing(self) -> None:
        client = self.activated()

        def work() -> None:
            for number in range(500):
                client.count("tokens", 2)
                client.observe("gpus", number)
                if number % 100 == 0:
                    client.flush()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.told(client), {DAY: {"tokens": 4000, "gpus": 499}})

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_a_kill_loses_nothing_that_was_written_and_counts_nothing_twice(self) -> None:
        client = self.activated()
        client.count("tokens", 5)
        for _ in range(3):
            child = os.fork()
            if child == 0:
                client.count("tokens", 100)
                client.observe("gpus", 4)
                client.flush()
                client.count("tokens", 7)  # never written
                os._exit(9)
            os.waitpid(child, 0)
        client.close()
        self.assertEqual(self.told(self.client()), {DAY: {"tokens": 305, "gpus": 4}})

    def test_a_full_disk_loses_nothing(self) -> None:
        client = self.activated()
        client.count("tokens", 5)
        client.observe("gpus", 4)
        with patch.object(StateFolder, "write_file", side_effect=OSError("full")):
            client.flush()
            client.count("tokens", 1)
            client.observe("gpus", 2)
            client.flush()
            self.assertEqual(client.meters_today(), {"tokens": 6, "gpus": 4})
            statement = client.statement("2027-01")
            self.assertEqual(statement["meters"]["tokens"], {"total": 6, "peak": 6})
        client.flush()
        self.assertEqual(self.told(client), {DAY: {"tokens": 6, "gpus": 4}})

    def test_what_was_counted_while_the_answer_was_under_way_is_reported_later(self) -> None:
        client = self.activated()
        client.count("tokens", 3)

        def answer(_: object) -> Any:
            client.count("tokens", 1)
            client.flush()
            return self.signer.grant(client.instance_id, self.clock.millis)

        self.service.answers = [answer]
        client.check_in()
        self.clock.set("2027-01-09T12:00:00.000Z")
        self.assertEqual(self.told(client), {DAY: {"tokens": 4}})

    def test_a_faulty_call_changes_nothing(self) -> None:
        client = self.client()
        for code in ("", "0tokens", "a b", "-a", "a:b", "ü", "a" * 65, "a\n", None, 7):
            self.assertRaises(ValueError, client.count, code, 1)
            self.assertRaises(ValueError, client.observe, code, 1)
        for n, error in ((-1, ValueError), (0.5, TypeError), ("1", TypeError), (None, TypeError)):
            self.assertRaises(error, client.count, "tokens", n)
            self.assertRaises(error, client.observe, "gpus", n)
        self.assertEqual(client.meters_today(), {})

    def test_a_meter_is_counted_or_observed(self) -> None:
        client = self.client()
        client.count("tokens")
        self.assertRaises(ValueError, client.observe, "tokens", 1)
        client.flush()
        other = self.client()
        self.assertRaises(ValueError, other.observe, "tokens", 1)
        other.count("tokens")
        self.assertEqual(other.meters_today(), {"tokens": 2})

    def test_a_day_has_at_most_32_meters_of_at_most_a_trillion(self) -> None:
        client = self.activated()
        for number in range(32):
            client.count(f"m{number}", 10**12)
            client.count(f"m{number}", 10**12)
            if number == 20:
                client.flush()
        self.assertRaises(ValueError, client.count, "m32")
        self.assertRaises(ValueError, client.observe, "m32", 1)
        client.count("m31")
        self.assertEqual(self.told(client), {DAY: {f"m{number}": 10**12 for number in range(32)}})
        self.clock.set("2027-01-02T00:00:00.000Z")
        client.count("m32")
        self.assertEqual(client.meters_today(), {"m32": 1})

    def test_no_more_than_32_are_kept_whoever_adds_them(self) -> None:
        state = State()
        for number in range(40):
            add_usage(state, {DAY: {f"sum:m{number}": 1, "requests": 1}})
        self.assertEqual(len(state.usage[DAY]), 2 + 32)
        self.assertEqual(state.usage[DAY]["requests"], 40)

    def test_a_state_of_before_and_one_of_later_can_be_read(self) -> None:
        before = '{"version": 1, "usage": {"2027-01-01": {"requests": 3, "services": 1}}}'
        self.assertEqual(decode(before).usage, {DAY: {"requests": 3, "services": 1}})
        state = State(usage={DAY: {"requests": 3, "services": 1, "sum:tokens": 5, "peak:gpus": 4}})
        self.assertEqual(decode(encode(state)), state)
        figures = {"sum:0": 1, "sum:a": -1, "peak:b": 0.5, "mean:c": 1, "peak:": 1, "d": 1, "sum:e": 10**13}
        faulty = {DAY: {**state.usage[DAY], **figures, "sum:f": True}}
        self.assertEqual(decode(json.dumps({"version": 1, "usage": faulty})).usage, state.usage)
        many = {DAY: {"requests": 0, "services": 0, **{f"sum:m{number}": 1 for number in range(40)}}}
        self.assertEqual(len(decode(json.dumps({"version": 1, "usage": many})).usage[DAY]), 2 + 32)
        for name in ("usage", "settled"):
            self.assertRaises(ValueError, decode, json.dumps({"version": 1, name: {"someday": {}}}))

    def test_a_long_outage_is_reported_in_portions_that_the_service_takes(self) -> None:
        state = State()
        for month in range(1, 13):
            for day in range(1, 29):
                figures = {f"sum:meter-{number}": 10**11 for number in range(32)}
                add_usage(state, {f"2027-{month:02}-{day:02}": {"requests": 1, **figures}})
        days, checks = sorted(state.usage), 0
        while state.usage:
            sent = portion(state.usage)
            self.assertLessEqual(len(json.dumps(report(sent))), MAX_REPORT + 2 * len(sent))
            self.assertEqual(list(sent), days[: len(sent)])
            days, checks = days[len(sent) :], checks + 1
            acknowledge(state, sent, "2028-01-09")
        self.assertLess(checks, 40)
        most = {"requests": 10**12, "services": 10**12}
        plain = {str(date(2026, 1, 1) + timedelta(days=number)): most for number in range(400)}
        self.assertEqual(len(portion(plain)), len(plain))

    def test_days_that_the_service_has_are_kept_for_132_days(self) -> None:
        state = State()
        add_usage(state, {"2027-01-01": {"sum:tokens": 5}, "2027-01-02": {"sum:tokens": 6}})
        acknowledge(state, portion(state.usage), "2027-05-13")
        self.assertEqual((state.usage, sorted(state.settled)), ({}, ["2027-01-01", "2027-01-02"]))
        acknowledge(state, {}, "2027-05-14")
        self.assertEqual(sorted(state.settled), ["2027-01-02"])
        self.assertEqual(KEPT_DAYS, 132)

    def test_a_late_count_goes_on_from_what_the_service_has(self) -> None:
        state = State(usage_license_id="lic_1")
        add_usage(state, {DAY: {"requests": 3, "sum:tokens": 5, "peak:gpus": 4}})
        acknowledge(state, portion(state.usage), "2027-01-09")
        self.assertEqual(state.usage, {})
        add_usage(state, {DAY: {"requests": 1, "sum:tokens": 2, "peak:gpus": 1}})
        figures = {"requests": 4, "services": 0, "sum:tokens": 7, "peak:gpus": 4}
        self.assertEqual((state.usage, state.settled), ({DAY: figures}, {}))
        acknowledge(state, {}, "2027-01-09")
        self.assertIn(DAY, state.usage)
        begin_license(state, "lic_2")
        self.assertEqual(state.usage, {DAY: {"requests": 1, "services": 0, "sum:tokens": 2}})

    def test_what_the_service_has_of_another_license_is_forgotten(self) -> None:
        state = State(usage_license_id="lic_1")
        add_usage(state, {DAY: {"requests": 3}})
        acknowledge(state, portion(state.usage), "2027-01-09")
        begin_license(state, "lic_2")
        self.assertEqual(state.settled, {})
        add_usage(state, {DAY: {"requests": 1}})
        self.assertEqual(state.usage[DAY]["requests"], 1)

    def test_no_request_is_longer_than_the_service_takes(self) -> None:
        client = self.activated()
        figures = {"requests": 1, "services": 1, **{f"sum:meter-{number}": 10**11 for number in range(32)}}
        with client.folder.update() as state:
            state.usage = {str(date(2026, 1, 1) + timedelta(days=one)): dict(figures) for one in range(360)}
        self.told(client)
        self.assertLess(len(json.dumps(self.service.requests[-1][1])), 60_000)
        request = self.folder.parent / "request.json"
        write_activation_request(client, request)
        self.assertLess(len(json.dumps(json.loads(request.read_text()))), 60_000)

    def test_a_day_that_is_taken_while_the_disk_is_full_is_sent_again(self) -> None:
        client = self.activated()
        client.count("tokens", 5)
        client.flush()
        self.clock.set("2027-01-09T12:00:00.000Z")
        self.service.answers = [self.signer.grant(client.instance_id, self.clock.millis)]
        with patch.object(StateFolder, "write_file", side_effect=OSError("full")):
            client.check_in()
            self.assertEqual((sorted(client.folder.read().usage), client.folder.read().settled), ([DAY], {}))
        self.assertEqual(self.told(client), {DAY: {"tokens": 5}})

    def test_a_courier_carries_them(self) -> None:
        client = self.activated()
        client.count("tokens", 5)
        client.observe("gpus", 4)
        request = self.folder.parent / "request.json"
        write_activation_request(client, request)
        told = json.loads(request.read_text())["usage"]
        self.assertEqual(
            told, [{"date": DAY, "requests": 0, "services": 0, "meters": {"tokens": 5, "gpus": 4}}]
        )
        self.assertEqual(client.folder.read().offline_requests[0]["usage"][DAY]["peak:gpus"], 4)
        self.assertEqual(self.client().folder.read().offline_requests[0]["usage"][DAY]["sum:tokens"], 5)

    def test_a_statement_is_of_a_month(self) -> None:
        client = self.client()
        for month in ("2027", "2027-1", "2027-13", "2027-00", "2027-01-01", "", "２０２７-01"):
            self.assertRaises(ValueError, client.statement, month)
        empty = {"total": 0, "peak": 0}
        self.assertEqual(
            client.statement("2027-02"),
            {
                "license_id": None,
                "instance_id": client.instance_id,
                "month": "2027-02",
                "requests": empty,
                "services": empty,
                "meters": {},
                "days_without_report": [],
                "days_not_taken": [],
            },
        )
        self.assertEqual(len(client.statement("2024-02")["days_without_report"]), 29)

    def test_a_statement_has_what_runs_on_before_it_is_written(self) -> None:
        client = self.client()
        client.observe("gpus", 4)
        client.flush()
        self.clock.set("2027-01-02T00:00:00.000Z")
        self.assertEqual(client.statement("2027-01")["meters"], {"gpus": {"total": 8, "peak": 4}})

    def test_what_is_over_its_limit_is_told_while_the_service_says_so(self) -> None:
        client = self.activated()
        grant = self.signer.grant(client.instance_id, self.clock.millis)
        body = {**json.loads(grant.body), "warnings": [{"code": "OVER_LIMIT", "limit": "tokens"}]}
        self.service.answers = [Answer(200, grant.headers, json.dumps(body).encode())]
        self.assertEqual(client.check_in().over_limit, ("tokens",))
        self.service.answers = [grant, Answer(204, {}, b"")]
        self.assertTrue(client.release())
        self.assertEqual(client.status().over_limit, ())
        self.assertEqual(self.client().status().over_limit, ())

    def test_metrics_have_the_meters_of_today(self) -> None:
        client = self.client()
        client.count("tokens", 5)
        client.observe("gpus", 4)
        client.flush()
        client.count("tokens", 1)
        lines = openmetrics(client).splitlines()
        found = [line for line in lines if line.startswith("caio_license_meter{")]
        self.assertEqual(found, ['caio_license_meter{code="gpus"} 4', 'caio_license_meter{code="tokens"} 6'])


if __name__ == "__main__":
    unittest.main()
