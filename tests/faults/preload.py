"""What commands import, imported once for all that are forked later. No thread may have started."""

from __future__ import annotations

import importlib
import os
import pkgutil


def imports() -> None:
    import matplotlib.backends.backend_agg  # noqa: F401
    import torch

    import eyespot
    from eyespot.capture import captured

    with captured():
        import litert_torch  # noqa: F401
    for module in pkgutil.walk_packages(eyespot.__path__, "eyespot."):
        if not module.name.startswith(("eyespot.exports.templates", "eyespot.__main__")):
            importlib.import_module(module.name)
    torch.set_num_threads(1)
    assert len(os.listdir("/proc/self/task")) == 1, "threads do not survive a fork"
