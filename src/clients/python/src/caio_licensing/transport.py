"""HTTP with the standard library: proxies and certificate authorities as the environment says.

HTTPS_PROXY, HTTP_PROXY and NO_PROXY name the proxy, SSL_CERT_FILE and SSL_CERT_DIR who is trusted.
"""

from __future__ import annotations

import http.client
import json
import logging
import queue
import ssl
import threading
import time
import urllib.error
import urllib.request
from typing import Any, Protocol
from urllib.parse import urlsplit

from . import __version__
from .answers import Answer

log = logging.getLogger("caio_licensing")

#: As much as the longest revocation list; far above any other answer of the service.
MAX_BODY = 4 * 1024 * 1024


class Transport(Protocol):
    """Where requests go; tests put something else in its place."""

    def post(self, path: str, body: dict[str, Any]) -> Answer | None:
        ...

    def get(self, path: str) -> Answer | None:
        ...


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    # A redirect would carry the license key to wherever a portal likes.
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class HttpTransport:
    """:param timeout: seconds that an answer may take in all"""

    def __init__(self, url: str, *, timeout: float = 10.0, ca_file: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"The license service has no address: {url!r}")
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            log.warning("The license key is sent unencrypted to %s: use https", url)
        self._base = url.rstrip("/")
        self._timeout = timeout
        context = ssl.create_default_context()
        if ca_file is not None:
            context.load_verify_locations(ca_file)
        # build_opener adds ProxyHandler, which reads the environment.
        self._opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=context))

    def post(self, path: str, body: dict[str, Any]) -> Answer | None:
        """The answer, or None where there was none."""
        return self._send(path, json.dumps(body).encode())

    def get(self, path: str) -> Answer | None:
        """The answer, or None where there was none."""
        return self._send(path, None)

    def _send(self, path: str, data: bytes | None) -> Answer | None:
        headers = {"Accept": "application/json", "User-Agent": f"caio-licensing-python/{__version__}"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self._base + path, data, headers)
        # On a thread of its own: a socket's time-out bounds neither an answer that drips in byte by byte nor the
        # search for a name, and whoever starts production waits here.
        answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        try:
            threading.Thread(target=lambda: answers.put(self._exchange(request)), daemon=True).start()
            return answers.get(timeout=self._timeout)
        except queue.Empty:
            log.info("The license service did not answer within %s seconds", self._timeout)
        except RuntimeError as error:  # no thread any more: the process is about to end
            log.info("The license service cannot be asked: %s", error)
        return None

    def _exchange(self, request: urllib.request.Request) -> Answer | None:
        deadline = time.monotonic() + self._timeout
        try:
            try:
                response = self._opener.open(request, timeout=self._timeout)
            except urllib.error.HTTPError as error:
                response = error
            with response:
                body = bytearray()
                while len(body) <= MAX_BODY:
                    if time.monotonic() >= deadline:
                        return None  # nobody waits any more, and part of an answer is none
                    part = response.read1(MAX_BODY)
                    if not part:
                        break
                    body += part
                found = {name.lower(): value for name, value in response.headers.items()}
                if len(body) > MAX_BODY:
                    log.info("The license service answered with more than %s bytes", MAX_BODY)
                    return None
                return Answer(response.status or 0, found, bytes(body))
        # A broken proxy may raise ValueError from within http.client; nothing of it may reach the caller.
        except (OSError, http.client.HTTPException, ValueError) as error:
            log.info("The license service cannot be reached: %s", error)
            return None
