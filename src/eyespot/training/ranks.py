"""Training by several processes, as torchrun starts them.

The first process, rank 0, does all that one process does: it reads, locks, writes and prints. The others serve it.
They wait for its calls of `together`, in which every process computes its own part. So nothing that does not
compute needs to know of ranks; outside such a call, and with one process, every function here returns at once.

What a call needs is pickled, so that the others hold no state and rank 0's is the only one. Whoever reaches the
ports of a training can run code in it; those on one machine are bound to it.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from eyespot.errors import EyespotError, RefusedError, StoppedError
from eyespot.progress import note

SILENT = timedelta(minutes=10)  # of a process that hangs; one that ended is noticed at once
LOOK = 0.02  # seconds between two looks for a call
STARTED, ENDED = "eyespot: processes started", "eyespot: processes ended"  # keys of the store

T = TypeVar("T")


class Team:
    """The processes of a training, of which this is number `rank` of `size`."""

    def __init__(self, device: str) -> None:
        """Waits for the others."""
        _stay_here()
        self._store, self.rank, self.size = next(dist.rendezvous("env://"))
        backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
        with answered():
            here = self._store.add(STARTED, 1)
            while here < self.size:  # PyTorch would wait as well, but ignore signals
                time.sleep(LOOK)
                here = self._store.add(STARTED, 0)
            dist.init_process_group(backend, store=self._store, rank=self.rank, world_size=self.size, timeout=SILENT)
        self._calls = 0

    def send(self, call: object) -> None:
        """Give the others something to do; None ends them."""
        packed = io.BytesIO()
        torch.save(call, packed)
        with answered():
            self._store.set(self._next(), "")
            dist.broadcast_object_list([packed.getvalue()])

    def receive(self) -> Any:
        """What rank 0 sends next, however long that takes."""
        key = self._next()
        packed = [b""]
        with answered():
            while not self._store.check([key]):
                if self._store.check([ENDED]):
                    raise _lost()
                time.sleep(LOOK)
            dist.broadcast_object_list(packed)
        own = {"cuda:0": f"cuda:{torch.cuda.current_device()}"} if torch.cuda.is_available() else None
        return torch.load(io.BytesIO(packed[0]), map_location=own, weights_only=False)  # it has functions

    def closing_error(self, error: BaseException) -> BaseException:
        """What this process ends with after an error. Of all that fail only the first one says why."""
        if (self.rank and isinstance(error, KeyboardInterrupt)) or not self._is_first():
            return SystemExit(1)
        if self.rank and isinstance(error, EyespotError | OSError | MemoryError):  # the command prints rank 0's
            note(" ".join(str(error).split()) or "not enough memory")
            return SystemExit(1)
        return error

    def _is_first(self) -> bool:
        try:
            return self._store.add(ENDED, 1) == 1
        except RuntimeError:  # whoever held the store is gone
            return self.rank == 0

    def _next(self) -> str:
        self._calls += 1
        return f"eyespot: call {self._calls}"


@dataclass
class Here:
    """The team of this process, and whether it computes in `together`."""

    team: Team | None = None
    computes: bool = False


HERE = Here()


def size() -> int:
    """The number of processes that compute in `together`."""
    return HERE.team.size if HERE.team else 1


def computing() -> Team | None:
    """The processes that compute together at this moment, if there are several."""
    return HERE.team if HERE.computes else None


def part() -> slice:
    """The share of this process of a batch, or of the batches: all, outside `together`."""
    team = computing()
    return slice(team.rank, None, team.size) if team else slice(None)


@contextlib.contextmanager
def joined(device: str, threads: int | None) -> Iterator[None]:
    """Be one of the processes that torchrun started, if it did.

    Rank 0 runs the block. The others serve it and end with it, by SystemExit. Each uses its share of the cores,
    or `threads`. If one ends with an error or by a signal, all end, and one of them says why: the others end by
    SystemExit. RefusedError for more processes than GPUs.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    if not all(os.environ.get(name, "").isdecimal() for name in names) or os.environ["WORLD_SIZE"] == "1":
        yield
        return
    _use_share(device, threads)
    with _stopped_by_torchrun():
        HERE.team = team = Team(device)
        try:
            if team.rank == 0:
                yield
                team.send(None)
            else:
                _serve(team)
        except BaseException as error:
            raise team.closing_error(error) from error.__cause__
        finally:
            HERE.team = None
            dist.destroy_process_group()
    if team.rank:
        raise SystemExit(0)


def together(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in every process at once; what it returns in rank 0. It must be one of a module."""
    if HERE.team:
        HERE.team.send((function, arguments))
    return _called(function, arguments)


def check_batch(images: int) -> None:
    """RefusedError for more processes than images in a batch."""
    if size() > images:
        raise RefusedError(f"{size()} processes share a batch of {images}; start at most {images}")


def total(x: Tensor) -> Tensor:
    """The sum over all processes."""
    if computing():
        x = x.detach().clone()
        with answered():
            dist.all_reduce(x)
    return x


def total_gradients(network: nn.Module) -> None:
    """Replace each gradient by its sum over all processes, in one message."""
    if computing():
        gradients = [each.grad for each in network.parameters() if each.grad is not None]
        summed = total(torch.cat([each.flatten() for each in gradients]))
        for each, whole in zip(gradients, summed.split([each.numel() for each in gradients]), strict=True):
            each.copy_(whole.view_as(each))


def gathered(parts: Sequence[Tensor]) -> Tensor:
    """In rank 0 the rows that all processes computed of batches that they took in turns, in order."""
    if not (team := computing()):
        return torch.cat(list(parts))
    found: list[Any] | None = None if team.rank else [None] * team.size
    with answered():
        dist.gather_object(list(parts), found)
    batches = [each for turn in zip_longest(*found or ()) for each in turn if each is not None]
    return torch.cat(batches) if batches else torch.empty(0)


@contextlib.contextmanager
def answered() -> Iterator[None]:
    """StoppedError if a process that is talked to is gone."""
    try:
        yield
    except RuntimeError as error:
        raise _lost() from error


def _lost() -> StoppedError:
    everyone = os.environ["WORLD_SIZE"]
    return StoppedError(f"one of {everyone} processes ended, so all do; the same command continues")


def _called(function: Callable[..., T], arguments: Sequence[Any]) -> T:
    HERE.computes = True
    try:
        return function(*arguments)
    finally:
        HERE.computes = False


def _serve(team: Team) -> None:
    """Do what rank 0 says, silently, until it ends them."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):  # noqa: PTH123
        while call := team.receive():
            _called(*call)


def _use_share(device: str, threads: int | None) -> None:
    """Of the cores and GPUs of this machine."""
    here, processes = (int(os.environ[name]) for name in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    if device == "mps" or (device == "cuda" and processes > torch.cuda.device_count()):
        gpus = 1 if device == "mps" else torch.cuda.device_count()
        raise RefusedError(f"--device {device}: {processes} processes, but {gpus} GPUs; start one for each")
    if device == "cuda":
        torch.cuda.set_device(here)
    torch.set_num_threads(threads or max(1, (os.cpu_count() or 1) // processes))


def _stay_here() -> None:
    """Let gloo listen on this machine alone if all processes are here; it would ask the network for its name."""
    if os.environ["WORLD_SIZE"] == os.environ["LOCAL_WORLD_SIZE"] and "GLOO_SOCKET_IFNAME" not in os.environ:
        loopback = [name for _, name in socket.if_nameindex() if name.startswith("lo")]
        os.environ.update({"GLOO_SOCKET_IFNAME": loopback[0]} if loopback else {})


@contextlib.contextmanager
def _stopped_by_torchrun() -> Iterator[None]:
    """StoppedError where torchrun ends this process, because another one ended.

    After an error it ignores that: it has its own line to print. torchrun waits 30 s for that.
    """

    def end(*_: object) -> None:
        raise _lost()

    if threading.current_thread() is not threading.main_thread():  # Python allows no handlers there
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except BaseException:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise
    signal.signal(signal.SIGTERM, before)
