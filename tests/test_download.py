"""Downloads from servers that change the file, cut it, lie about it, stall, or send elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import tls
from eyespot.data.download import download
from eyespot.errors import BadFileError, EyespotError, MissingDataError, RefusedError
from eyespot.zoo.cards import Download

OLD, NEW = b"old" * 100_000, b"new" * 100_000
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Sends `state.body` as a good server does, or what `state.answer` sends."""

    protocol_version = "HTTP/1.1"

    def __init__(self, state: Server, *args: object) -> None:
        self.state = state
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        wanted, known = self.headers.get("Range"), self.headers.get("If-Range")
        self.state.asked.append((wanted, known))
        self.close_connection = True
        if self.state.answer:
            self.state.answer(self)
            return
        body, start = self.state.body, int(wanted[6:-1]) if wanted and known in {None, self.state.version} else 0
        headers = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
        headers |= {"ETag": self.state.version} if self.state.version else {}
        headers |= {"Content-Length": str(len(body) - start)} if self.state.length else {}
        self.send(206 if start else 200, body[start : self.state.cut], headers)

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Server:
    """What the server answers, and the Range and If-Range headers that it was sent."""

    url: str = ""
    body: bytes = OLD
    version: str = '"old"'
    length: bool = True
    cut: int | None = None
    answer: Answer | None = None
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)

    def get(self, path: Path, digest: str = "") -> bytes:
        return download(Download(url=self.url, digest=digest), path, "help").read_bytes()


def serving(running: ThreadingHTTPServer, state: Server, scheme: str) -> Iterator[Server]:
    with running:
        state.url = f"{scheme}://127.0.0.1:{running.server_port}/data.zip"
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield state
        running.shutdown()


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with a certificate."""
    state = Server()
    running = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, state))
    tls.secure(running, tmp_path_factory.mktemp("tls"), monkeypatch)
    yield from serving(running, state, "https")


@pytest.fixture
def plain() -> Iterator[Server]:
    """A server without encryption."""
    state = Server()
    yield from serving(ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, state)), state, "http")


def sha256(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def broken_off(server: Server, path: Path) -> None:
    server.cut = 1_000
    with pytest.raises(EyespotError, match="repeat to continue"):
        server.get(path)
    server.cut = None


def test_it_continues_the_same_version(server: Server, tmp_path: Path) -> None:
    broken_off(server, tmp_path / "data.zip")
    assert server.get(tmp_path / "data.zip") == OLD
    assert server.asked[1] == ("bytes=1000-", '"old"')
    assert [path.name for path in tmp_path.iterdir()] == ["data.zip"]


def test_a_file_that_changed_between_two_parts_is_not_mixed(server: Server, tmp_path: Path) -> None:
    broken_off(server, tmp_path / "data.zip")
    server.body, server.version = NEW, '"new"'
    assert server.get(tmp_path / "data.zip") == NEW


@pytest.mark.parametrize("version", ["", 'W/"old"', '"a\tb"', '"é"'])
def test_without_a_version_it_starts_anew(version: str, server: Server, tmp_path: Path) -> None:
    server.version = version
    broken_off(server, tmp_path / "data.zip")
    server.body = NEW
    assert server.get(tmp_path / "data.zip") == NEW
    assert server.asked[1] == (None, None)


def test_a_body_of_unknown_length_needs_a_digest(server: Server, tmp_path: Path) -> None:
    server.length, server.cut = False, 1_000
    with pytest.raises(EyespotError, match="does not say how long"):
        server.get(tmp_path / "data.zip")
    with pytest.raises(BadFileError, match="is not the expected file"):
        server.get(tmp_path / "data.zip", sha256(OLD))
    assert not (tmp_path / "data.zip").exists()


def test_a_body_longer_than_announced_ends_where_it_was_to_end(server: Server, tmp_path: Path) -> None:
    server.answer = lambda handler: handler.send(200, OLD + NEW, {"Content-Length": str(len(OLD))})
    assert server.get(tmp_path / "data.zip") == OLD


@pytest.mark.parametrize("stated", ["", "bytes 0-299999/300000", "bytes 1000-299998/299999", "bytes 1000-/", "x"])
def test_another_range_than_was_asked_for(stated: str, server: Server, tmp_path: Path) -> None:
    broken_off(server, tmp_path / "data.zip")
    headers = {"Content-Range": stated, "Content-Length": str(len(OLD) - 1_000)}
    server.answer = lambda handler: handler.send(206, OLD[1_000:], headers)
    with pytest.raises(EyespotError, match="another part than was asked for"):
        server.get(tmp_path / "data.zip")
    server.answer = None
    assert server.get(tmp_path / "data.zip") == OLD


def test_a_part_that_was_not_asked_for(server: Server, tmp_path: Path) -> None:
    headers = {"Content-Range": "bytes 5-9/10", "Content-Length": "5"}
    server.answer = lambda handler: handler.send(206, b"later", headers)
    with pytest.raises(EyespotError, match="another part than was asked for"):
        server.get(tmp_path / "data.zip")


@pytest.mark.parametrize("digest", ["", sha256(OLD)])
def test_a_part_that_is_longer_than_the_file(digest: str, server: Server, tmp_path: Path) -> None:
    broken_off(server, tmp_path / "data.zip")
    (tmp_path / "data.zip.part").write_bytes(NEW + NEW)

    def answer(handler: Handler) -> None:
        if handler.headers.get("Range"):
            handler.send(416, b"", {"Content-Length": "0"})
        else:
            handler.send(200, OLD, {"Content-Length": str(len(OLD))})

    server.answer = answer
    assert server.get(tmp_path / "data.zip", digest) == OLD


def test_chunks_that_end_too_early(server: Server, tmp_path: Path) -> None:
    server.answer = lambda handler: handler.send(200, b"5\r\nwhole\r\n5\r\nhal", {"Transfer-Encoding": "chunked"})
    with pytest.raises(EyespotError, match="download stopped"):
        server.get(tmp_path / "data.zip")
    server.answer = lambda handler: handler.send(200, b"5\r\nwhole\r\n0\r\n\r\n", {"Transfer-Encoding": "chunked"})
    assert server.get(tmp_path / "data.zip") == b"whole"


def test_what_a_server_compressed_is_not_the_file(server: Server, tmp_path: Path) -> None:
    body = gzip.compress(OLD)
    headers = {"Content-Length": str(len(body)), "Content-Encoding": "gzip"}
    server.answer = lambda handler: handler.send(200, body, headers)
    with pytest.raises(BadFileError, match="is not the expected file"):
        server.get(tmp_path / "data.zip", sha256(OLD))


def drip(handler: Handler) -> None:
    handler.send(200, b"", {"Content-Length": "1000000"})
    stopped = threading.Event()
    while not stopped.wait(0.05):
        try:
            handler.wfile.write(b"x")
        except OSError:
            stopped.set()


def test_a_server_that_drips(server: Server, tmp_path: Path) -> None:
    server.answer = drip
    with pytest.raises(EyespotError, match=r"bytes in \d seconds\); repeat to continue"):
        download(Download(url=server.url, digest=""), tmp_path / "data.zip", "help", patience=0.5)


@pytest.mark.parametrize("headers", [{"Content-Length": str(9 << 30)}, {"Transfer-Encoding": "chunked"}])
def test_an_endless_body(headers: dict[str, str], server: Server, tmp_path: Path) -> None:
    server.answer = lambda handler: handler.send(200, b"7fffffff\r\n" + bytes(1000), headers)
    with pytest.raises(EyespotError, match="download stopped"):
        server.get(tmp_path / "data.zip")


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "/x"])
def test_only_https_without_a_digest(url: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="not https"):
        download(Download(url=url, digest=""), tmp_path / "file", "help")


def test_no_redirect_leaves_https_without_a_digest(server: Server, plain: Server, tmp_path: Path) -> None:
    server.answer = lambda handler: handler.send(302, b"", {"Location": plain.url})
    with pytest.raises(RefusedError, match=r"leads to http://127.* not https"):
        server.get(tmp_path / "data.zip")
    assert plain.asked == []
    assert server.get(tmp_path / "data.zip", sha256(OLD)) == OLD


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_no_redirect_leaves_http(location: str, server: Server, tmp_path: Path) -> None:
    server.answer = lambda handler: handler.send(302, b"", {"Location": location})
    with pytest.raises(EyespotError, match=r"not allowed|not https"):
        server.get(tmp_path / "data.zip", sha256(OLD))


@pytest.mark.parametrize("location", ["/again", "https://\x1bx"])
def test_redirects_that_lead_nowhere_are_one_line(location: str, server: Server, tmp_path: Path) -> None:
    server.answer = lambda handler: handler.send(302, b"", {"Location": location})
    with pytest.raises(EyespotError) as caught:
        server.get(tmp_path / "data.zip")
    assert str(caught.value).isprintable()


def test_a_certificate_that_nobody_vouches_for(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(MissingDataError, match=r"no answer .*certificate"):
        server.get(tmp_path / "data.zip")
