"""A certificate for 127.0.0.1, made for a test, which Python trusts as long as SSL_CERT_FILE names it."""

from __future__ import annotations

import ssl
import subprocess
from functools import cache
from pathlib import Path
from socketserver import BaseServer

import pytest


def secure(server: BaseServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a server that is not running yet answer to https only."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(_made()[0])
    key.write_bytes(_made()[1])
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)


@cache
def _made() -> tuple[bytes, bytes]:
    """A certificate and its key."""
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    words += " -addext subjectAltName=IP:127.0.0.1 -keyout - -out -"
    done = subprocess.run(["openssl", *words.split()], capture_output=True, check=True).stdout
    key, _, certificate = done.partition(b"-----BEGIN CERTIFICATE-----")
    return b"-----BEGIN CERTIFICATE-----" + certificate, key
