"""docs/api.md: the public Python names, from their docstrings."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from docstring_parser import parse

HEAD = """# Python API

Every command is a function of `eyespot` with the same name, parameters and defaults, and returns an object with named
fields. Functions work in scripts, notebooks and threads, and need no `__main__` guard. They take paths as strings or
`Path`; `predict` also takes PIL images and arrays.

```python
import eyespot

[prediction] = eyespot.predict("tiny-resnet", "photo.jpg")
print(prediction.classes[0])  # the name of the first class and its probability

for device in eyespot.check("tiny-resnet", device="mcxn947"):
    print(device.device, device.runs.status, device.npu.status)
```

Objects print as one line, show a table in a notebook, and `as_dict()` gives what `--json` prints. Every error is an
`eyespot.EyespotError` whose text is one line.
"""


def page() -> str:
    """Functions, then the objects that they return and take, then errors."""
    import eyespot

    names = {name: getattr(eyespot, name) for name in eyespot.__all__ if name != "__version__"}
    errors = {n: each for n, each in names.items() if inspect.isclass(each) and issubclass(each, Exception)}
    functions = {n: each for n, each in names.items() if inspect.isfunction(each)}
    objects = {n: each for n, each in names.items() if n not in errors | functions}
    parts = [
        HEAD,
        "## Functions\n",
        *(_function(name, each) for name, each in functions.items()),
        "## Objects\n",
        *(_object(name, each) for name, each in objects.items()),
        "## Errors\n",
        *(f"- `{name}` (a `{each.__mro__[1].__name__}`): {_line(each)}" for name, each in errors.items()),
    ]
    return "\n".join(parts) + "\n"


def _function(name: str, function: Any) -> str:
    """Its signature, its docstring, its parameters."""
    described = parse(inspect.getdoc(function) or "")
    parts = [f"### {name}", f"```python\neyespot.{name}{signature(function)}\n```", described.short_description or ""]
    long = re.sub(r"^Example: (eyespot .*)$", r"Command: `\1`", described.long_description or "", flags=re.M)
    parameters = "\n".join(f"- `{p.arg_name}`: {' '.join((p.description or '').split())}" for p in described.params)
    raised = "\n".join(f"- raises `{r.type_name}`: {r.description}" for r in described.raises)
    return "\n\n".join(part for part in (*parts, long, parameters, raised) if part) + "\n"


def signature(function: Any) -> str:
    """A function's parameters, one a line if there are several, and what it returns."""
    described = inspect.signature(function)
    kinds = list(described.parameters.values())
    parameters = [_parameter(each) for each in kinds]
    if named := [index for index, each in enumerate(kinds) if each.kind is each.KEYWORD_ONLY]:
        parameters.insert(named[0], "*")
    text = ", ".join(parameters) if len(parameters) < 3 else "".join(f"\n    {each}," for each in parameters) + "\n"
    return f"({text}) -> {_type(described.return_annotation)}"


def _parameter(parameter: inspect.Parameter) -> str:
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{parameter.name}: {_type(parameter.annotation)}{default}"


def _type(annotation: object) -> str:
    """A type as it is written, without what only the command line needs."""
    return re.sub(r"Annotated\[(.+), \w+\(.*\)\]", r"\1", str(annotation))


def _object(name: str, kind: Any) -> str:
    """Its docstring and its fields."""
    described = inspect.getdoc(kind) or "" if inspect.isclass(kind) else ""
    parts = [f"### {name}", described]
    if is_dataclass(kind):
        parts.append("\n".join(f"- `{each.name}: {each.type}`{_default(each)}" for each in fields(kind)))
    return "\n\n".join(part for part in parts if part) + "\n"


def _default(field: Any) -> str:
    return "" if field.default is MISSING else f", `{field.default!r}` by default"


def _line(kind: Any) -> str:
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
