"""What docs/integration.md says works: its first lines are run against the service."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import unittest
import urllib.request
from pathlib import Path
from typing import Any

import jwt
import yaml
from live import URL, LiveCase, admin, issue
from test_container import ContainerCase

DOCS = Path(__file__).parents[4] / "docs"


def blocks_of(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


class IntegrationPageTest(LiveCase):
    def setUp(self) -> None:
        super().setUp()
        self.blocks = blocks_of("integration.md", "python")
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

    def test_the_lines_about_entitlements_and_meters_run(self) -> None:
        self.blocks[0] += self.blocks[2].replace("2026-11", "2000-01")
        self.assertIn("The license allows 0 GPUs.\n{}", self.run_block(0))


class DocumentsPageTest(LiveCase):
    """The worked verifications, and what they do not let through."""

    def setUp(self) -> None:
        super().setUp()
        self.license, self.key = issue()
        client = self.client(self.key)
        client.check_in()
        self.certificate = client.folder.read().certificate or ""
        self.instance_id = client.instance_id

    def test_the_lines_with_pyjwt_verify_a_certificate_and_take_nothing_else_for_one(self) -> None:
        [code] = blocks_of("documents.md", "python")
        space: dict[str, Any] = {"URL": URL, "CERTIFICATE": self.certificate}
        exec(code, space)
        self.assertEqual(space["claims"]["sub"], self.instance_id)
        self.assertTrue(space["may_run"])
        self.assertEqual(space["verify"](self.key, "license+jwt")["jti"], self.license["id"])
        head, claims, _ = self.certificate.split(".")
        forged = f"{head}.{claims}.{self.key.split('.')[2]}"
        for token in (self.key, forged):
            with self.assertRaises(Exception):
                space["verify"](token, "activation+jwt")

    def test_the_commands_with_openssl_take_nothing_else_for_a_certificate(self) -> None:
        [commands] = blocks_of("documents.md", "sh runnable")
        head, claims, _ = self.certificate.split(".")
        forged = f"{head}.{claims}.{self.key.split('.')[2]}"
        for token, taken in ((self.certificate, True), (self.key, False), (forged, False)):
            done = subprocess.run(
                ["bash", "-c", f"set -euo pipefail\n{commands}"],
                cwd=self.folder,
                env={**os.environ, "URL": URL, "CERTIFICATE": token},
                capture_output=True,
                text=True,
                timeout=60,
            )
            self.assertEqual(done.returncode == 0, taken, done.stderr)

    def test_the_lines_with_go_verify_a_certificate_and_take_nothing_else_for_one(self) -> None:
        if shutil.which("go") is None:  # where there is no Go there is nothing to try it with
            return
        [code] = blocks_of("documents.md", "go")
        (self.folder / "main.go").write_text(code)
        with urllib.request.urlopen(f"{URL}/.well-known/jwks.json", timeout=30) as answer:
            (self.folder / "keys.json").write_bytes(answer.read())
        for token, said in ((self.certificate, f"{self.instance_id} <nil>"), (self.key, "<nil> not a")):
            done = subprocess.run(
                ["go", "run", "main.go", "keys.json", URL, "activation+jwt"],
                cwd=self.folder,
                input=token,
                capture_output=True,
                text=True,
                timeout=300,
            )
            self.assertTrue(done.stdout.startswith(said), done.stdout + done.stderr)

    def test_the_tables_name_every_claim(self) -> None:
        text = (DOCS / "documents.md").read_text("utf-8")
        for token in (self.key, self.certificate):
            for claim in jwt.decode(token, options={"verify_signature": False}):
                self.assertIn(f"`{claim}`", text)


class ContainersPageTest(ContainerCase):
    """What is in the snippets, run as far as a machine without a cluster can: their environment, their mounts."""

    def setUp(self) -> None:
        super().setUp()
        _, self.key = issue(max_instances=2)
        self.documents = [
            document for block in blocks_of("containers.md", "yaml") for document in yaml.safe_load_all(block)
        ]
        (self.folder / "secret").mkdir()
        (self.folder / "secret/key").write_text(f"{self.key}\n")
        (self.folder / "volume").mkdir()

    def workload(self, kind: str) -> dict[str, Any]:
        [found] = [one for one in self.documents if one.get("kind") == kind]
        spec: dict[str, Any] = found["spec"]["template"]["spec"]
        labels = found["spec"]["template"]["metadata"]["labels"]
        self.assertEqual(found["spec"]["selector"]["matchLabels"], labels)
        return spec

    def environment(self, container: dict[str, Any], **pod: str) -> dict[str, str]:
        """As Kubernetes makes it, with the mounts of this machine."""
        found: dict[str, str] = {}
        for one in container["env"]:
            field = one.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            value = pod[field.rpartition(".")[2]] if field else one["value"]
            found[one["name"]] = re.sub(r"\$\((\w+)\)", lambda name: found[name.group(1)], value)
        return self.here(found)

    def here(self, found: dict[str, str]) -> dict[str, str]:
        self.assertEqual(found.pop("CAIO_LICENSE_URL"), "https://licensing.smarthaus.example")
        self.assertIn("CAIO_LICENSE_KEY_FILE", found)
        found["CAIO_LICENSE_KEY_FILE"] = str(self.folder / "secret/key")
        return found

    def test_compose_runs_with_a_secret_in_a_file_and_a_volume(self) -> None:
        [compose] = [one for one in self.documents if "services" in one]
        service = compose["services"]["caio"]
        self.assertTrue(service["read_only"])
        secret = service["environment"]["CAIO_LICENSE_KEY_FILE"]
        self.assertEqual(secret, f"/run/secrets/{service['secrets'][0]}")
        self.assertIn(service["secrets"][0], compose["secrets"])
        volume, place = service["volumes"][0].split(":")
        self.assertIn(volume, compose["volumes"])
        self.assertEqual(service["environment"]["CAIO_LICENSE_DIR"], place)
        environment = self.here(dict(service["environment"]))
        environment["CAIO_LICENSE_DIR"] = str(self.folder / "volume/license")
        names = set()
        for _ in range(2):
            process, (state, warnings, name) = self.start(None, self.folder / "volume", **environment)
            self.assertEqual((state, warnings), ("entitled", ""))
            names.add(name)
            process.kill()
        self.assertEqual(len(names), 1)

    def test_a_stateful_set_keeps_its_names_without_a_volume(self) -> None:
        spec = self.workload("StatefulSet")
        [container] = spec["containers"]
        [secret] = [one for one in self.documents if one.get("kind") == "Secret"]
        self.assertEqual(spec["volumes"][0]["secret"]["secretName"], secret["metadata"]["name"])
        mount = container["volumeMounts"][0]["mountPath"]
        file = {one["name"]: one.get("value") for one in container["env"]}["CAIO_LICENSE_KEY_FILE"]
        self.assertEqual(file, f"{mount}/{[*secret['stringData']][0]}")
        for number in (0, 1, 0, 1):
            environment = self.environment(container, namespace="prod", name=f"caio-{number}")
            process, (state, warnings, name) = self.start(None, **environment)
            self.assertEqual((state, name), ("entitled", f"prod/caio-{number}"))
            self.assertIn("STATE_NOT_KEPT", warnings)
            process.kill()

    def test_pods_that_come_and_go_give_their_seats_back(self) -> None:
        [container] = self.workload("Deployment")["containers"]
        environment = self.environment(container)
        for _ in range(3):
            pods = [self.start(None, **environment) for _ in range(2)]
            self.assertEqual([said[0] for _, said in pods], ["entitled"] * 2)
            for process, _ in pods:
                process.send_signal(signal.SIGTERM)
                process.wait(30)

    def test_no_probe_asks_for_the_license(self) -> None:
        for kind in ("StatefulSet", "Deployment"):
            for container in self.workload(kind)["containers"]:
                probes = [value for name, value in container.items() if name.endswith("Probe")]
                self.assertTrue(probes)
                self.assertEqual({probe["httpGet"]["path"] for probe in probes}, {"/healthz"})
                self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])


class VariablesTest(unittest.TestCase):
    def test_every_variable_is_told_and_no_other(self) -> None:
        package = Path(__file__).parents[1]
        code = "".join(file.read_text("utf-8") for file in package.glob("src/caio_licensing/*.py"))
        known = set(re.findall(r'"(CAIO_LICENSE_[A-Z_]+)"', code))
        for page in (package / "README.md", DOCS / "integration.md"):
            self.assertEqual(set(re.findall(r"CAIO_LICENSE_[A-Z_]+", page.read_text("utf-8"))), known, page)


if __name__ == "__main__":
    unittest.main()
