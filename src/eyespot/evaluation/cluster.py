"""Workers on the nodes of a Ray cluster.

    this process -> an isolated driver -> Ray -> a Ray worker on each core -> its isolated worker

The driver is isolated because Ray prints, and ends or stops a process that loses its cluster. On the nodes a
file runs in an isolated worker too, with the limits that it has here. Ray repeats what a lost node had begun.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Self, TypeVar, TypeVarTuple

from eyespot import errors
from eyespot.artifacts import places
from eyespot.isolation import Pool

A = TypeVar("A")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")

ADDRESS = re.compile(r"auto|[\w.:\[\]-]+:\d{1,5}", re.ASCII)
REACH_SECONDS, JOIN_SECONDS = 5, 15  # for a connection, and until the cluster has taken this machine in
START_SECONDS = 90  # until a cluster of this machine has started
POLL_SECONDS, EMPTY_SECONDS = 10, 60  # between looks at the cluster, and how long it may have no core
ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}  # reached from here, reports nothing
UNLIMITED = 1 << 30  # seconds: the nodes limit the time of each item
SPACE = 1 << 46  # bytes of address space: the driver maps the shared memory of its node
RETRIES = 3  # of an item whose node or Ray worker died
DECIDING = ("ai-edge-litert", "numpy", "pillow", "tflite-micro")  # packages on whose versions answers depend


class Cluster:
    """Workers on all cores of a cluster, with the protocol of `isolation.Pool`; the nodes need the same paths.

    `address` is HOST:PORT of a cluster that this machine is a node of, "auto" for the one that runs here, or None
    for a new one of this machine's `cores`, all by default, which ends with this process. BadArgumentError for
    another form; MissingExtraError without Ray; ToolStartError, when work is handed out, if nothing answers.
    """

    def __init__(
        self, address: str | None, *, preload: Sequence[str] = (), memory: int, cores: int | None = None
    ) -> None:
        if address is not None and not ADDRESS.fullmatch(address):
            raise errors.BadArgumentError(f"cluster: expected auto or HOST:PORT, found {address!r}")
        self._name = f"cluster {address}" if address else "this machine"
        self._preload, self._memory = tuple(preload), memory
        first = ("ray",) if address else ()  # not before `join` has changed the environment
        self._driver = Pool(1, preload=(*first, __name__), memory=SPACE, name=f"{self._name}: Ray's client")
        self._seconds = JOIN_SECONDS if address else START_SECONDS
        self._joined = self._driver.open(join, address, cores or os.cpu_count() or 1, seconds=self._seconds)([None])

    @cached_property
    def _cores(self) -> int:
        try:
            [cores] = self._joined
        except errors.ToolTimeError:
            raise errors.ToolStartError(
                f"{self._name}: no answer within {self._seconds} s. Look whether it runs (ray status) and whether "
                "this machine is one of its nodes (ray start --address=HOST:PORT --num-cpus=0)"
            ) from None
        return cores

    def __len__(self) -> int:
        return self._cores

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._driver.close()

    def open(
        self, function: Callable[[*Ts], Callable[[A], R]], *args: *Ts, name: str = ""
    ) -> Callable[[Iterable[A]], Iterator[R]]:
        """As `Pool.open`. All items are handed out at once. Errors on a node begin with the node."""

        def spread_out(items: Iterable[A]) -> Iterator[R]:
            every = list(items)
            task = Task(function=function, args=args, name=name, preload=self._preload, memory=self._memory)
            return self.drive(spread, task, every, like=function)(range(len(every)))

        return spread_out

    def drive(
        self, function: Callable[[*Ts], Callable[[A], R]], *args: *Ts, like: Callable[..., Any] | None = None
    ) -> Callable[[Iterable[A]], Iterator[R]]:
        """As `Pool.open` in the driver, once it has joined. There is no limit of time."""
        len(self)
        return self._driver.open(function, *args, seconds=UNLIMITED, like=like)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a node gets once: the function to open, its arguments, and the limits of its worker."""

    function: Callable[..., Callable[[Any], Any]]
    args: tuple[Any, ...]
    name: str
    preload: tuple[str, ...]
    memory: int


def join(address: str | None, cores: int) -> Callable[[None], int]:
    """In the driver: connect to the cluster, or start one of so many cores. Returns what tells its number of cores."""
    if address:
        _reach(address)
    else:
        os.environ |= ALONE
    import ray

    name = f"cluster {address}" if address else "this machine"
    os.chdir(os.sep)  # nodes import from the driver's current folder
    own = {} if address else {"num_cpus": cores, "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(address=address or "local", logging_level="ERROR", log_to_driver=False, **own)
    except ConnectionError as error:
        raise errors.ToolStartError(
            f"{name}: no Ray runs on this machine. Start a cluster (ray start --head) or join one "
            "(ray start --address=HOST:PORT)"
        ) from error
    except Exception as error:
        raise errors.ToolStartError(f"{name}: {_words(error)}") from error

    def joined(_: None) -> int:
        if found := _cores():
            return found
        raise errors.ToolStartError(f"{name}: has no core. Start a node: ray start --address=HOST:PORT")

    return joined


def _reach(address: str) -> None:
    """ToolStartError unless something listens there; Ray itself would try for two minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise errors.ToolStartError(
            f"cluster {address}: cannot be reached ({_words(error)}). Give the address that `ray start --head` printed"
        ) from error


def spread(task: Task, items: Sequence[Any]) -> Callable[[int], Any]:
    """In the driver: hand out all items. Returns a function from an item's place to its answer."""
    import ray

    sent, mine = ray.put(task), software()
    ask = ray.remote(num_cpus=1, max_retries=RETRIES)(answer)
    replies = [ask.remote(sent.hex(), [sent], mine, item) for item in items]
    return lambda i: _wait(replies[i])


def until(ready: Callable[[float], Any]) -> None:
    """Call it with a number of seconds to wait until it returns something. ToolDiedError if all cores are gone."""
    empty = 0
    while not ready(POLL_SECONDS):
        empty = 0 if _cores() else empty + POLL_SECONDS
        if empty >= EMPTY_SECONDS:
            raise errors.ToolDiedError("the cluster lost its last core. Start a node and repeat")


def _wait(reply: Any) -> Any:
    import ray

    until(lambda seconds: ray.wait([reply], timeout=seconds)[0])
    try:
        return ray.get(reply)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, errors.EyespotError):
            raise error.cause from None
        last = (str(error.cause).strip() or type(error.cause).__name__).splitlines()[-1]  # of a traceback
        raise errors.ToolCrashedError(f"a node failed: {last}. Install the same eyespot there as here") from None
    except ray.exceptions.RayError as error:
        raise errors.ToolDiedError(f"a node died again and again: {_words(error)}") from None


def _cores() -> int:
    import ray

    return int(ray.cluster_resources().get("CPU", 0))


def answer(key: str, sent: list[Any], wanted: Mapping[str, str], item: Any) -> Any:
    """In a Ray worker: the answer to an item from its isolated worker, which opens each task once."""
    import ray

    try:
        [found] = _opened(key, sent, wanted)([item])
    except errors.EyespotError as error:
        _close()
        node = ray.util.get_node_ip_address()
        raise type(error).__new__(type(error), f"node {node}: {error}") from None
    return found


def check_software(wanted: Mapping[str, str]) -> None:
    """RefusedError if this node has another version of something; what it lacks it does not need."""
    found = software()
    for name in wanted.keys() & found.keys():
        if found[name] != wanted[name]:
            raise errors.RefusedError(f"has {name} {found[name]}, expected {wanted[name]} as here. Install the same")


_pools: list[Pool] = []  # of this Ray worker: one, once it has work
_asks: dict[str, Callable[[list[Any]], Iterator[Any]]] = {}  # the task that is open in it


def _opened(key: str, sent: list[Any], wanted: Mapping[str, str]) -> Callable[[list[Any]], Iterator[Any]]:
    """The worker of this Ray worker, with the task of this key open. RefusedError for other software."""
    if key not in _asks:
        import ray

        check_software(wanted)
        task = ray.get(sent[0])
        if not _pools:
            _pools.append(Pool(1, preload=task.preload, memory=task.memory))
        _asks.clear()
        _asks[key] = _pools[0].open(task.function, *task.args, name=task.name)
    return _asks[key]


def _close() -> None:
    """After an error a pool is of no more use."""
    _asks.clear()
    while _pools:
        _pools.pop().close()


@cache
def software() -> dict[str, str]:
    """The versions of all that an answer depends on; eyespot's own is a digest of its code."""
    from importlib.metadata import PackageNotFoundError, version

    code = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(places.PACKAGE.rglob("*.py"))))
    found = {"eyespot with code": code.hexdigest()[:12]}
    for name in DECIDING:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _words(error: object) -> str:
    """An error of another library, in a line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:300] or type(error).__name__
