"""What comes over a real socket: answers, redirects, and servers that misbehave."""

from __future__ import annotations

import socket
import threading
import time
import unittest
from contextlib import suppress
from typing import Callable

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
        assert answer is not None
        self.assertEqual((answer.status, answer.headers["retry-after"], answer.body), (503, "7", b"{}"))
        self.assertIn(b"user-agent: caio-licensing-python/", sent().lower())

    def test_an_answer_may_be_as_long_as_the_longest_revocation_list(self) -> None:
        for length, read in {MAX_BODY: True, MAX_BODY + 1: False}.items():
            url, _ = serve_once(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * length)
            answer = HttpTransport(url).get("/v1/revocations")
            self.assertEqual(answer is not None and len(answer.body) == length, read)

    def test_a_redirect_is_not_followed(self) -> None:
        url, _ = serve_once(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        )
        answer = HttpTransport(url).post("/v1/activate", {})
        self.assertEqual(answer and answer.status, 302)

    def test_what_is_no_answer_is_none(self) -> None:
        for said in (b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n"):
            with self.subTest(said):
                url, _ = serve_once(said)
                self.assertIsNone(HttpTransport(url, timeout=2).post("/v1/activate", {}))

    def test_nobody_there_is_none(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.close()
        self.assertIsNone(HttpTransport(f"http://127.0.0.1:{port}").get("/healthz"))

    def test_an_answer_that_drips_in_is_waited_for_no_longer_than_told(self) -> None:
        whole = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 900\r\n\r\n"
        for begun in (b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX-Name: ", whole):
            with self.subTest(begun), socket.create_server(("127.0.0.1", 0)) as listener:
                threading.Thread(target=drip, args=(listener, begun), daemon=True).start()
                begin = time.monotonic()
                transport = HttpTransport(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.3)
                self.assertIsNone(transport.post("/v1/activate", {}))
                self.assertLess(time.monotonic() - begin, 10)

    def test_a_server_that_keeps_silent_is_waited_for_no_longer_than_told(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self.assertIsNone(HttpTransport(url, timeout=0.1).get("/healthz"))


if __name__ == "__main__":
    unittest.main()
