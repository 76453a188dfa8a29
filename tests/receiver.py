"""A receiver of webhooks on loopback, over TLS with an authority of its own.

It takes what it is given and answers as it was told to; the tests look at what came.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme


@dataclass(frozen=True)
class Came:
    """One request. ``headers`` by lower-case name."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What the receiver answers. ``dripping``: a byte of the body each 50 ms, for ever;
    ``trickling``: of a header, so that the answer never begins."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    dripping: bool = False
    trickling: bool = False


@dataclass
class Receiver:
    """What came, and what is answered: the ``answers`` in turn, then ``usual``."""

    port: int
    ca_bundle: str
    came: list[Came] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    usual: Answer = Answer()
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/hook", *, host: str = "localhost") -> str:
        return f"https://{host}:{self.port}{path}"

    def settings(self) -> dict[str, Any]:
        """The product's settings that let it come here."""
        return {"webhook_private_hosts": ("localhost",), "webhook_ca_bundle": self.ca_bundle}


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.came.append(Came(self.path, headers, body))
        answers = self.receiver.answers
        self._answer(answers.pop(0) if answers else self.receiver.usual)

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if answer.trickling:
            self.flush_headers()
            self._for_ever(b"X")
            return
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not answer.dripping:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
        if answer.dripping:
            self._for_ever(b".")

    def _for_ever(self, byte: bytes) -> None:
        while not self.receiver.closing.is_set():
            self.wfile.write(byte)
            self.wfile.flush()
            time.sleep(0.05)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return  # whoever posted went away, as it may

    def log_message(self, format: str, *args: Any) -> None:
        """What came is kept."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake belongs to the request's own thread: it may fail, as it shall."""
        try:
            wrapped = self.context.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            return
        with wrapped:
            super().finish_request(wrapped, client_address)


@contextmanager
def opened(folder: Path, *, name: str = "localhost") -> Iterator[Receiver]:
    """A receiver for as long as the block, whose certificate is for ``name``."""
    authority = trustme.CA(organization_name="Receivers on loopback")
    bundle = folder / "receivers.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        server.context = context
        handler.receiver = receiver = Receiver(server.server_address[1], str(bundle))  # type: ignore[attr-defined]  # made above
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.closing.set()
            server.shutdown()
            thread.join()
