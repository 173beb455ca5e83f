"""What comes over a real socket: answers, redirects, and servers that misbehave."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import unittest
import urllib.error
from contextlib import suppress
from typing import Callable
from unittest.mock import patch

from caio_licensing.answers import Answer, Failure
from caio_licensing.transport import MAX_BODY, HttpTransport


def serve_once(answer: bytes) -> tuple[str, Callable[[], bytes]]:
    """A server that says the bytes to whoever comes first, and what that one sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    received: list[bytes] = []

    def work() -> None:
        connection, _ = listener.accept()
        with listener, connection:
            received.append(connection.recv(65_536))
            connection.sendall(answer)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def sent() -> bytes:
        thread.join(timeout=5)
        return received[0]

    return f"http://127.0.0.1:{listener.getsockname()[1]}", sent


def nobody_listens() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def drip(listener: socket.socket, begun: bytes) -> None:
    """Never silent for long, and not done for longer than any test waits."""
    connection, _ = listener.accept()
    with connection, suppress(OSError):
        connection.sendall(begun)
        for _ in range(600):
            connection.sendall(b"x")
            time.sleep(0.05)


class TransportTest(unittest.TestCase):
    def test_an_answer_comes_back_with_its_headers_in_lower_case(self) -> None:
        url, sent = serve_once(b"HTTP/1.1 503 Later\r\nRetry-AFTER: 7\r\nContent-Length: 2\r\n\r\n{}")
        answer = HttpTransport(url).post("/v1/activate", {"license_key": "k"})
        assert isinstance(answer, Answer)
        self.assertEqual((answer.status, answer.headers["retry-after"], answer.body), (503, "7", b"{}"))
        self.assertIn(b"user-agent: caio-licensing-python/", sent().lower())

    def test_an_answer_may_be_as_long_as_the_longest_revocation_list(self) -> None:
        for length, read in {MAX_BODY: True, MAX_BODY + 1: False}.items():
            url, _ = serve_once(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * length)
            answer = HttpTransport(url).get("/v1/revocations")
            self.assertEqual(isinstance(answer, Answer) and len(answer.body) == length, read)

    def test_a_redirect_is_not_followed(self) -> None:
        url, _ = serve_once(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        )
        answer = HttpTransport(url).post("/v1/activate", {})
        self.assertEqual(isinstance(answer, Answer) and answer.status, 302)

    def test_what_is_no_answer_is_told(self) -> None:
        for said, why in {
            b"": "the connection was closed without an answer",
            b"SSH-2.0-OpenSSH\r\n": "what answered does not speak HTTP",
            b"HTTP/1.1 abc\r\n\r\n": "what answered does not speak HTTP",
        }.items():
            with self.subTest(said):
                url, _ = serve_once(said)
                self.assertEqual(HttpTransport(url, timeout=2).post("/v1/activate", {}), Failure(why))

    def test_why_nobody_was_reached_is_told(self) -> None:
        url = f"http://127.0.0.1:{nobody_listens()}"
        self.assertEqual(HttpTransport(url).get("/healthz"), Failure("connection refused"))
        unknown = HttpTransport("http://no-such-host.invalid")
        self.assertEqual(unknown.get("/healthz"), Failure("no such host"))

    def test_a_dead_proxy_is_named(self) -> None:
        proxy = f"127.0.0.1:{nobody_listens()}"
        with patch.dict("os.environ", {"https_proxy": f"http://user:secret@{proxy}", "no_proxy": ""}):
            answer = HttpTransport("https://licensing.test").get("/healthz")
        self.assertEqual(answer, Failure(f"connection refused (through the proxy {proxy})"))

    def test_a_proxy_that_wants_a_password_is_told(self) -> None:
        url, _ = serve_once(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        with patch.dict("os.environ", {"https_proxy": url, "no_proxy": ""}):
            answer = HttpTransport("https://licensing.test").get("/healthz")
        self.assertIsInstance(answer, Failure)
        self.assertIn("proxy answered 407", str(answer))

    def test_what_is_wrong_with_a_certificate_is_told(self) -> None:
        for reason, why in {
            "self-signed certificate": "self-signed certificate",
            "self-signed certificate in certificate chain": "self-signed certificate",
            "unable to get local issuer certificate": "unknown issuer",
            "certificate has expired": "expired",
            "Hostname mismatch, certificate is not valid for 'a'.": "host name does not match",
        }.items():
            fault = ssl.SSLCertVerificationError(1, "failed")
            fault.verify_message = reason
            with patch("urllib.request.OpenerDirector.open", side_effect=urllib.error.URLError(fault)):
                answer = HttpTransport("https://licensing.test").get("/healthz")
            self.assertEqual(answer, Failure(f"certificate verify failed: {why}"))

    def test_a_missing_authority_does_not_keep_an_application_from_starting(self) -> None:
        answer = HttpTransport("https://licensing.test", ca_file="/no/such/file").get("/healthz")
        self.assertIn("/no/such/file", str(answer))

    def test_at_the_end_of_a_process_it_is_asked_without_a_thread(self) -> None:
        url, _ = serve_once(b"HTTP/1.1 204 Gone\r\nContent-Length: 0\r\n\r\n")
        no_threads = RuntimeError("can't create new thread at interpreter shutdown")
        with patch("caio_licensing.transport.threading.Thread.start", side_effect=no_threads):
            answer = HttpTransport(url).post("/v1/deactivate", {})
        self.assertEqual(isinstance(answer, Answer) and answer.status, 204)

    def test_an_answer_that_drips_in_is_waited_for_no_longer_than_told(self) -> None:
        whole = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 900\r\n\r\n"
        for begun in (b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX-Name: ", whole):
            with self.subTest(begun), socket.create_server(("127.0.0.1", 0)) as listener:
                threading.Thread(target=drip, args=(listener, begun), daemon=True).start()
                begin = time.monotonic()
                transport = HttpTransport(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.3)
                self.assertEqual(transport.post("/v1/activate", {}), Failure("no answer in time"))
                self.assertLess(time.monotonic() - begin, 10)

    def test_a_server_that_keeps_silent_is_waited_for_no_longer_than_told(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self.assertEqual(HttpTransport(url, timeout=0.1).get("/healthz"), Failure("no answer in time"))


if __name__ == "__main__":
    unittest.main()
