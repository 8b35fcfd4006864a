"""What ``--where`` may say: one plain condition over the columns of a hit, and nothing else.

The condition is parsed by DuckDB itself, and every node of what it understood must be on a list:
comparisons, and/or/not, arithmetic, a few harmless functions, constants and known columns. So a second
statement, a subquery, a table function or anything that reaches files or the network is refused
before it runs.
"""

import difflib
import json
from collections.abc import Iterator
from typing import Any

import duckdb

from myosem.errors import UsageError

COLUMNS = (
    "segment",
    "recording",
    "source",
    "dataset",
    "subject",
    "person",
    "session",
    "name",
    "start_s",
    "end_s",
    "duration_s",
    "kind",
    "label",
    "action",
    "effort",
    "over_rest_db",
    "rate_hz",
    "channels",
    "simulated",
)
NODES = {"CONJUNCTION", "COMPARISON", "BETWEEN", "OPERATOR", "COLUMN_REF", "CONSTANT", "CAST", "TYPE", "CASE"}
OPERATORS = {
    "OPERATOR_NOT",
    "OPERATOR_IS_NULL",
    "OPERATOR_IS_NOT_NULL",
    "OPERATOR_COALESCE",
    "COMPARE_IN",
    "COMPARE_NOT_IN",
}
OPERATOR_FUNCTIONS = {"+", "-", "*", "/", "//", "%", "||", "~~", "!~~", "~~*", "!~~*", "~~~"}
TEXT_FUNCTIONS = {
    "concat",
    "contains",
    "ends_with",
    "ilike_escape",
    "length",
    "like_escape",
    "lower",
    "not_ilike_escape",
    "not_like_escape",
    "prefix",
    "regexp_full_match",
    "regexp_matches",
    "starts_with",
    "suffix",
    "trim",
    "upper",
}
NUMBER_FUNCTIONS = {"abs", "ceil", "floor", "greatest", "least", "round"}
FUNCTIONS = OPERATOR_FUNCTIONS | TEXT_FUNCTIONS | NUMBER_FUNCTIONS
LONGEST = 10_000
EXAMPLE = "\"dataset = '3dc' and subject = 'Participant2'\""

Node = dict[str, Any]


def statement(condition: str, hits: str = "hits") -> str:
    """The statement that gives the rows of ``hits`` where the condition holds."""
    return f"SELECT row FROM {hits} WHERE (\n{condition}\n) ORDER BY row"


def check_condition(connection: duckdb.DuckDBPyConnection, condition: str) -> None:
    """Refuse what is not one plain condition.

    Raises:
        UsageError: says what was not understood or not allowed, and which columns there are.
    """
    if not condition.strip() or len(condition) > LONGEST:
        got = f"{len(condition)} characters" if condition.strip() else "nothing"
        raise UsageError("the condition cannot be used", got=got, expected=f"one like {EXAMPLE}")
    select = _select(connection, condition)
    template = _select(connection, "true")
    where = select.pop("where_clause", None)
    template.pop("where_clause")
    if where is None or _bare(select) != _bare(template):
        raise _refused(condition, "more than a condition")
    for node in _nodes(where):
        _check_node(node, condition)


def explain(condition: str, error: duckdb.Error) -> UsageError:
    """What to tell the user when DuckDB cannot work out a condition."""
    first_line = str(error).splitlines()[0]
    return UsageError(
        f"the condition {condition!r} cannot be worked out",
        got=first_line,
        expected=f"one like {EXAMPLE}",
        exists=COLUMNS,
    )


def _select(connection: duckdb.DuckDBPyConnection, condition: str) -> Node:
    try:
        found = connection.execute("SELECT json_serialize_sql(?)", [statement(condition)]).fetchone()
        tree: Node = json.loads(found[0]) if found else {}
    except duckdb.Error as error:
        raise explain(condition, error) from error
    except RecursionError as error:
        raise _refused(condition[:40] + "...", "too many nested parts") from error
    if tree.get("error"):
        message = str(tree.get("error_message", "")).splitlines()[0]
        raise UsageError(
            f"the condition {condition!r} is not understood",
            got=message,
            expected=f"one like {EXAMPLE}",
            exists=COLUMNS,
        )
    statements = tree["statements"]
    if len(statements) != 1:
        raise _refused(condition, f"{len(statements)} statements")
    node: Node = statements[0]["node"]
    return node


def _bare(value: Any) -> Any:
    """A syntax tree without the places in the text."""
    if isinstance(value, dict):
        return {key: _bare(part) for key, part in value.items() if not key.startswith("query_location")}
    return [_bare(part) for part in value] if isinstance(value, list) else value


def _nodes(tree: Any) -> Iterator[Node]:
    """Every dictionary of a syntax tree."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_node(node: Node, condition: str) -> None:
    kind = node.get("class")
    if kind is None:
        return
    if kind == "FUNCTION":
        name = str(node.get("function_name"))
        if name not in FUNCTIONS:
            raise _refused(condition, f"the function {name}")
    elif kind not in NODES or (kind == "OPERATOR" and node["type"] not in OPERATORS):
        raise _refused(condition, str(node.get("type")).lower().replace("_", " "))
    elif kind == "COLUMN_REF":
        _check_column(".".join(node["column_names"]))


def _check_column(name: str) -> None:
    if name.lower() in COLUMNS:
        return
    close = difflib.get_close_matches(name.lower(), COLUMNS, n=2)
    hint = " or ".join(close) or "text between single quotes, as in label = 'fist'"
    raise UsageError(f"there is no column {name!r}", exists=COLUMNS, hint=hint)


def _refused(condition: str, what: str) -> UsageError:
    return UsageError(
        f"the condition {condition!r} is not allowed",
        got=what,
        expected=f"one plain condition over columns, like {EXAMPLE}",
        exists=COLUMNS,
    )
