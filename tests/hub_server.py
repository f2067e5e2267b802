"""A stand-in for the Hugging Face Hub, as far as eyespot talks to it: files of repositories, commits of small files.

It says nothing about the real Hub's accounts, its storage of large files (LFS, Xet), its redirects to other hosts, or
what it thinks of a card's metadata.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import tls

COMMIT, TOKEN = "c" * 40, "hf_" + "a" * 34


@dataclass
class Hub:
    """The files of each repository, what was asked for, and how answers lie if they do."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    stated: dict[str, Any] = field(default_factory=dict)  # of each file, in the place of its digest and size
    address: str = ""

    def describe(self, repository: str) -> dict[str, Any]:
        files = self.repositories[repository]
        siblings = [{"rfilename": name, "size": len(data), "lfs": self.lfs(name, data)} for name, data in files.items()]
        return {"id": repository, "sha": COMMIT, "siblings": siblings}

    def lfs(self, name: str, data: bytes) -> Any:
        known = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 133}
        return self.stated.get(name, known if name.endswith(".safetensors") else None)


class Handler(BaseHTTPRequestHandler):
    def __init__(self, hub: Hub, *args: object) -> None:
        self.hub = hub
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/")
        self.hub.asked.append(path)
        if path.startswith("api/models/") and (name := path.removeprefix("api/models/")) in self.hub.repositories:
            return self.reply(200, json.dumps(self.hub.describe(name)).encode())
        name, _, rest = path.partition(f"/resolve/{COMMIT}/")
        data = self.hub.repositories.get(name, {}).get(rest)
        return self.reply(404, b"{}") if data is None else self.reply(200, data)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.asked.append(f"POST {self.path}")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.reply(401, json.dumps({"error": "Invalid username or password."}).encode())
        if self.path == "/api/repos/create":
            made = json.loads(body)
            name = f"{made['organization']}/{made['name']}" if made.get("organization") else made["name"]
            self.hub.repositories.setdefault(name, {})
            return self.reply(200, json.dumps({"url": f"{self.hub.address}/{name}", "id": "0" * 24}).encode())
        if self.path == "/api/validate-yaml":
            return self.reply(200, b'{"errors": [], "warnings": []}')
        name = self.path.removeprefix("/api/models/").rpartition("/")[0].rpartition("/")[0]
        if "/preupload/" in self.path:
            files = [
                {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                for each in json.loads(body)["files"]
            ]
            return self.reply(200, json.dumps({"files": files}).encode())
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                self.hub.repositories[name][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        url = f"{self.hub.address}/{name}/commit/{COMMIT}"
        return self.reply(200, json.dumps({"commitUrl": url, "commitOid": COMMIT}).encode())

    def reply(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, secure_in: Path | None = None) -> Iterator[Hub]:
    """A Hub on 127.0.0.1, which HF_ENDPOINT names; over https with a certificate in the folder `secure_in`."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, hub))
    if secure_in:
        tls.secure(server, secure_in, monkeypatch)
    hub.address = f"{'https' if secure_in else 'http'}://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
