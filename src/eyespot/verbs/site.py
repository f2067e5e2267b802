"""site: the zoo, or your own models, as pages in a browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eyespot.arguments import verb
from eyespot.errors import BadArgumentError
from eyespot.site import engine
from eyespot.site.engine import Site


@verb
def write_site(
    models: Sequence[str] = (),
    *,
    out: Path = Path("build/site"),
    runtime: Path | None = None,
    serve: bool = False,
    port: int = 8000,
) -> Site:
    """Write a static web site: a gallery with plots and the Model List, a page for each model and device.

    It shows what the other commands measured; it measures nothing. On a model's page you can try its int8 file on
    your pictures, which stay on your machine; a browser gets LiteRT.js for that from a CDN, or from --runtime.

    Example: eyespot site --serve

    Args:
        models: Models, .tflite files or folders that `train` or `make` wrote; the whole zoo by default.
        out: Folder to write to.
        runtime: A folder of @litertjs/core, such as node_modules/@litertjs/core; then no page needs the network.
        serve: Then show it at http://127.0.0.1:PORT/ until Ctrl-C.
        port: Of that address.
    """
    if not 0 <= port <= 65535:
        raise BadArgumentError(f"port: expected 0 to 65535, found {port}")
    written = engine.write(models, out, runtime)
    if serve:
        from eyespot.site.serve import serve as show

        show(out, port)
    return written
