"""The segments nearest to what is searched for, as hits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from myosem.embedding import DIGITS
from myosem.feedback import search_judged
from myosem.labelling import RELATED
from myosem.results import Hit, SearchResult
from myosem.selection import Found, Selection
from myosem.target import Target

if TYPE_CHECKING:
    from myosem.library import Library
    from myosem.model import Model

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


def nearest_hits(
    library: "Library",
    model: "Model",
    targets: Sequence[Target],
    selection: Selection,
    rows: Rows | None = None,
) -> list[SearchResult]:
    """What lies nearest to each target, but for the segments it names; one pass over the index.

    Args:
        library: to be searched; its vectors are the model's.
        model: says what fits.
        targets: may be none.
        selection: how hits are chosen.
        rows: search among these only.
    """
    if not targets:
        return []
    index = library.index()
    wanted = selection.pool + max(len(one.without) for one in targets)
    plan = index.plan(wanted, rows)
    scores, nearest = index.search(np.concatenate([one.vector for one in targets]), wanted, rows)
    results = []
    for number, target in enumerate(targets):
        answer = scores[number], nearest[number], plan
        if target.judged:
            answer = search_judged(index, target.judged, target.vector, wanted, rows)
        own_scores, own_rows, own_plan = answer
        others = np.flatnonzero(~np.isin(own_rows, target.without))[: selection.pool]
        near = own_rows[others]
        found = _found(library, model.threshold, target.confidence, own_scores[others], near)
        chosen = selection.choose(found, np.asarray(library.vectors()[near]) if selection.diverse else None)
        hits = [_hit(rank, group) for rank, group in enumerate(chosen, start=1)]
        results.append(
            SearchResult(
                query="",
                library=str(library.path),
                version=library.version,
                model=model.name,
                exact=own_plan.exact,
                how=own_plan.how,
                confidence=round(1.0 if target.confidence is None else target.confidence, DIGITS),
                confident=any(hit.fits for hit in hits),
                hits=hits,
                diverse=selection.diverse,
                merged=selection.merge,
            )
        )
    return results


def _found(
    library: "Library", threshold: float, confidence: float | None, scores: Vectors, rows: Rows
) -> list[Found]:
    """Segments by row, with whether they fit; without a confidence all of them do."""
    fits = np.ones(len(rows), dtype=bool)
    if confidence is not None:
        fits = (scores >= threshold) & (confidence >= RELATED)
    return [
        Found(segment, float(score), bool(fit))
        for segment, score, fit in zip(library.rows(rows), scores, fits, strict=True)
    ]


def _hit(rank: int, group: Sequence[Found]) -> Hit:
    """A hit of one or several segments, the best first."""
    best = group[0].segment
    members = sorted((one.segment for one in group), key=lambda one: (one.start_s, one.end_s))
    return Hit(
        rank=rank,
        score=round(group[0].score, DIGITS),
        segment=best.segment,
        recording=best.recording,
        source=best.source,
        dataset=best.dataset,
        subject=best.subject,
        session=best.session,
        start_s=round(members[0].start_s, DIGITS),
        end_s=round(max(one.end_s for one in members), DIGITS),
        label=best.label,
        simulated=best.simulated,
        fits=group[0].fits,
        segments=[one.segment for one in members],
    )
