"""eyespot: small image classifiers for embedded devices, every number measured.

Each command of the command line is a function here. A name of `__init__.pyi` is imported when it is first
used, so that `import eyespot` loads no framework.
"""

import lazy_loader

_lazy, _, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name):
    if name != "__version__":
        return _lazy(name)
    from importlib.metadata import version

    return version("eyespot")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
