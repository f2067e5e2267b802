"""The only way to run what may crash, hang or eat memory: in a process of its own, with limits.

`run` calls one function in a fresh worker, `Pool` calls a function many times in several workers, and
`command` runs a foreign program. A worker is a program of its own, not a copy of the user's script, so it
needs no `__main__` guard and works from standard input, in notebooks and threads.

Requests are pickled. Results are not, because a hostile file may control the worker: they return as
msgpack and must match the function's return annotation. It may consist of plain values, numeric arrays
and dataclasses, all defined at run time. What a worker prints goes to a temporary file.

All three raise a ToolDiedError if the tool did not answer; its message begins with `name`. They raise
MissingExtraError if the tool's package is not installed. An EyespotError that the function raises
arrives as the same class; only that is a verdict on a file.
"""

from eyespot.isolation.pool import Pool as Pool
from eyespot.isolation.pool import command as command
from eyespot.isolation.pool import run as run
from eyespot.isolation.process import MEMORY as MEMORY
