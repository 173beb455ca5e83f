"""The drill's service over HTTP, on the machine's own loopback address alone."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Literal, Mapping, Optional

from ..drill import DRILL_HEADER, DRILL_ISSUER
from .desk import Desk
from .problems import Problem
from .requests import body_of
from .ring import Ring

#: How the service can fail. down: connections break; error: it answers 503; silent: it never answers; page: a portal's
#: page with status 200 comes in its place.
Outage = Literal["down", "error", "silent", "page"]

_MAX_BODY = 64 * 1024
_STRICT = {"Cache-Control": "no-store"}
_OPEN = {"Cache-Control": "public, max-age=60"}


@dataclass
class Heard:
    """A request of an installation, as the drill saw it."""

    method: str
    path: str
    body: Mapping[str, Any] = field(repr=False)
    #: The clock of the installation, if it knows that this is a drill.
    drill_clock: str | None
    #: What it was answered; None during an outage.
    status: int | None = None
    code: str | None = None


class DrillServer:
    def __init__(self, desk: Desk, ring: Ring, port: int) -> None:
        self.desk, self.ring = desk, ring
        self.heard: list[Heard] = []
        self.outage: Optional[Outage] = None
        #: One request at a time: the desk is no place for a crowd.
        self.turn = threading.Lock()
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"drill": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    drill: DrillServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def _serve(self) -> None:
        # A line for each answer: nobody is kept waiting by a connection that stays open.
        self.close_connection = True
        length = self.headers.get("Content-Length", "0")
        data = self.rfile.read(min(int(length), _MAX_BODY + 1)) if length.isdigit() else b""
        path = self.path.split("?")[0]
        heard = Heard(self.command, path, _parsed(data), self.headers.get(DRILL_HEADER))
        outage = self.drill.outage
        self.drill.heard.append(heard)
        if outage == "silent":
            self.drill.closing.wait()
        if outage in ("silent", "down"):
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        if outage == "page":
            return self._send(200, {"Content-Type": "text/html"}, b"<h1>Welcome to the network</h1>")
        try:
            if outage:
                raise Problem("SERVICE_UNAVAILABLE", headers={"Retry-After": "5"})
            with self.drill.turn:
                status, headers, body = self._answer(path, data)
            heard.status = status
        except Problem as problem:
            if not outage:
                heard.status, heard.code = problem.status, problem.code
            headers = {**_STRICT, **problem.headers, "Content-Type": "application/problem+json"}
            return self._send(problem.status, headers, problem.document(DRILL_ISSUER))
        self._send(status, headers, body)

    def _answer(self, path: str, data: bytes) -> tuple[int, dict[str, str], bytes]:
        desk = self.drill.desk
        calls: dict[str, Callable[[Mapping[str, Any]], Optional[dict[str, Any]]]] = {
            "/v1/activate": desk.activate,
            "/v1/check-in": desk.check_in,
            "/v1/validate": desk.validate,
            "/v1/deactivate": desk.deactivate,
        }
        call = calls.get(path)
        if call:
            self._assert_method("POST")
            if len(data) > _MAX_BODY:
                raise Problem("PAYLOAD_TOO_LARGE", f"A request body may have at most {_MAX_BODY} bytes.")
            answer = call(body_of(data, self.headers.get("Content-Type", "")))
            if answer is None:
                return 204, _STRICT, b""
            return 200, {**_STRICT, "Content-Type": "application/json"}, json.dumps(answer).encode()
        if path == "/.well-known/jwks.json":
            self._assert_method("GET", "HEAD")
            keys = json.dumps(self.drill.ring.published).encode()
            return 200, {**_OPEN, "Content-Type": "application/jwk-set+json"}, keys
        if path == "/v1/revocations":
            self._assert_method("GET", "HEAD")
            return 200, {**_OPEN, "Content-Type": "application/jwt"}, desk.revocations().encode()
        raise Problem("NOT_FOUND")

    def _assert_method(self, *allowed: str) -> None:
        if self.command not in allowed:
            detail, headers = f"{self.command} is not allowed here.", {"Allow": ", ".join(allowed)}
            raise Problem("METHOD_NOT_ALLOWED", detail, headers=headers)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        with suppress(OSError):  # whoever hangs up gets no answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)


def _parsed(data: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
