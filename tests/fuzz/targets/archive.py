"""An archive: zip or tar, with what the unpacking may write."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Iterator

from eyespot.data.archive import unpack
from fuzzing import file, refusals

FILES = {"a/1.jpg": b"one" * 200, "a/b/2.jpg": b"", "c.csv": b"file,label\n"}


def seeds() -> Iterator[bytes]:
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            yield _tar(mode, kind)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as made:
            for name, data in FILES.items():
                made.writestr(name, data)
        yield buffer.getvalue()


def _tar(mode: str, kind: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=kind) as made:  # type: ignore[call-overload]
        for name, data in (FILES | {"é" * (20 if kind == tarfile.USTAR_FORMAT else 120): b"long"}).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        if kind == tarfile.USTAR_FORMAT:
            made.addfile(link)
    return buffer.getvalue()


def one(data: bytes) -> None:
    source = file(data, "archive/a.archive")
    folder = source.parent / "outer" / "unpacked"
    shutil.rmtree(folder.parent, ignore_errors=True)
    with refusals():
        unpack(source, folder)
        assert sum(each.stat().st_size for each in folder.rglob("*")) <= (64 << 20) + 10 * len(data)
        assert not any(each.is_symlink() for each in folder.rglob("*"))
    if folder.parent.exists():
        assert {each.name for each in folder.parent.iterdir()} <= {folder.name}
    assert {each.name for each in source.parent.iterdir()} <= {source.name, "outer"}
