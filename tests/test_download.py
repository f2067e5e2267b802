"""Downloads that resume, from servers that change the file, cut it, or do not say how long it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from eyespot.data.download import download
from eyespot.errors import EyespotError
from eyespot.zoo.cards import Download

OLD, NEW = b"old" * 100_000, b"new" * 100_000


@dataclass
class Server:
    """What the server answers, and the Range and If-Range headers that it was sent."""

    url: str = ""
    body: bytes = OLD
    version: str = '"old"'
    length: bool = True
    cut: int | None = None
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted, known = self.headers.get("Range"), self.headers.get("If-Range")
            state.asked.append((wanted, known))
            start = int(wanted[6:-1]) if wanted and known in {None, state.version} else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(state.body) - 1}/{len(state.body)}")
            if state.version:
                self.send_header("ETag", state.version)
            if state.length:
                self.send_header("Content-Length", str(len(state.body) - start))
            self.end_headers()
            self.wfile.write(state.body[start : state.cut])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        state.url = f"http://127.0.0.1:{running.server_port}/data.zip"
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield state
        running.shutdown()


def broken_off(server: Server, path: Path) -> None:
    server.cut = 1_000
    with pytest.raises(EyespotError, match="repeat to continue"):
        download(Download(url=server.url, digest=""), path, "help")
    server.cut = None


def test_it_continues_the_same_version(server: Server, tmp_path: Path) -> None:
    broken_off(server, tmp_path / "data.zip")
    assert download(Download(url=server.url, digest=""), tmp_path / "data.zip", "help").read_bytes() == OLD
    assert server.asked[1] == ("bytes=1000-", '"old"')
    assert [path.name for path in tmp_path.iterdir()] == ["data.zip"]


def test_a_file_that_changed_between_two_parts_is_not_mixed(server: Server, tmp_path: Path) -> None:
    broken_off(server, tmp_path / "data.zip")
    server.body, server.version = NEW, '"new"'
    assert download(Download(url=server.url, digest=""), tmp_path / "data.zip", "help").read_bytes() == NEW


@pytest.mark.parametrize("version", ["", 'W/"old"'])
def test_without_a_version_it_starts_anew(version: str, server: Server, tmp_path: Path) -> None:
    server.version = version
    broken_off(server, tmp_path / "data.zip")
    server.body = NEW
    assert download(Download(url=server.url, digest=""), tmp_path / "data.zip", "help").read_bytes() == NEW
    assert server.asked[1] == (None, None)


def test_a_body_of_unknown_length_needs_a_digest(server: Server, tmp_path: Path) -> None:
    server.length, server.cut = False, 1_000
    with pytest.raises(EyespotError, match="does not say how long"):
        download(Download(url=server.url, digest=""), tmp_path / "data.zip", "help")
    assert not (tmp_path / "data.zip").exists()
