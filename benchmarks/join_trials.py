"""One table from several runs of a trial-level protocol, for systems that were not judged in one go.

    python benchmarks/join_trials.py RUN.json ... --out benchmarks/results/loso.md [--ahead SYSTEM OTHER]

The runs are what `myosem evaluate --protocol loso --out RUN.json` writes; folds must be the same. `--ahead`
adds how far a system leads another on the same people.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from myosem.errors import UsageError
from myosem.trial_table import Row, TrialResult, TrialTable


def read(file: Path) -> TrialTable:
    """The table of one run."""
    content = json.loads(file.read_text(encoding="utf-8"))
    rows = {row["system"]: Row(row["context"], row["minutes"]) for row in content["rows"]}
    results = [TrialResult(**result) for result in content["results"]]
    return TrialTable(content["title"], content["about"], rows, results)


def joined(tables: Sequence[TrialTable]) -> TrialTable:
    """All systems of all tables.

    Raises:
        UsageError: the tables are of other folds or protocols, or a system is in two of them.
    """
    first = tables[0]
    rows: dict[str, Row] = {}
    for table in tables:
        if (table.title, table.about["folds"]) != (first.title, first.about["folds"]):
            raise UsageError("the runs do not belong together", got=f"{table.title}, {table.about['folds']}")
        if twice := rows.keys() & table.rows.keys():
            raise UsageError("a system is in two runs", got=", ".join(sorted(twice)))
        rows |= table.rows
    minutes = sum(float(str(table.about["minutes"])) for table in tables)
    about = {**first.about, "minutes": round(minutes, 1), "runs": len(tables)}
    return TrialTable(first.title, about, rows, [result for table in tables for result in table.results])


def main() -> None:
    """Join and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ahead", nargs=2, action="append", default=[], metavar=("SYSTEM", "OTHER"))
    options = parser.parse_args()
    table = joined([read(run) for run in options.runs])
    lines = [table.markdown(), ""]
    for system, other in options.ahead:
        margin, (low, high) = table.margin(system, other)
        lines.append(
            f"- {system} against {other}: {100 * margin:+.2f} points [{100 * low:+.2f}, {100 * high:+.2f}]"
        )
    text = "\n".join(lines).rstrip() + "\n"
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
