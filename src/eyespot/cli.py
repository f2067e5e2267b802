"""The command line: the verbs, derived from their functions by cyclopts.

An error ends here, in a line and an exit code: 0 done, 1 an error of the user's world, 2 usage.
"""

from __future__ import annotations

import ast
import atexit
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal

from cyclopts import App, CycloptsError, Group, Parameter, UnknownCommandError
from cyclopts.completion.detect import ShellDetectionError

from eyespot.errors import BadArgumentError, EyespotError, OverlapError, UnfitError, UnknownNameError
from eyespot.escaping import terminal

GROUPS = {  # the commands in the order of the work
    "Choose": "list show predict site report",
    "Your own pictures": "fetch inspect train convert quantize evaluate",
    "To the board": "make check compile bench export",
    "Trust": "verify doctor measure",
}
VERBS = {name: name for names in GROUPS.values() for name in names.split()}  # a module of `verbs`: its function
VERBS |= {"list": "list_models", "compile": "compile_for", "site": "write_site"}
Shell = Literal["bash", "zsh", "fish"]


def build(asked: str = "") -> App:
    """The app, with a lazily imported command for each verb; only the help of `asked` is complete."""
    from eyespot.reports.choices import HelpPage, complete

    app = App(
        name="eyespot",
        help="Small image classifiers for embedded devices, every number measured.\n\n"
        "MODEL is a name from `eyespot list` (its int8 file), NAME:float32, a .tflite file or a folder. "
        "Every command takes --json.\n\nExample: eyespot make tiny-resnet --device imx93",
        version_flags=["--version"],
        help_flags=["--help", "-h"],
        default_parameter=Parameter(negative_iterable=(), completer=complete),
        help_formatter=HelpPage(),
        group_commands=Group("Options", sort_key=len(VERBS)),
    )
    places = {name: place for place, name in enumerate(VERBS)}
    for title, names in GROUPS.items():
        group = Group(title, sort_key=places[names.split()[0]])
        for name in names.split():
            path, summary = f"eyespot.verbs.{name}:{VERBS[name]}", None if asked in VERBS else _summary(name)
            app.command(path, name=name, help=summary, group=group, sort_key=places[name])
    app.command(_installer(app), name="--install-completion", help="Let the shell complete commands and names.")
    return app


def _installer(app: App) -> Callable[..., None]:
    def install(shell: Shell | None = None) -> None:
        """Write the completion of your shell, and have the shell load it.

        Example: eyespot --install-completion

        Args:
            shell: By default the shell that you are in.
        """
        try:
            path = app.install_completion(shell=shell)
        except ShellDetectionError:
            raise BadArgumentError("shell: cannot tell which you use; add bash, zsh or fish") from None
        print(f"written: {path}; it works in a new shell (in zsh if .zshrc calls compinit)")

    return install


def _summary(name: str) -> str:
    """The first line of a verb's docstring, read without importing the verb."""
    tree = ast.parse((Path(__file__).parent / "verbs" / f"{name}.py").read_text("utf-8"))
    functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
    return (ast.get_docstring(functions[VERBS[name]]) or "").partition("\n")[0]


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command; print the noun that it returns, as tables or (--json) as one JSON document."""
    words = list(sys.argv[1:] if tokens is None else tokens)
    words, as_json = [word for word in words if word != "--json"], "--json" in words
    try:
        _run(words, as_json=as_json)
        sys.stdout.flush()
    except UnknownCommandError:
        return _fail(f"{UnknownNameError('command', words[0], VERBS)}; see: eyespot --help", code=2)
    except (CycloptsError, BadArgumentError) as error:
        command = f"{words[0]} " if words and words[0] in VERBS else ""
        return _fail(f"{str(error).rstrip('.')}; see: eyespot {command}--help", code=2)
    except EyespotError as error:
        return _fail(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        return _fail(f"{error.filename or 'output'}: {error.strerror}")
    except MemoryError:
        return _fail("not enough memory; close other programs and repeat")
    except KeyboardInterrupt:
        return _fail("stopped; nothing is left half-written")
    return 0


def _run(words: Sequence[str], *, as_json: bool) -> None:
    command, bound, _ = build(*words[:1]).parse_args(words, exit_on_error=False, print_error=False)
    try:
        result = command(*bound.args, **bound.kwargs)
    except UnfitError as error:
        _print(error.result, as_json=as_json)
        raise
    except OverlapError as error:
        if as_json:
            _print(error.result, as_json=True)
        raise
    if result is not None:
        _print(result, as_json=as_json, command=words[0], arguments=bound.arguments)


def _print(result: object, *, as_json: bool, command: str = "", arguments: Mapping[str, Any] | None = None) -> None:
    from eyespot.nouns import plain
    from eyespot.reports.following import following
    from eyespot.reports.terminal import show

    if as_json:
        print(json.dumps(plain(result), indent=1))
    else:
        show(result, following(command, arguments or {}, result))


def _fail(message: str, code: int = 1) -> int:
    if os.environ.get("LOCAL_RANK", "0") == "0":  # torchrun's other processes would say the same
        print(f"eyespot: {terminal(' '.join(message.split()))}", file=sys.stderr)
    return code


def run() -> None:
    """Run the command of this process and exit. Characters that the terminal lacks are printed as escapes."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 (stays open)
    if sys.stdout is None:
        sys.exit(_fail("standard output is closed; send it to a file or to /dev/null"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the answer is given
    atexit._run_exitfuncs()
    sys.stderr.flush()
    os._exit(code)  # unloading every module in order would cost 35 ms
