"""Usage: counted by UTC day, sent cumulatively, dropped when the service has it."""

from __future__ import annotations

import threading
import unittest
from unittest.mock import patch

from caio_licensing import LicenseClient
from caio_licensing.answers import Answer
from caio_licensing.folder import StateFolder
from caio_licensing.state import State
from caio_licensing.usage import acknowledge
from support import ClientCase, at


class UsageTest(ClientCase):
    def sent(self) -> dict[str, tuple[int, int]]:
        """The usage of the last request, by day."""
        path, body = self.service.requests[-1]
        self.assertEqual(path, "/v1/check-in")
        return {one["date"]: (one["requests"], one["services"]) for one in body["usage"]}

    def check_in(self, client: object, when: str, answer: Answer | None) -> None:
        self.clock.set(when)
        self.service.answers = [answer]
        client.check_in()  # type: ignore[attr-defined]

    def test_days_end_at_midnight_utc(self) -> None:
        client = self.activated()
        self.clock.set("2027-01-01T23:59:59.999Z")
        client.count_requests(2)
        self.clock.set("2027-01-02T00:00:00.000Z")
        client.count_requests()
        self.check_in(client, "2027-01-02T01:00:00.000Z", None)
        self.assertEqual(self.sent(), {"2027-01-01": (2, 0), "2027-01-02": (1, 0)})

    def test_figures_are_cumulative_and_sent_until_they_are_confirmed(self) -> None:
        client = self.activated()
        client.count_requests(3)
        self.check_in(client, "2027-01-01T12:00:00.000Z", None)
        self.assertEqual(self.sent(), {"2027-01-01": (3, 0)})
        client.count_requests(4)
        noon = "2027-01-01T13:00:00.000Z"
        self.check_in(client, noon, self.signer.grant(client.instance_id, at(noon)))
        self.assertEqual(self.sent(), {"2027-01-01": (7, 0)})

    def test_a_day_is_dropped_when_it_is_over_and_confirmed(self) -> None:
        client = self.activated()
        client.count_requests(3)
        for when in ("2027-01-02T12:00:00.000Z", "2027-01-03T12:00:00.000Z", "2027-01-04T12:00:00.000Z"):
            self.check_in(client, when, self.signer.grant(client.instance_id, at(when)))
            self.assertEqual(self.sent(), {"2027-01-01": (3, 0)} if when < "2027-01-04" else {})

    def test_what_was_counted_while_the_answer_was_under_way_is_not_taken_for_confirmed(self) -> None:
        client = self.activated()
        client.count_requests(3)

        def answer(_: object) -> Answer:
            client.count_requests(1)
            client.flush()
            return self.signer.grant(client.instance_id, self.clock.millis)

        self.clock.set("2027-01-01T12:00:00.000Z")
        self.service.answers = [answer]
        client.check_in()
        late = "2027-01-09T12:00:00.000Z"
        self.check_in(client, late, self.signer.grant(client.instance_id, at(late)))
        self.assertEqual(self.sent(), {"2027-01-01": (4, 0)})

    def test_what_another_thread_is_writing_is_waited_for(self) -> None:
        client = self.activated()
        client.count_requests(3)
        writing, go_on = threading.Event(), threading.Event()
        write = StateFolder.write_file

        def slow(folder: StateFolder, name: str, text: str) -> None:
            if threading.current_thread() is thread:
                writing.set()
                go_on.wait(10)
            write(folder, name, text)

        thread = threading.Thread(target=client.flush)
        with patch.object(StateFolder, "write_file", slow):
            thread.start()
            self.assertTrue(writing.wait(10))
            threading.Timer(0.2, go_on.set).start()
            self.assertEqual(client.requests_today(), 3)
            self.check_in(client, "2027-01-01T12:00:00.000Z", None)
            thread.join()
        self.assertEqual(self.sent(), {"2027-01-01": (3, 0)})

    def test_days_that_the_service_takes_for_the_future_are_sent_again(self) -> None:
        client = self.activated()
        self.clock.set("2027-03-01T00:00:00.000Z")
        client.count_requests(5)
        client.flush()
        # The clock was wrong: for the service it is still January.
        when = "2027-01-02T00:00:00.000Z"
        self.check_in(client, when, self.signer.grant(client.instance_id, at(when)))
        later = "2027-03-02T00:00:00.000Z"
        self.check_in(client, later, self.signer.grant(client.instance_id, at(later)))
        self.assertEqual(self.sent(), {"2027-03-01": (5, 0)})

    def test_what_was_counted_before_the_first_activation_is_sent_after_it(self) -> None:
        client = self.client(self.signer.license_key())
        client.count_requests(5)
        when = "2027-01-09T12:00:00.000Z"
        self.check_in(client, when, self.signer.grant(client.instance_id, at(when)))
        self.assertEqual(client.status().state, "entitled")
        self.check_in(client, "2027-01-09T13:00:00.000Z", None)
        self.assertEqual(self.sent(), {"2027-01-01": (5, 0)})

    def test_a_day_is_kept_while_another_process_has_added_to_it(self) -> None:
        state = State(usage={"2027-01-01": {"requests": 4, "services": 0}})
        acknowledge(state, {"2027-01-01": {"requests": 3, "services": 0}}, "2027-01-09")
        self.assertIn("2027-01-01", state.usage)
        acknowledge(state, {"2027-01-01": {"requests": 4, "services": 0}}, "2027-01-09")
        self.assertEqual((state.usage, state.acknowledged), ({}, {}))

    def test_what_is_confirmed_beyond_what_is_known_is_confirmed(self) -> None:
        day = {"requests": 4, "services": 0}
        state = State(usage={"2027-01-01": day}, acknowledged={"2027-01-01": {"requests": 9, "services": 1}})
        state.acknowledged["2026-12-31"] = day
        acknowledge(state, {}, "2027-01-09")
        self.assertEqual((state.usage, state.acknowledged), ({}, {}))

    def granted(self, client: LicenseClient, license_id: str) -> Answer:
        grant = self.signer.grant(client.instance_id, self.clock.millis, license_id=license_id)
        key = self.signer.license_key(jti=license_id)
        return Answer(200, {}, grant.body.decode().replace(self.signer.license_key(), key).encode())

    def test_another_license_is_told_only_what_the_one_before_was_not(self) -> None:
        for given_back in (False, True):
            with self.subTest(given_back=given_back):
                self.folder = self.folder.with_name(f"state-{given_back}")
                client = self.activated()
                client.count_requests(100)
                client.set_services(4)
                self.check_in(client, "2027-01-01T12:00:00.000Z", self.granted(client, "lic_1"))
                if given_back:
                    self.service.answers = [self.granted(client, "lic_1"), Answer(204, {}, b"")]
                    self.assertTrue(client.deactivate())
                client.set_services(0)
                client.count_requests(3)
                client.flush()
                self.service.answers = [self.granted(client, "lic_2"), Answer(204, {}, b"")]
                other = client.activate(self.signer.license_key(jti="lic_2"))
                self.assertEqual(other.license_id, "lic_2")
                client.count_requests(2)
                self.check_in(client, "2027-01-01T13:00:00.000Z", self.granted(client, "lic_2"))
                self.assertEqual(self.sent(), {"2027-01-01": (5, 0)})
                self.assertEqual(client.requests_today(), 5)

    def test_the_same_license_again_goes_on_with_its_figures(self) -> None:
        client = self.activated()
        client.count_requests(100)
        self.service.answers = [self.granted(client, "lic_1"), Answer(204, {}, b"")]
        self.assertTrue(client.deactivate())
        self.service.answers = [self.granted(client, "lic_1")]
        client.activate(self.signer.license_key())
        client.count_requests(3)
        self.check_in(client, "2027-01-01T13:00:00.000Z", None)
        self.assertEqual(self.sent(), {"2027-01-01": (103, 0)})

    def test_a_day_that_has_not_begun_for_the_service_is_not_confirmed(self) -> None:
        state = State(usage={"2027-01-04": {"requests": 4, "services": 0}})
        acknowledge(state, dict(state.usage), "2027-01-02")
        self.assertEqual(state.acknowledged, {})
        acknowledge(state, dict(state.usage), "2027-01-03")
        self.assertEqual(state.acknowledged, state.usage)

    def test_of_services_the_most_at_a_time_counts(self) -> None:
        client = self.activated()
        for services in (3, 9, 4):
            client.set_services(services)
        self.check_in(client, "2027-01-01T12:00:00.000Z", None)
        self.assertEqual(self.sent(), {"2027-01-01": (0, 9)})

    def test_services_that_run_on_count_on_the_next_day(self) -> None:
        client = self.activated()
        client.set_services(4)
        client.flush()
        self.check_in(client, "2027-01-02T12:00:00.000Z", None)
        self.assertEqual(self.sent(), {"2027-01-01": (0, 4), "2027-01-02": (0, 4)})

    def test_what_was_counted_outlives_the_process(self) -> None:
        client = self.activated()
        client.count_requests(3)
        client.close()
        again = self.client()
        again.count_requests(2)
        self.assertEqual(again.requests_today(), 5)

    def test_at_most_400_days_are_kept(self) -> None:
        client = self.activated()
        for day in range(410):
            self.clock.millis = at("2027-01-01T12:00:00.000Z") + day * 86_400_000
            client.count_requests()
        client.flush()
        usage = client.folder.read().usage
        self.assertEqual((len(usage), min(usage)), (400, "2027-01-11"))

    def test_things_are_counted_whole(self) -> None:
        client = self.client()
        self.assertRaises(TypeError, client.count_requests, 0.5)
        self.assertRaises(TypeError, client.set_services, 1.5)
        client.count_requests(10**15)
        client.flush()
        self.assertEqual(client.requests_today(), 10**12)  # the most that the service takes

    def test_nothing_is_counted_down(self) -> None:
        client = self.client()
        self.assertRaises(ValueError, client.count_requests, -1)
        self.assertRaises(ValueError, client.set_services, -1)


if __name__ == "__main__":
    unittest.main()
