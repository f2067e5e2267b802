"""fetch, the archives that it unpacks and the downloads that it makes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eyespot.cli import main
from eyespot.data import catalogue, cifar10, imagenet, vww
from eyespot.data.archive import unpack
from eyespot.data.download import download
from eyespot.data.fetch import fetch
from eyespot.errors import BadFileError, EyespotError, MissingDataError, RefusedError
from eyespot.zoo.cards import Dataset, Download

RECORDS = 20


def tiny_files() -> dict[str, bytes]:
    """A CIFAR-10 of 20 images a file."""
    numbers, files = np.random.default_rng(0), {}
    for name in (*cifar10.TRAIN, *cifar10.TEST):
        records = numbers.integers(0, 256, (RECORDS, cifar10.RECORD), np.uint8)
        records[:, 0] = np.arange(RECORDS) % 10
        files[name] = records.tobytes()
    return files


def tiny_card(source: Download | None = None) -> Dataset:
    """A card that takes them for the whole."""
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in tiny_files().items())
    return replace(
        catalogue.dataset("cifar-10"), splits={"train": 90, "validation": 10, "test": RECORDS},
        download=source, digest=hashlib.sha256(sums.encode()).hexdigest(),
    )  # fmt: skip


@pytest.fixture
def tiny_cifar(tmp_path: Path, no_data: Path) -> Path:
    """The files as their publisher would ship them."""
    source = tmp_path / "source" / cifar10.FOLDER
    source.mkdir(parents=True)
    for name, data in tiny_files().items():
        (source / name).write_bytes(data)
    return source


def pack(source: Path, target: Path) -> Path:
    """An archive of a folder, of the kind that its name says."""
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w") as made:
            for path in sorted(source.rglob("*")):
                made.write(path, path.relative_to(source.parent))
    else:
        with tarfile.open(target, f"w:{target.suffix[1:]}") as made:
            made.add(source, source.name)
    return target


def left_over(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir()) if root.exists() else []


@pytest.mark.parametrize("kind", ["folder", "around", "a.gz", "a.xz", "a.zip"])
def test_from_a_copy(kind: str, tiny_cifar: Path, no_data: Path) -> None:
    sources = {"folder": tiny_cifar, "around": tiny_cifar.parent.parent / "source"}
    source = sources[kind] if kind in sources else pack(tiny_cifar, tiny_cifar.parent.parent / kind)
    first = fetch(tiny_card(), source)
    assert first.splits == {"train": 90, "validation": 10, "test": 20}
    assert (first.new, first.verified) == (True, "sha256 of 6 files")
    assert left_over(no_data) == ["cifar-10"]
    again = fetch(tiny_card())
    assert again == replace(first, new=False)
    assert tiny_cifar.exists()


def test_on_the_command_line(tmp_path: Path, no_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "vww", "--from", str(vww_training(tmp_path)), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (sum(result["splits"].values()), result["new"]) == (40, True)
    assert main(["fetch", "imagenet"]) == 1
    caught = capsys.readouterr()
    assert (caught.out, caught.err.count("\n")) == ("", 1)


def test_a_changed_file_is_refused_and_nothing_is_installed(tiny_cifar: Path, no_data: Path) -> None:
    path = tiny_cifar / "test_batch.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(BadFileError, match=r"its 6 files are not those of cifar-10 \(sha256"):
        fetch(tiny_card(), tiny_cifar)
    assert left_over(no_data) == []


def test_a_short_file_is_refused(tiny_cifar: Path) -> None:
    path = tiny_cifar / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadFileError, match=r"data_batch_3\.bin: 1,000 bytes, expected 61,460"):
        fetch(tiny_card(), tiny_cifar)


def test_a_copy_without_the_data(tiny_cifar: Path, tmp_path: Path) -> None:
    (tiny_cifar / "test_batch.bin").unlink()
    with pytest.raises(BadFileError, match="expected a folder with"):
        fetch(tiny_card(), tiny_cifar)
    with pytest.raises(MissingDataError, match="no such file or folder"):
        fetch(tiny_card(), tmp_path / "nowhere")


def test_data_that_were_damaged_later_are_found(tiny_cifar: Path) -> None:
    fetched = fetch(tiny_card(), tiny_cifar)
    path = fetched.folder / cifar10.FOLDER / "test_batch.bin"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(BadFileError, match="are not those of cifar-10"):
        fetch(tiny_card())


def test_a_file_that_was_lost_later_is_put_back(tiny_cifar: Path, no_data: Path) -> None:
    fetched = fetch(tiny_card(), tiny_cifar)
    (fetched.folder / cifar10.FOLDER / "data_batch_2.bin").unlink()
    (fetched.folder / "notes.txt").write_text("mine")
    with pytest.raises(MissingDataError, match="bring a copy"):
        fetch(tiny_card())
    assert fetch(tiny_card(), tiny_cifar) == fetched
    assert left_over(fetched.folder) == [cifar10.FOLDER, "notes.txt"]
    assert left_over(no_data) == ["cifar-10"]


INTERRUPTED = """
import pathlib, sys
from test_fetch import tiny_card
from eyespot.data.fetch import fetch

def interrupt(event, args):
    if event == "os.rename" and str(args[1]).endswith("cifar-10"):
        raise {stop}

sys.addaudithook(interrupt)
fetch(tiny_card(), pathlib.Path({source!r}))
"""


@pytest.mark.parametrize("stop", ["KeyboardInterrupt", "OSError(28, 'No space left on device')"])
def test_an_interruption_leaves_nothing(stop: str, tiny_cifar: Path, no_data: Path) -> None:
    """In a process of its own, which an audit hook stops before the data set gets its name."""
    code = INTERRUPTED.format(stop=stop, source=str(tiny_cifar))
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, env={**os.environ, "PYTHONPATH": paths},
        capture_output=True, text=True,
    )  # fmt: skip
    expected = "KeyboardInterrupt" if stop == "KeyboardInterrupt" else "free some space and repeat"
    assert expected in done.stderr.strip().splitlines()[-1]
    assert left_over(no_data) == []


def test_a_file_in_the_place_of_the_data_set_is_one_line(tiny_cifar: Path, no_data: Path) -> None:
    no_data.mkdir()
    (no_data / "cifar-10").write_text("mine")
    with pytest.raises(EyespotError, match="cifar-10"):
        fetch(tiny_card(), tiny_cifar)
    assert (no_data / "cifar-10").read_text() == "mine"


def test_what_a_kill_left_behind_is_replaced(tiny_cifar: Path, no_data: Path) -> None:
    (no_data / ".cifar-10.partial" / "whole" / cifar10.FOLDER).mkdir(parents=True)
    assert fetch(tiny_card(), tiny_cifar).new
    assert left_over(no_data) == ["cifar-10"]


def test_data_that_the_user_must_bring(no_data: Path) -> None:
    with pytest.raises(MissingDataError, match="bring a copy: eyespot fetch imagenet --from"):
        fetch(catalogue.dataset("imagenet"))


def test_a_folder_of_the_users_is_not_fetched(tmp_path: Path) -> None:
    from pictures import write_folder

    write_folder(tmp_path / "mine", 4)
    with pytest.raises(RefusedError, match="is a folder of your own"):
        fetch(catalogue.dataset(str(tmp_path / "mine")))


def vww_training(place: Path) -> Path:
    folder = place / "vw_coco2014_96"
    for i, label in enumerate(["person", "non_person"] * 20):
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"COCO_val2014_{i:012}.jpg").write_bytes(b"")
    return folder


def test_a_second_part_joins_the_first(tmp_path: Path, no_data: Path) -> None:
    """Visual wake words: the training archive and the test set come from different publishers."""
    card = replace(catalogue.dataset("vww"), splits={"train": 0, "validation": 0, "test": 2}, download=None)
    test = tmp_path / "vww01"
    test.mkdir()
    (test / "y_labels.csv").write_text("1.bin,2,1\n2.bin,2,0\n")
    for name in ("1.bin", "2.bin"):
        (test / name).write_bytes(bytes(vww.BYTES))
    first = fetch(card, pack(vww_training(tmp_path), tmp_path / "a.gz"))
    assert sum(first.splits.values()) == 40
    assert first.splits.keys() == {"train", "validation"}
    both = fetch(card, test)
    assert both.splits == {**first.splits, "test": 2}
    assert "rebuilt" in both.verified
    assert not fetch(card).new


@pytest.mark.slow
def test_imagenet_is_counted(tmp_path: Path, no_data: Path) -> None:
    card = replace(catalogue.dataset("imagenet"), splits={"train": 0, "test": 1000})
    for name in imagenet.IMAGENET_IDS:
        (tmp_path / "my-copy" / name).mkdir(parents=True)
        (tmp_path / "my-copy" / name / f"ILSVRC2012_val_{name}.JPEG").touch()
    fetched = fetch(card, tmp_path / "my-copy")
    assert fetched.verified == "1 validation images in each of 1,000 classes"
    assert fetched.splits == {"test": 1000}
    assert catalogue.open_split(card, "test").labels.tolist() == list(range(1000))
    assert not fetch(card).new
    shutil.rmtree(no_data)
    (tmp_path / "my-copy" / "n01443537" / "another.JPEG").touch()
    with pytest.raises(BadFileError, match="n01443537: 2 images, expected 1"):
        fetch(card, tmp_path / "my-copy")


# --- archives


def make_tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for info, data in members:
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return path


def linked(name: str, kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


ESCAPES = ["../x", "a/../../x", "/x", "\\x", "..\\x", "C:\\x", "C:x", "a\0b", "//server/share/x", "x\n"]


@pytest.mark.parametrize("name", ESCAPES)
def test_a_member_that_escapes(name: str, tmp_path: Path) -> None:
    target = tmp_path / "in" / "here"
    tar = make_tar(tmp_path / "a.tgz", (tarfile.TarInfo("fine"), b"1"), (tarfile.TarInfo(name), b"1"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("fine", b"1")
        info = zipfile.ZipInfo("x")
        info.filename = name
        made.writestr(info, b"1")
    for source in (tar, tmp_path / "a.zip"):
        if "\0" in name:  # both formats end a name there
            unpack(source, target / source.name)
            continue
        with pytest.raises(BadFileError, match=r"its member .* could leave the folder; nothing was unpacked"):
            unpack(source, target)
        assert not target.exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar(kind: bytes, tmp_path: Path) -> None:
    source = make_tar(tmp_path / "a.tgz", (linked("way-out", kind, "/etc"), b""))
    with pytest.raises(BadFileError, match="'way-out' is a link or a device"):
        unpack(source, tmp_path / "out")


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("way-out")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr(info, "/etc")
    with pytest.raises(BadFileError, match="'way-out' is a link or a device"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("suffix", ["gz", "zip"])
def test_a_bomb(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "zeros").mkdir()
    (tmp_path / "zeros" / "0").write_bytes(bytes(1_000_000))
    source = pack(tmp_path / "zeros", tmp_path / f"a.{suffix}")
    with pytest.raises(BadFileError, match="unpacks to more than 999,999 bytes"):
        unpack(source, tmp_path / "out", limit=999_999)
    assert not (tmp_path / "out").exists()
    unpack(source, tmp_path / "out", limit=1_000_000)


def zipped(path: Path, *names: str, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name in names:
            made.writestr(zipfile.ZipInfo(name), b"", compress_type=method)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "names", [("a", "a"), ("a/x", "A/X"), ("a", "a/b"), ("a/b", "A"), ("a/", "A"), ("\u00e9", "e\u0301")]
)
def test_two_members_in_one_place(names: tuple[str, str], tmp_path: Path) -> None:
    tar = make_tar(tmp_path / "a.tgz", *((tarfile.TarInfo(name), b"") for name in names if name[-1] != "/"))
    for source in (zipped(tmp_path / "a.zip", *names), *([tar] if "a/" not in names else [])):
        with pytest.raises(BadFileError, match="is in the place of another; nothing was unpacked"):
            unpack(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["CON", "a/nul.txt", "com1.jpg", "a./b", "a ", "a" * 241, "a/" * 16 + "b"])
def test_names_that_some_systems_cannot_store(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="has a name that some systems cannot store"):
        unpack(zipped(tmp_path / "a.zip", name), tmp_path / "out")


def test_more_members_than_the_size_of_the_archive_allows(tmp_path: Path) -> None:
    tar = make_tar(tmp_path / "a.tgz", *((tarfile.TarInfo(f"{i}"), b"") for i in range(2_200)))
    with pytest.raises(BadFileError, match="is one too many; at most 2,0"):
        unpack(tar, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("key", ["comment", "path"])
def test_headers_without_end(key: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz", format=tarfile.PAX_FORMAT) as made:
        info = tarfile.TarInfo("a")
        info.pax_headers = {key: "x" * 20_000}
        made.addfile(info)
    with pytest.raises(BadFileError, match="has more headers than any data set"):
        unpack(tmp_path / "a.tgz", tmp_path / "out")


def test_a_sparse_file(tmp_path: Path) -> None:
    info = tarfile.TarInfo("hole")
    info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 50), "GNU.sparse.major": "0"}
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as made:
        made.addfile(info)
    with pytest.raises(BadFileError, match="has sparse files"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_unpacks_without_limit(method: int, tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="uses the compression method"):
        unpack(zipped(tmp_path / "a.zip", "a", method=method), tmp_path / "out")


def test_a_damaged_header_is_not_the_end_of_a_tar(tmp_path: Path) -> None:
    data = bytearray(tarfile.TarInfo("1").tobuf() + tarfile.TarInfo("2").tobuf() + bytes(1024))
    data[512 + 150] ^= 1
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(BadFileError, match="a damaged header"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


def test_the_check_sum_of_a_compressed_tar_is_compared(tmp_path: Path) -> None:
    source = make_tar(tmp_path / "a.tgz", (tarfile.TarInfo("a"), b"1"))
    data = bytearray(source.read_bytes())
    data[-6] ^= 1
    source.write_bytes(data)
    with pytest.raises(BadFileError, match="CRC"):
        unpack(source, tmp_path / "out")


@pytest.mark.parametrize("suffix", ["gz", "xz", "bz2", "zip"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_an_archive_cut_short(suffix: str, share: float, tmp_path: Path) -> None:
    (tmp_path / "noise").mkdir()
    for i in range(3):
        (tmp_path / "noise" / f"{i}").write_bytes(np.random.default_rng(i).bytes(50_000))
    source = pack(tmp_path / "noise", tmp_path / f"a.{suffix}")
    source.write_bytes(source.read_bytes()[: int(share * source.stat().st_size)])
    with pytest.raises(BadFileError, match="cut short, damaged or no archive"):
        unpack(source, tmp_path / "out")


def test_a_zip_with_a_damaged_member(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("x", bytes(1000))
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[500] ^= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(BadFileError, match="Bad CRC-32"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


NAMES = st.lists(st.sampled_from(["..", ".", "", "a", "b", "C:", "/", "\\", "é", "con", "~"]), min_size=1, max_size=5)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.one_of(NAMES.map("/".join), NAMES.map("\\".join), NAMES.map("".join), st.text(max_size=12)),
    is_zip=st.booleans(),
)
def test_nothing_is_ever_written_outside(name: str, is_zip: bool, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    try:
        if is_zip:
            with zipfile.ZipFile(tmp_path / "a", "w") as made:
                made.writestr(zipfile.ZipInfo(name), b"1")
        else:
            make_tar(tmp_path / "a", (tarfile.TarInfo(name), b"1"))
    except (UnicodeEncodeError, ValueError):
        return  # not a name that the format can hold
    try:
        unpack(tmp_path / "a", root / "out")
    except EyespotError as error:
        assert "\n" not in str(error)
    assert {path.name for path in root.iterdir()} <= {"out"}
    assert sorted(p.name for p in tmp_path.iterdir() if p.name not in {"a", "data"}) == ["root"]


# --- downloads


@dataclass
class Server:
    """An HTTP server on this machine, and what it was asked for."""

    url: str = ""
    body: bytes = b""
    ranges: bool = True
    status: int = 0
    breaks_at: int = 0
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server(body=np.random.default_rng(0).bytes(1_000_000))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.asked.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.ranges else 0
            part = b"" if state.status else state.body[start:]
            self.send_response(state.status or (416 if asked and not part else 206 if start else 200))
            self.send_header("Content-Length", str(len(part)))
            self.send_header("Content-Range", f"bytes {start}-{len(state.body) - 1}/{len(state.body)}")
            self.end_headers()
            self.wfile.write(part[: state.breaks_at or None])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        state.url = f"http://127.0.0.1:{running.server_port}/data.tar.gz"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield state
        running.shutdown()
        thread.join()


def pinned(server: Server) -> Download:
    return Download(url=server.url, digest=f"sha256:{hashlib.sha256(server.body).hexdigest()}")


def test_a_whole_download(server: Server, tmp_path: Path) -> None:
    path = download(pinned(server), tmp_path / "new" / "file", "help")
    assert path.read_bytes() == server.body
    assert left_over(path.parent) == ["file"]


@pytest.mark.parametrize(("ranges", "have"), [(True, 500_000), (False, 500_000), (True, 1_000_000)])
def test_a_download_continues(ranges: bool, have: int, server: Server, tmp_path: Path) -> None:
    server.ranges = ranges
    (tmp_path / "file.part").write_bytes(server.body[:have])
    assert download(pinned(server), tmp_path / "file", "help").read_bytes() == server.body
    assert server.asked == [f"bytes={have}-"]


def test_a_connection_that_breaks_off(server: Server, tmp_path: Path) -> None:
    server.breaks_at = 300_000
    with pytest.raises(EyespotError, match=r"download stopped \(.*\); repeat to continue"):
        download(pinned(server), tmp_path / "file", "help")
    assert (tmp_path / "file.part").read_bytes() == server.body[:300_000]
    server.breaks_at = 0
    assert download(pinned(server), tmp_path / "file", "help").read_bytes() == server.body
    assert server.asked == [None, "bytes=300000-"]


def test_another_file_than_expected(server: Server, tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"is not the expected file \(md5:0\); deleted, try again"):
        download(Download(url=server.url, digest="md5:0"), tmp_path / "file", "help")
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(("status", "said"), [(401, "asks for an account"), (404, "download failed")])
def test_a_publisher_who_refuses(status: int, said: str, server: Server, tmp_path: Path) -> None:
    server.status = status
    with pytest.raises(MissingDataError, match=rf"{said} \({status} .*\); help"):
        download(pinned(server), tmp_path / "file", "help")


def test_nobody_answers(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        port = closed.server_port
    with pytest.raises(MissingDataError, match=r"no answer .*; help"):
        download(Download(url=f"https://127.0.0.1:{port}/x", digest=""), tmp_path / "file", "help")


def served(server: Server, source: Path, digest: Callable[[Server], str]) -> Dataset:
    """The card of a tiny CIFAR-10 that the server publishes."""
    server.body = pack(source, source.parent.parent / "a.gz").read_bytes()
    return tiny_card(Download(url=server.url, digest=digest(server)))


def test_fetch_downloads(server: Server, tiny_cifar: Path, no_data: Path) -> None:
    card = served(server, tiny_cifar, lambda s: pinned(s).digest)
    assert fetch(card).new
    assert left_over(no_data) == ["cifar-10"]
    assert not fetch(card).new
    assert len(server.asked) == 1


def test_fetch_continues_a_download(server: Server, tiny_cifar: Path, no_data: Path) -> None:
    card = served(server, tiny_cifar, lambda s: pinned(s).digest)
    server.breaks_at = 1000
    with pytest.raises(EyespotError, match="repeat to continue"):
        fetch(card)
    server.breaks_at = 0
    assert fetch(card).new
    assert server.asked == [None, "bytes=1000-"]
    assert left_over(no_data) == ["cifar-10"]


def test_a_login_page_instead_of_an_archive(server: Server, tiny_cifar: Path, no_data: Path) -> None:
    card = served(server, tiny_cifar, lambda _: f"sha256:{hashlib.sha256(b'<html>Sign in</html>').hexdigest()}")
    server.body = b"<html>Sign in</html>"
    with pytest.raises(BadFileError, match="no archive"):
        fetch(card)
    assert left_over(no_data) == []


def test_what_nothing_can_verify_is_downloaded_only_when_asked_to(
    server: Server, tiny_cifar: Path, no_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", "vww"]) == 1
    assert "nothing can verify it. To use it all the same: eyespot fetch vww --unverified" in capsys.readouterr().err
    card = served(server, tiny_cifar, lambda _: "")
    with pytest.raises(RefusedError, match="its publisher gives no digest"):
        fetch(card)
    with pytest.raises(RefusedError, match="not https"):
        fetch(replace(card, download=replace(card.download, unpacked=True)))
    assert server.asked == left_over(no_data) == []


def test_what_stopped_downloads_left_goes_when_the_data_are_whole(tiny_cifar: Path, no_data: Path) -> None:
    no_data.mkdir()
    for name in (".cifar-10.download", ".cifar-10.download.part", ".cifar-10.download.part.version"):
        (no_data / name).write_text("old")
    fetch(tiny_card(), tiny_cifar)
    assert left_over(no_data) == ["cifar-10"]
