"""Queries in files: a batch of them, and those that are saved in a library.

A batch is a text file with one phrase a line, a YAML of names and phrases, or a CSV with the columns ``name``
and ``query``. What is saved stands in ``queries.yaml`` in the library's folder, beside its versions, which
never change; it is replaced as a whole.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from myosem.errors import LibraryError, UsageError
from myosem.store import replace_text, writer_lock
from myosem.target import Query

QUERIES, QUERIES_LOCK = "queries.yaml", "queries.lock"
HEADING = "# Saved by: myosem search QUERY --save NAME. Run by: myosem search @NAME.\n"
NAME = re.compile(r"\w[\w.-]*")
BATCH = "one phrase a line, a YAML of names and phrases, or a CSV with the columns name and query"


@dataclass(frozen=True)
class SavedQuery:
    """A query with its filter and how its hits are chosen; None where that was left open."""

    query: str = ""
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    where: str | None = None
    k: int | None = None
    diverse: bool = False
    merge: bool | None = None

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  (what pydantic looks for)

    def named(self, name: str | None) -> Query:
        """What is looked for."""
        return replace(Query.of(self.query, self.like, self.unlike), name=name)

    def changed(self, given: "SavedQuery") -> "SavedQuery":
        """The same with more liked and not liked, and with whatever else is given in place of its own."""
        return SavedQuery(
            self.query,
            self.like + given.like,
            self.unlike + given.unlike,
            self.where if given.where is None else given.where,
            self.k if given.k is None else given.k,
            self.diverse or given.diverse,
            self.merge if given.merge is None else given.merge,
        )

    def to_plain(self) -> dict[str, Any]:
        """What is not left open, as plain values."""
        plain = asdict(SavedQuery())
        own = {name: value for name, value in asdict(self).items() if value != plain[name]}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}


def read_queries(path: Path) -> list[Query]:
    """The queries of a batch.

    Args:
        path: ends with .yaml, .yml or .csv, or is a text file, in which empty lines and lines that begin with
            ``#`` do not count.

    Raises:
        UsageError: it cannot be read or understood, or holds no query.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the queries {path} cannot be read", got=error, expected=BATCH) from error
    suffix = path.suffix.lower()
    if suffix in {".yaml", ".yml"}:
        found = _of_yaml(path, text)
    elif suffix == ".csv":
        found = _of_csv(path, text)
    else:
        lines = [line.strip() for line in text.splitlines()]
        found = [Query(line) for line in lines if line and not line.startswith("#")]
    if not found:
        raise UsageError(f"there is no query in {path}", expected=BATCH)
    for number, query in enumerate(found, start=1):
        if not query.parts:
            raise UsageError(f"query {number} of {path} is empty", expected=BATCH)
    return found


def saved_queries(library: Path) -> dict[str, SavedQuery]:
    """What is saved in a library's folder, by name.

    Raises:
        LibraryError: there is no library, or ``queries.yaml`` was changed into something else.
    """
    path = _checked(library) / QUERIES
    if not path.exists():
        return {}
    from pydantic import TypeAdapter, ValidationError

    try:
        values = _load_yaml(path.read_text(encoding="utf-8"))
        return TypeAdapter(dict[str, SavedQuery]).validate_python(values or {})
    except (OSError, UnicodeDecodeError, ValueError, ValidationError) as error:
        raise LibraryError(
            f"the saved queries {path} cannot be read",
            got=str(error).splitlines()[0],
            expected="names, each with query, like, unlike, where, k, diverse or merge",
            hint="mend or remove the file",
        ) from error


def saved_query(library: Path, name: str) -> SavedQuery:
    """The saved query of this name.

    Raises:
        UsageError: there is none.
        LibraryError: as ``saved_queries`` does.
    """
    found = saved_queries(library)
    if name not in found:
        raise UsageError(
            f"no query is saved as {name!r} in {library}",
            exists=[f"@{one}" for one in found],
            hint=f"myosem search QUERY --save {name}" if NAME.fullmatch(name) else "myosem queries list",
        )
    return found[name]


def save_query(library: Path, name: str, query: SavedQuery) -> None:
    """Save a query under a name, in place of one that has it already.

    Raises:
        UsageError: no such name.
        LibraryError: as ``saved_queries`` does, or somebody else is saving.
    """
    check_name(name)
    _checked(library)
    with writer_lock(library / QUERIES_LOCK):
        _write(library, {**saved_queries(library), name: query})


def remove_query(library: Path, name: str) -> None:
    """Remove a saved query; errors as ``saved_query`` and ``save_query``."""
    _checked(library)
    with writer_lock(library / QUERIES_LOCK):
        saved_query(library, name)
        _write(library, {one: own for one, own in saved_queries(library).items() if one != name})


def check_name(name: str) -> None:
    """Raise UsageError where a query cannot be saved under a name."""
    if not NAME.fullmatch(name):
        raise UsageError(
            "a query cannot be saved under this name",
            got=repr(name),
            expected="letters, digits, _, - and dots, such as pinch-3dc",
        )


def _checked(library: Path) -> Path:
    from myosem.library import published_version

    if published_version(library) is None:
        raise LibraryError(
            f"there is no library in {library}", hint=f"myosem ingest RECORDINGS --library {library}"
        )
    return library


def _write(library: Path, queries: Mapping[str, SavedQuery]) -> None:
    import yaml

    plain = {name: query.to_plain() for name, query in queries.items()}
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=1000)
    replace_text(library / QUERIES, HEADING + text)


def _load_yaml(text: str) -> Any:
    """Plain values; ValueError where it is no YAML."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _of_yaml(path: Path, text: str) -> list[Query]:
    """Names with phrases, names with query, like and unlike, or a list of phrases."""
    try:
        values = _load_yaml(text)
    except ValueError as error:
        raise UsageError(f"the queries {path} cannot be read", got=error, expected=BATCH) from error
    if isinstance(values, list):
        return [_entry(path, None, value) for value in values]
    if not isinstance(values, dict):
        raise UsageError(f"the queries {path} are not understood", got=type(values).__name__, expected=BATCH)
    return [_entry(path, str(name), value) for name, value in values.items()]


def _entry(path: Path, name: str | None, value: object) -> Query:
    """One entry of a YAML."""
    parts = {"query": value} if isinstance(value, str) else value
    expected = "a phrase, or query, like and unlike"
    if not isinstance(parts, dict) or not set(parts) <= {"query", "like", "unlike"}:
        raise UsageError(f"an entry of {path} is not understood", got=f"{name}: {value!r}", expected=expected)
    text, like, unlike = parts.get("query", ""), parts.get("like", ()), parts.get("unlike", ())
    lists = [[one] if isinstance(one, str) else one for one in (like, unlike)]
    plain = isinstance(text, str) and all(isinstance(one, list | tuple) for one in lists)
    if not plain or not all(isinstance(one, str) for own in lists for one in own):
        raise UsageError(f"an entry of {path} is not understood", got=f"{name}: {value!r}", expected=expected)
    return replace(Query.of(text, *lists), name=name)


def _of_csv(path: Path, text: str) -> list[Query]:
    reader = csv.DictReader(io.StringIO(text), skipinitialspace=True, strict=True)
    try:
        columns, rows = list(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise UsageError(f"the queries {path} cannot be read", got=error, expected=BATCH) from error
    if "query" not in columns or not set(columns) <= {"name", "query"}:
        raise UsageError(
            f"the queries {path} are not understood",
            got=f"columns {', '.join(columns)}",
            expected="name, query",
        )
    for row in rows:
        if None in row:
            raise UsageError(
                f"a line of {path} has too many columns", got=list(row.values()), expected=columns
            )
    return [Query((row["query"] or "").strip(), name=(row.get("name") or "").strip() or None) for row in rows]
