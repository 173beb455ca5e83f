"""Which versions a license covers, by when they were built."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from unittest.mock import patch

from support import ClientCase

END = "2027-03-01T12:00:00.000Z"
BEFORE = datetime(2027, 3, 1, 11, 59, 59, tzinfo=timezone.utc)


class CoverageTest(ClientCase):
    def status_of(self, **options: object) -> object:
        return self.client(self.signer.license_key(updates_until=END), **options).status()

    def test_a_version_is_covered_up_to_the_end(self) -> None:
        status = self.status_of()
        self.assertEqual(status.updates_until, datetime(2027, 3, 1, 12, tzinfo=timezone.utc))
        eastern = timezone(timedelta(hours=2))
        for built_at, expected in [
            (BEFORE, True),
            (BEFORE + timedelta(seconds=1), False),
            (BEFORE.astimezone(eastern), True),
            ("2027-03-01T13:59:59+02:00", True),
            ("2027-03-01T14:00:00+02:00", False),
            (" 2027-03-01 ", True),
            ("2027-03-02", False),
            (date(2027, 3, 1), True),
            (date(2027, 3, 2), False),
        ]:
            self.assertEqual(status.covers(built_at), expected, built_at)

    def test_what_is_no_time_is_refused(self) -> None:
        status = self.status_of()
        for built_at in ("", "soon", "2027-02-30", "2027-03-01T12:00", datetime(2027, 3, 1)):
            self.assertRaises(ValueError, status.covers, built_at)
            self.assertRaises(ValueError, self.status_of, built_at=built_at)

    def test_a_version_that_is_not_covered_is_warned_of_and_goes_on(self) -> None:
        for built_at, warned in [("2027-03-01", False), ("2027-03-02", True), (date(2028, 1, 1), True)]:
            status = self.status_of(built_at=built_at)
            self.assertEqual("UPDATE_NOT_COVERED" in status.warnings, warned)
            self.assertTrue(status.may_run)

    def test_the_environment_says_it_too_and_a_typing_error_there_stops_nothing(self) -> None:
        for told, warned in [("2027-03-02", True), ("2027-03-01T00:00:00Z", False), ("", False)]:
            with patch.dict("os.environ", CAIO_BUILT_AT=told):
                self.assertEqual("UPDATE_NOT_COVERED" in self.status_of().warnings, warned)
        with patch.dict("os.environ", CAIO_BUILT_AT="yesterday"), self.assertLogs("caio_licensing") as logs:
            self.assertNotIn("UPDATE_NOT_COVERED", self.status_of().warnings)
        self.assertIn("CAIO_BUILT_AT", "".join(logs.output))
