"""The engine of the published version, for as long as a server runs.

engines = Engines(Path("lib"), Model.load())
with engines.use() as engine:      # one request: one engine, one version, from start to end
    result = engine.search("make a fist")
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from myosem.errors import LibraryError
from myosem.library import Library, published_version
from myosem.search import Engine

if TYPE_CHECKING:
    from myosem.model import Model


@dataclass(eq=False)
class _Held:
    """An engine and how many requests use it; once retired, the last of them closes it."""

    engine: Engine
    users: int = 0
    retired: bool = False


class Engines:
    """Gives the engine of the version that is published; many threads may share it.

    ``CURRENT`` is looked at whenever an engine is asked for. One request opens a new version while the
    others go on with the old one, which is closed when nobody uses it any more.

    Attributes:
        path: of the library.
        model: in use, loaded once.
        trouble: why the newest version is not in use, None where it is.

    Raises:
        LibraryError: there is no library, it is damaged, or (IndexMismatchError) of another model.
    """

    def __init__(self, path: Path, model: "Model") -> None:
        self.path = path
        self.model = model
        self.trouble: str | None = None
        self._refused: int | None = None
        self._lock, self._opening = Lock(), Lock()
        self._held = _Held(self._open())

    @property
    def version(self) -> int:
        """The version in use."""
        return self._held.engine.library.version

    @contextmanager
    def use(self) -> Iterator[Engine]:
        """The engine for one request; whatever is asked of it is answered from one version."""
        self._refresh()
        with self._lock:
            held = self._held
            held.users += 1
        try:
            yield held.engine
        finally:
            with self._lock:
                held.users -= 1
            self._close_if_over(held)

    def close(self) -> None:
        """Retire the engine; requests that still use it finish."""
        self._retire(self._held)

    def _refresh(self) -> None:
        """Change to the published version, unless another request is doing that."""
        if not self._opening.acquire(blocking=False):
            return
        try:
            self._change()
        finally:
            self._opening.release()

    def _change(self) -> None:
        published: int | None = None
        try:
            published = published_version(self.path)
            if published is not None and published == self._refused:
                return
            new = None if published == self.version else _Held(self._open())
        except LibraryError as error:
            self._refused, self.trouble = published, str(error)
            return
        self._refused = self.trouble = None
        if new is not None:
            with self._lock:
                old, self._held = self._held, new
            self._retire(old)

    def _open(self) -> Engine:
        library = Library.open(self.path)
        try:
            if library.manifest.indexed:
                library.manifest.check_model(self.model.fingerprint, library.path)
                library.index()
                library.hold_rows()
        except LibraryError:
            library.close()
            raise
        return Engine(library, self.model)

    def _retire(self, held: _Held) -> None:
        with self._lock:
            held.retired = True
        self._close_if_over(held)

    def _close_if_over(self, held: _Held) -> None:
        with self._lock:
            over = held.retired and not held.users
        if over:
            held.engine.library.close()
