"""HTTP with the standard library, with proxies and certificate authorities from the environment.

HTTPS_PROXY, HTTP_PROXY and NO_PROXY name the proxy, SSL_CERT_FILE and SSL_CERT_DIR the trusted authorities.
"""

from __future__ import annotations

import http.client
import json
import logging
import queue
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from typing import Any, Callable, Protocol, Union
from urllib.parse import urlsplit

from . import __version__
from .answers import Answer, Failure
from .background import time_left
from .drill import DRILL_HEADER
from .texts import address_fault, normal_address
from .times import format_instant

log = logging.getLogger("caio_licensing")

#: The size of the longest revocation list; far larger than any other answer of the service.
MAX_BODY = 4 * 1024 * 1024

TOO_LATE = "no answer in time"
_TOO_SLOW = Failure(TOO_LATE)

#: OpenSSL's faults of certificates, in words for the person who must fix them.
_CERTIFICATES = {
    "self-signed certificate": "self-signed certificate",
    "self signed certificate": "self-signed certificate",
    "local issuer certificate": "unknown issuer",
    "expired": "expired",
    "mismatch": "host name does not match",
}

#: The answer, or why there is none; None if that is not known.
Heard = Union[Answer, Failure, None]


class Transport(Protocol):
    """Sends requests; tests replace it."""

    def post(self, path: str, body: dict[str, Any]) -> Heard:
        ...

    def get(self, path: str) -> Heard:
        ...


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    # A redirect would send the license key to any address that a portal chooses.
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class HttpTransport:
    """:param timeout: seconds that an answer may take in total
    :param drilled: in a drill, the clock that it moves
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        ca_file: str | None = None,
        drilled: Callable[[], float] | None = None,
    ) -> None:
        self._base, self._drilled = normal_address(url), drilled
        self._timeout = timeout
        #: Why nothing can be sent at all. A typing error must not keep an application from starting.
        self.fault = address_fault(self._base)
        parts = urlsplit("" if self.fault else self._base)
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            log.warning("The license key is sent unencrypted to %s: use https", self._base)
        context = ssl.create_default_context()
        if ca_file is not None:
            try:
                context.load_verify_locations(ca_file)
            except OSError as error:
                self.fault = f"the certificate authorities in {ca_file} cannot be read: {error}"
        if self.fault:
            log.warning("The license service is not asked: %s", self.fault)
        # build_opener adds ProxyHandler, which reads the environment.
        self._opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=context))

    def post(self, path: str, body: dict[str, Any]) -> Heard:
        return self._send(path, json.dumps(body).encode())

    def get(self, path: str) -> Heard:
        return self._send(path, None)

    def _send(self, path: str, data: bytes | None) -> Heard:
        if self.fault:
            return Failure(self.fault)
        headers = {"Accept": "application/json", "User-Agent": f"caio-licensing-python/{__version__}"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        if self._drilled:
            headers[DRILL_HEADER] = format_instant(round(self._drilled() * 1000)) or ""
        request = urllib.request.Request(self._base + path, data, headers)
        # On its own thread: a socket's time-out bounds neither an answer that arrives byte by byte nor a DNS lookup,
        # and the start of production waits here.
        heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        left = time_left()
        patience = self._timeout if left is None else min(self._timeout, left)
        if patience <= 0:
            return _TOO_SLOW
        try:
            threading.Thread(target=lambda: heard.put(self._exchange(request, patience)), daemon=True).start()
            return heard.get(timeout=patience)
        except queue.Empty:
            return _TOO_SLOW
        except RuntimeError:  # no new threads: the process is about to end, and gives its seat back
            return self._exchange(request, patience)

    def _exchange(self, request: urllib.request.Request, patience: float) -> Heard:
        deadline = time.monotonic() + patience
        try:
            try:
                response = self._opener.open(request, timeout=patience)
            except urllib.error.HTTPError as error:
                response = error
            with response:
                body = bytearray()
                while len(body) <= MAX_BODY:
                    if time.monotonic() >= deadline:
                        return _TOO_SLOW  # nobody waits any more, and a part of an answer is useless
                    part = response.read1(MAX_BODY)
                    if not part:
                        break
                    body += part
                found = {name.lower(): value for name, value in response.headers.items()}
                if len(body) > MAX_BODY:
                    return Failure(f"the answer is longer than {MAX_BODY} bytes")
                return Answer(response.status or 0, found, bytes(body))
        # A broken proxy may raise ValueError from within http.client; it must not reach the caller.
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Failure(_why(error) + self._on_the_way(request))

    def _on_the_way(self, request: urllib.request.Request) -> str:
        # urllib replaces the host's name by the proxy's: "connection refused" is then about the proxy.
        there = urlsplit(self._base).netloc
        asked = request.host.rpartition("@")[2]
        return "" if asked == there else f" (through the proxy {asked})"


def _why(error: Exception) -> str:
    """A network fault, in words for the person who must fix it."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    text = str(cause)
    if isinstance(cause, ssl.SSLCertVerificationError):
        told = cause.verify_message
        known = next((words for part, words in _CERTIFICATES.items() if part in told.lower()), told)
        return f"certificate verify failed: {known}"
    if isinstance(cause, ssl.SSLError):
        return f"no TLS connection: {cause.reason or text}"
    if isinstance(cause, socket.gaierror):
        return "no such host"
    if isinstance(cause, (TimeoutError, socket.timeout)):
        return _TOO_SLOW.reason
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    tunnel = re.search(r"Tunnel connection failed: (\d+)", text)
    if tunnel:
        return f"proxy answered {tunnel.group(1)}"
    if isinstance(cause, (http.client.RemoteDisconnected, ConnectionError)):
        return "the connection was closed without an answer"
    if isinstance(cause, http.client.HTTPException):
        return "what answered does not speak HTTP"
    return text or type(cause).__name__
