"""Free text to action, no EMG: how often a text model puts a right action first.

    python benchmarks/text_queries.py [--queries FILE] [--model DIR] [--tower DIR ...]

Frozen text towers know the actions by their names, the first one by all texts of their views too; the
packaged model is beside them. A tower is a folder of sentence-transformers or open_clip. Needs the extra
[train]. Writes benchmarks/results/text-queries.md, but for other queries only prints.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myosem.model import Model
from myosem.prompts import Action, load_actions, texts_of
from myosem.text import OpenClipTower, SentenceTower, TextTower, load_minilm
from myosem.text_queries import KINDS, Judgement, Measure, QuerySet, Scorer, chance, judge, read_queries

HERE = Path(__file__).parent
QUERIES = HERE / "queries" / "test.yaml"
RESULT = HERE / "results" / "text-queries.md"
NEVER = -1.0
"""Score of an action that a model does not know: the lowest cosine there is."""

Vectors = NDArray[np.float32]
Rows = dict[str, Judgement]


def by_names(tower: TextTower, actions: Sequence[Action], most: int | None = None) -> Scorer:
    """Cosine to the nearest of the first ``most`` names of an action, of all names where None."""
    names = [action.names[:most] for action in actions]
    vectors = tower.encode([name for own in names for name in own])
    starts = np.cumsum([0, *(len(own) for own in names[:-1])])
    return lambda texts: np.maximum.reduceat(tower.encode(texts) @ vectors.T, starts, axis=1)


def by_views(tower: TextTower, actions: Sequence[Action]) -> Scorer:
    """Cosine to the mean of all texts of an action."""
    means = np.stack([tower.encode([text for _, text in texts_of(own)]).mean(axis=0) for own in actions])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return lambda texts: tower.encode(texts) @ means.T


def by_model(model: Model, actions: Sequence[Action]) -> Scorer:
    """Cosine in the space of a trained model."""
    place = {action: row for row, action in enumerate(model.actions)}
    known = [column for column, action in enumerate(actions) if action.id in place]
    vectors = model.action_vectors[[place[actions[column].id] for column in known]]

    def score(texts: Sequence[str]) -> Vectors:
        scores = np.full((len(texts), len(actions)), NEVER, dtype=np.float32)
        scores[:, known] = model.encode_text(texts) @ vectors.T
        return scores

    return score


def open_tower(folder: Path) -> TextTower:
    """A folder of open_clip or of sentence-transformers."""
    if (folder / "open_clip_config.json").is_file():
        return OpenClipTower.load(folder)
    return SentenceTower.load(folder)


def run(queries: QuerySet, model: Model, towers: Sequence[TextTower]) -> Iterator[tuple[str, Judgement]]:
    """Title and result of each row."""
    actions = tuple(load_actions().values())
    texts = sum(len(texts_of(action)) for action in actions)
    yield "chance", chance(queries)
    for place, tower in enumerate(towers):
        yield f"{tower.name}, first name", judge(queries, by_names(tower, actions, 1))
        yield f"{tower.name}, best of all names", judge(queries, by_names(tower, actions))
        if not place:  # a larger tower takes long for all texts
            yield f"{tower.name}, mean of all {texts} texts", judge(queries, by_views(tower, actions))
    title = f"{model.name} ({model.fingerprint[:8]})"
    yield title, judge(queries, by_model(model, actions), model.query_confidence)


def markdown(queries: QuerySet, source: Path, rows: Rows) -> str:
    """Three tables: all queries, P@1 by kind, nDCG@10 by kind."""
    kinds = [kind for kind in KINDS if any(query.kind == kind for query in queries.queries)]
    some = next(iter(rows.values()))
    counts = [f"{kind} ({some.measure('P@1', kind).count})" for kind in kinds]
    lines = [
        "# Free text to action",
        "",
        f"{source.name}: {len(queries.queries)} queries, {len(queries.antonyms)} pairs of antonyms, "
        f"{len(queries.unrelated)} unrelated texts; {len(load_actions())} actions to choose from. "
        "Brackets hold 95 % bootstrap intervals over queries, or over pairs of antonyms.",
        "",
        *_head("model", "P@1", "nDCG@10", "MRR", "P@10", "antonyms", "unrelated told apart (AUROC)"),
    ]
    for title, row in rows.items():
        overall = [row.measure(metric) for metric in ("P@1", "nDCG@10", "MRR", "P@10")]
        cells = [_cell(item) for item in (*overall, row.antonym_accuracy(), row.told_apart())]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    for metric in ("P@1", "nDCG@10"):
        lines += ["", f"## {metric} by kind (and how many)", "", *_head("model", *counts)]
        for title, row in rows.items():
            cells = [_cell(row.measure(metric, kind)) for kind in kinds]
            lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def as_dict(queries: QuerySet, rows: Rows) -> dict[str, object]:
    """What ``myosem export --results`` reads."""
    means = {
        title: {
            "P@1": row.measure("P@1").value,
            **{f"P@1 {kind}": row.measure("P@1", kind).value for kind in ("functional", "anatomical")},
            "antonyms": row.antonym_accuracy().value,
            "AUROC": row.told_apart().value,
        }
        for title, row in rows.items()
    }
    about = {"queries": len(queries.queries), "actions": len(load_actions())}
    return {"title": "Free text to action (protocol words)", "about": about, "means": means}


def _head(*titles: str) -> list[str]:
    return [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]


def _cell(measure: Measure) -> str:
    return f"{measure.value:.3f} [{measure.low:.2f}, {measure.high:.2f}]"


def main() -> None:
    """Run and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queries", type=Path, default=QUERIES)
    parser.add_argument("--model", type=Path, default=None, help="a bundle; default: the packaged one")
    parser.add_argument("--tower", type=Path, action="append", default=[], help="a further text tower")
    parser.add_argument("--out", type=Path, default=None, help="JSON for myosem export --results")
    options = parser.parse_args()
    queries = read_queries(options.queries)
    towers = [load_minilm(), *map(open_tower, options.tower)]
    rows = dict(run(queries, Model.load(options.model), towers))
    text = markdown(queries, options.queries, rows)
    if options.out:
        options.out.write_text(json.dumps(as_dict(queries, rows)), encoding="utf-8")
    if options.queries == QUERIES:
        RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
