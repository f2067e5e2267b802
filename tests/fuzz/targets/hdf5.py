"""Keras weights in an HDF5 file."""

from __future__ import annotations

import io
from collections.abc import Iterator

import h5py
import numpy as np

from eyespot.weights import hdf5
from fuzzing import file, refusals


def seeds() -> Iterator[bytes]:
    for kind in ("f4", "f8", "i1", "S4", "c8"):
        for options in ({}, {"compression": "gzip", "chunks": (1, 3)}):
            data = io.BytesIO()
            with h5py.File(data, "w") as opened:
                group = opened.create_group("model_weights/dense/dense")
                group.create_dataset("kernel:0", data=np.zeros((2, 3), kind), **options)
                group.create_dataset("bias:0", data=np.zeros(3, np.float32))
                group.attrs["weight_names"] = [b"kernel:0", b"bias:0"]
            yield data.getvalue()


def one(data: bytes) -> None:
    """In this process, which is faster and finds what the isolated one would die of."""
    path = file(data, "weights.h5")
    with refusals():
        hdf5.read_here(path)
