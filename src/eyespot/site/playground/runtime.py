"""LiteRT.js: which files of which version, and where pages get them."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from eyespot.errors import BadFileError, MissingDataError

VERSION = "2.5.3"
CDN = "https://cdn.jsdelivr.net"
FILES = {  # by what the page calls them: place under @litertjs, sha256
    "core": ("core/dist/index.js", "e7daccc3a31eef890848a737ccb863ded5f046a6b40c3fdc0556495adeb5d9b3"),
    "utilities": ("wasm-utils/dist/index.js", "e0e20bc28ab001ac732cf40d15b6eebd24fb0deaeb95eeba5100f51eebf015f2"),
    "relaxed.js": (
        "core/wasm/litert_wasm_internal.js",
        "68efb69f770e3f76aff36a377de629ca496c131b86ac0f0f4b592a1543a898eb",
    ),
    "relaxed.wasm": (
        "core/wasm/litert_wasm_internal.wasm",
        "7280cf4471774867e385e6c3cd53e2b45e2975b80fea338fff4ef359b0865614",
    ),
    "compatible.js": (  # with browsers that have no relaxed SIMD
        "core/wasm/litert_wasm_compat_internal.js",
        "4d8f894b7883654fd6e8439730aa41e79ceaab7d19184fc4f1f0b0f1a2a2c8a5",
    ),
    "compatible.wasm": (
        "core/wasm/litert_wasm_compat_internal.wasm",
        "5255c8ad06eabdbd2522cdebf6b22fc10faf74625c23a49b9e072570cd1fa41c",
    ),
}


def allowed(runtime: Path | None = None) -> dict[str, str]:
    """What the Content-Security-Policy of a page must allow; `runtime` as for `write`.

    Scripts of the CDN come by fetch, which checks their digests, and run from memory.
    """
    return {
        "img-src": "'self' data: blob:",
        "script-src": "'self' blob: 'wasm-unsafe-eval'",
        "connect-src": "'self'" if runtime else f"'self' {CDN}",
    }


def runtime_files(runtime: Path | None) -> dict[str, bytes]:
    """What lies beside the scripts: runtime.json says where LiteRT.js is; and a copy of it, of a folder @litertjs/core.

    MissingDataError for a folder without its files, BadFileError for those of another version.
    """
    files, found = {}, {}
    for name, (place, digest) in FILES.items():
        package, _, path = place.partition("/")
        url = f"{CDN}/npm/@litertjs/{package}@{VERSION}/{path}"
        if runtime:
            url = f"runtime/{place}"
            files[url] = _read(runtime / ".." / place, digest)
        found[name] = {"url": url, "integrity": f"sha256-{b64encode(bytes.fromhex(digest)).decode()}"}
    return files | {"runtime.json": json.dumps(found, indent=1).encode()}


def _read(path: Path, digest: str) -> bytes:
    """A file of the runtime."""
    remedy = f"npm install @litertjs/core@{VERSION} gives node_modules/@litertjs/core"
    if not path.is_file():
        raise MissingDataError(f"{path.resolve()}: no such file; {remedy}")
    data = path.read_bytes()
    if sha256(data).hexdigest() != digest:
        raise BadFileError(f"{path.resolve()}: is not the file of @litertjs/core {VERSION}; {remedy}")
    return data
