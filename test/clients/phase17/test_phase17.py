"""The sample application over HTTP, under uvicorn, with the real service behind it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from live import URL, LiveCase, admin, issue

HERE = Path(__file__).parent


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Application:
    """The sample under uvicorn, with a state folder of its own."""

    def __init__(self, test: unittest.TestCase, folder: Path, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        command = [sys.executable, "-m", "uvicorn", "app:app", "--app-dir", str(HERE), "--port", str(port)]
        known = {"CAIO_LICENSE_URL": URL, "CAIO_LICENSE_DIR": str(folder)}
        self._process = subprocess.Popen(
            [*command, "--log-level", "error"], env={**os.environ, **known, **environment}
        )
        test.addCleanup(self.stop)
        deadline = time.monotonic() + 30
        while self.call("GET", "/metadata")[0] != 200:
            assert (
                self._process.poll() is None and time.monotonic() < deadline
            ), "the application did not start"
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any, dict[str, str]]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, text, found = answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            status, text, found = error.code, error.read().decode(), error.headers
        except OSError:
            return 0, None, {}
        headers = {name.lower(): value for name, value in found.items()}
        return status, json.loads(text) if "json" in headers["content-type"] else text, headers

    def activate(self, license_key: str, **more: str) -> tuple[int, Any]:
        body = {"license_key": license_key, **more}
        return self.call("POST", "/api/v1/licensing/activate", body)[:2]


class Phase17Test(LiveCase):
    def application(self, name: str = "one", **environment: str) -> Application:
        return Application(self, self.folder / name, **environment)

    def test_activate_says_what_phase_17_reads(self) -> None:
        license, key = issue(features=["orchestration"])
        app, instance = self.application(), str(uuid.uuid4())
        self.assertEqual(app.call("GET", "/flows")[0], 403)
        status, body = app.activate(key, instance_id=instance)
        self.assertEqual(status, 200, body)
        self.assertEqual(body["status"], "activated")
        self.assertEqual(body["customer_id"], license["customer_id"])
        self.assertEqual(body["expires_at"], license["expires_at"])
        self.assertEqual(body["instance_id"], instance)
        self.assertEqual(app.call("GET", "/flows")[0], 200)
        self.assertEqual(app.call("GET", "/open")[0], 200)
        status, body, _ = app.call("GET", "/time-machine")
        self.assertEqual((status, body["detail"]), (403, "The license does not include time-travel."))
        self.assertEqual(app.call("GET", "/metadata")[1]["customer_id"], license["customer_id"])
        self.assertEqual(app.call("GET", "/api/v1/licensing/status")[1]["state"], "entitled")

    def test_activate_refuses_with_400_and_a_detail(self) -> None:
        license, key = issue()
        _, other = issue()
        app = self.application()
        admin("POST", f"/licenses/{license['id']}/suspend", {"reason": "not paid"})
        for what, refused in {"suspended": key, "altered": f"{key[:-4]}AAAA", "no key": "hello"}.items():
            with self.subTest(what):
                status, body = app.activate(refused)
                self.assertEqual(status, 400, body)
                self.assertTrue(body["detail"])
        self.assertEqual(app.activate(other)[0], 200)
        self.assertEqual(app.activate(key)[0], 400)
        self.assertEqual(app.call("GET", "/open")[0], 200, "a refused key displaces no good one")
        status, body = app.activate(other, instance_id="another")
        self.assertEqual(status, 400, body)

    def test_a_restart_needs_nobody(self) -> None:
        _, key = issue(features=["orchestration"])
        first = self.application()
        first.activate(key)
        first.stop()
        again = self.application(CAIO_LICENSE_URL="http://127.0.0.1:1", CAIO_LICENSE_ISSUER=URL)
        self.assertEqual(again.call("GET", "/flows")[0], 200)

    def test_a_first_start_without_a_network_closes_no_route(self) -> None:
        _, key = issue(features=["orchestration"])
        nowhere = {"CAIO_LICENSE_URL": "http://127.0.0.1:1", "CAIO_LICENSE_ISSUER": URL}
        app = self.application(CAIO_LICENSE_KEY=key, **nowhere)
        self.assertEqual(app.call("GET", "/api/v1/licensing/status")[1]["code"], "SIGNING_KEY_UNKNOWN")
        self.assertEqual([app.call("GET", path)[0] for path in ("/open", "/flows")], [200, 200])

    def test_an_outage_is_a_503_with_retry_after_and_no_refusal(self) -> None:
        _, key = issue()
        app = self.application(CAIO_LICENSE_URL="http://127.0.0.1:1", CAIO_LICENSE_ISSUER=URL)
        status, body, headers = app.call("POST", "/api/v1/licensing/activate", {"license_key": key})
        self.assertEqual((status, body["code"], body["may_run"]), (503, "PENDING", True))
        self.assertIn("connection refused", body["detail"])
        self.assertTrue(headers["retry-after"].isdigit())
        status, body, _ = app.call("GET", "/api/v1/licensing/status")
        self.assertEqual(body["last_failure"]["reason"], "connection refused")

    def test_a_refused_key_costs_nothing_and_is_told(self) -> None:
        _, good = issue()
        license, revoked = issue()
        admin("POST", f"/licenses/{license['id']}/revoke", {"reason": "fraud"})
        app = self.application(CAIO_LICENSE_KEY=good)
        self.assertEqual(app.activate(good)[0], 200)
        for path in ("/load", "/load-async"):
            status, body, _ = app.call("POST", path, {"license_key": revoked})
            self.assertEqual((status, body["valid"]), (200, False), body)
            self.assertIn("revoked", body["error"].lower())
        status, body, _ = app.call("GET", "/api/v1/licensing/status")
        self.assertEqual(body["state"], "entitled")
        candidate = body["candidate"]
        self.assertEqual((candidate["state"], candidate["code"]), ("refused", "LICENSE_REVOKED"))

    def test_an_application_answers_while_a_silent_service_is_waited_for(self) -> None:
        _, key = issue()
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            app = self.application(CAIO_LICENSE_URL=url, CAIO_LICENSE_ISSUER=URL, TIMEOUT="2")
            answers: list[Any] = []

            def ask(path: str) -> None:
                answers.append(app.call("POST", path, {"license_key": key}))

            waiting = [
                threading.Thread(target=ask, args=(path,))
                for path in ("/load-async", "/api/v1/licensing/activate")
            ]
            begin = time.monotonic()
            for thread in waiting:
                thread.start()
            while time.monotonic() - begin < 1.5:
                asked = time.monotonic()
                self.assertEqual(app.call("GET", "/metadata")[0], 200)
                self.assertLess(time.monotonic() - asked, 1)
            for thread in waiting:
                thread.join()
            self.assertLess(time.monotonic() - begin, 10)
            found = sorted((status, body.get("code") or body.get("error")) for status, body, _ in answers)
            self.assertEqual(found, [(200, "PENDING"), (503, "PENDING")])

    def test_over_use_is_counted_and_refused_only_where_that_is_wished(self) -> None:
        license, key = issue(features=["orchestration"], max_requests_per_day=3)
        counting = self.application()
        counting.activate(key)
        self.assertEqual([counting.call("GET", "/flows")[0] for _ in range(5)], [200] * 5)
        counting.stop()
        metrics = self.application(CAIO_LICENSE_URL="http://127.0.0.1:1", CAIO_LICENSE_ISSUER=URL)
        status, text, headers = metrics.call("GET", "/api/v1/licensing/metrics")
        self.assertEqual((status, text.splitlines()[-1]), (200, "# EOF"))
        self.assertIn("caio_license_requests_today 5\n", text)
        self.assertIn("caio_license_days_left 9", text)
        self.assertTrue(headers["content-type"].startswith("application/openmetrics-text"))
        enforcing = self.application("two", ENFORCE_REQUEST_LIMIT="1")
        enforcing.activate(key)
        self.assertEqual([enforcing.call("GET", "/flows")[0] for _ in range(4)], [200, 200, 200, 429])
        _, body, headers = enforcing.call("GET", "/flows")
        self.assertIn("3 requests", body["detail"])
        self.assertTrue(0 < int(headers["retry-after"]) <= 86_400)


if __name__ == "__main__":
    unittest.main()
