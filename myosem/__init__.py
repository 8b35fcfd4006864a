"""MyoSem: the search engine for muscle activity.

``from myosem import Library, Engine`` is the whole public API most people need; both names are
imported on first use, so that ``import myosem`` stays instant.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from myosem.library import Library
    from myosem.search import Engine

__version__ = "0.1.0"
__all__ = ["Engine", "Library", "__version__"]

_HOMES = {"Engine": "myosem.search", "Library": "myosem.library"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'myosem' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
