"""What comes over a real socket: answers, redirects, and servers that misbehave."""

from __future__ import annotations

import socket
import threading
import unittest
from typing import Callable

from caio_licensing.transport import HttpTransport


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


class TransportTest(unittest.TestCase):
    def test_an_answer_comes_back_with_its_headers_in_lower_case(self) -> None:
        url, sent = serve_once(b"HTTP/1.1 503 Later\r\nRetry-AFTER: 7\r\nContent-Length: 2\r\n\r\n{}")
        answer = HttpTransport(url).post("/v1/activate", {"license_key": "k"})
        assert answer is not None
        self.assertEqual((answer.status, answer.headers["retry-after"], answer.body), (503, "7", b"{}"))
        self.assertIn(b"user-agent: caio-licensing-python/", sent().lower())

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

    def test_a_server_that_keeps_silent_is_waited_for_no_longer_than_told(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self.assertIsNone(HttpTransport(url, timeout=0.1).get("/healthz"))


if __name__ == "__main__":
    unittest.main()
