"""What docs/integration.md says works: its first lines are run against the service."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

from live import URL, LiveCase, admin, issue

PAGE = Path(__file__).parents[4] / "docs/integration.md"


class IntegrationPageTest(LiveCase):
    def setUp(self) -> None:
        super().setUp()
        self.blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
        self.license, self.key = issue(features=["orchestration"])

    def run_block(self, number: int, more: str = "") -> str:
        code = self.blocks[number].replace("https://licensing.smarthaus.example", URL)
        code = code.replace("eyJhbGciOi…", self.key).replace(
            "/var/lib/caio/license", str(self.folder / "state")
        )
        known = {"CAIO_LICENSE_URL": URL, "CAIO_LICENSE_KEY": self.key, "CAIO_LICENSE_DIR": str(self.folder)}
        done = subprocess.run(
            [sys.executable, "-c", code + more],
            env={**os.environ, **known},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_first_lines_activate_and_count(self) -> None:
        self.assertEqual(self.run_block(0, "print(client.check_in().state)"), "entitled\n")
        [day] = admin("GET", f"/licenses/{self.license['id']}/usage")["data"]
        self.assertEqual(day["requests"], 1)

    def test_the_fastapi_lines_make_an_application(self) -> None:
        routes = self.run_block(1, "print([route.path for route in app.routes])")
        for path in ("/flows", "/api/v1/licensing/activate", "/api/v1/licensing/metrics"):
            self.assertIn(f"'{path}'", routes)


if __name__ == "__main__":
    unittest.main()
