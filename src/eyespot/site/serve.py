"""A site at an address of this machine, which no other one reaches."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from eyespot.errors import EyespotError
from eyespot.progress import note

HOST = "127.0.0.1"


class _Handler(SimpleHTTPRequestHandler):
    """Files of the folder, without a line for each."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript", ".wasm": "application/wasm"}

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve(folder: Path, port: int) -> None:
    """Serve a folder until Ctrl-C. EyespotError if the port is taken."""
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise EyespotError(f"port {port}: {error.strerror}. Give another one: --port {port + 1}") from error
    with server:
        note(f"http://{HOST}:{server.server_port}/ (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            note("stopped")
