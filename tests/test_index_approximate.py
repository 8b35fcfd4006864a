"""Approximate backends where they are not allowed to compare everything: the rest of the conformance suite.

Every backend of ``BACKENDS`` that compares few rows one by one takes part, with "few" made very few.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from myosem.errors import LibraryError, UsageError
from myosem.index import BACKENDS, FlatIndex
from myosem.index.approximate import INDEX, ROWS, ApproximateIndex

Vectors = NDArray[np.float32]
FEW = 100
COUNT, DIMENSION, CLUSTERS = 2500, 32, 10
K = 10
GOOD = 0.99

EAGER: dict[str, Any] = {
    name: type(f"Eager{backend.__name__}", (backend,), {"exact_rows": FEW})
    for name, backend in BACKENDS.items()
    if issubclass(backend, ApproximateIndex)
}


def unit(vectors: NDArray[np.float64]) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def clustered(count: int, seed: int) -> Vectors:
    """Vectors round common anchors; no vector reaches into the last dimension."""
    random = np.random.default_rng(seed)
    spread = np.exp(-np.arange(DIMENSION) / 8) * (np.arange(DIMENSION) < DIMENSION - 1)
    anchors = np.random.default_rng(0).normal(size=(CLUSTERS, DIMENSION)) * spread
    return unit(anchors[np.arange(count) % CLUSTERS] + 0.5 * random.normal(size=(count, DIMENSION)) * spread)


def words(count: int) -> Vectors:
    """Queries that nothing in the index is like: mostly along the dimension that no vector has."""
    queries = 0.4 * clustered(count, seed=5).astype(np.float64)
    queries[:, -1] = 0.9
    return unit(queries)


QUERIES = {"EMG": clustered(40, seed=3), "words": words(40)}


@dataclass(frozen=True)
class Built:
    """An index and what it is over."""

    backend: Any
    vectors: Vectors
    index: Any


@pytest.fixture(scope="module", params=list(EAGER))
def built(request: pytest.FixtureRequest) -> Built:
    backend, vectors = EAGER[request.param], clustered(COUNT, seed=1)
    return Built(backend, vectors, backend.build(vectors))


def recall(index: Any, queries: Vectors, rows: NDArray[np.int64] | None = None, k: int = K) -> float:
    """Share of the exact answer that was found."""
    wanted = FlatIndex.build(index.vectors).search(queries, k, rows)[1]
    found = index.search(queries, k, rows)[1]
    return float(np.mean([len(set(one) & set(two)) / k for one, two in zip(wanted, found, strict=True)]))


def test_every_backend_is_exact_or_takes_part() -> None:
    assert [name for name in BACKENDS if name not in EAGER] == ["flat"]


@pytest.mark.parametrize("kind", QUERIES)
def test_finds_what_a_full_comparison_finds(built: Built, kind: str) -> None:
    assert not built.index.plan(K).exact
    assert built.index.name in built.index.plan(K).how
    assert recall(built.index, QUERIES[kind]) >= GOOD


def test_scores_are_those_of_the_vectors_and_in_order(built: Built) -> None:
    queries = QUERIES["words"]
    scores, rows = built.index.search(queries, K)
    np.testing.assert_allclose(scores, np.einsum("qd,qkd->qk", queries, built.vectors[rows]), atol=1e-6)
    assert (np.diff(scores, axis=1) <= 0).all()
    assert (scores.dtype, rows.dtype) == (np.float32, np.int64)


def test_equal_scores_come_in_the_order_of_rows(built: Built) -> None:
    vectors = built.vectors.copy()
    vectors[[7, 1007, 2007]] = vectors[7]
    _, rows = built.backend.build(vectors).search(vectors[7:8], 3)
    assert rows.tolist() == [[7, 1007, 2007]]


def test_many_queries_at_once_are_those_queries_one_by_one(built: Built) -> None:
    together = built.index.search(QUERIES["words"], K)
    alone = [built.index.search(query[None], K) for query in QUERIES["words"]]
    assert together[0].tolist() == [scores[0].tolist() for scores, _ in alone]
    assert together[1].tolist() == [rows[0].tolist() for _, rows in alone]


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("kind", QUERIES)
def test_a_filter_loses_nothing(built: Built, share: float, kind: str) -> None:
    rows = np.flatnonzero(np.random.default_rng(4).random(COUNT) < share)
    assert not built.index.plan(K, rows).exact
    assert recall(built.index, QUERIES[kind], rows) >= GOOD
    assert np.isin(built.index.search(QUERIES[kind], K, rows)[1], rows).all()


def test_a_filter_that_keeps_only_what_is_far_away_loses_nothing(built: Built) -> None:
    rows = np.arange(0, COUNT, CLUSTERS)  # one cluster
    elsewhere = QUERIES["EMG"][np.arange(len(QUERIES["EMG"])) % CLUSTERS != 0]
    assert recall(built.index, elsewhere, rows) >= GOOD


def test_few_rows_are_compared_one_by_one(built: Built) -> None:
    rows = np.random.default_rng(4).choice(COUNT, FEW, replace=False)
    assert built.index.plan(K, rows).exact
    assert f"{FEW} vectors that the filter keeps" in built.index.plan(K, rows).how
    assert recall(built.index, QUERIES["words"], rows) == 1
    assert built.index.search(QUERIES["words"], 3, rows[:0])[1].shape == (40, 0)


@pytest.mark.parametrize("k", [COUNT // 5, COUNT + 1])
def test_a_large_k_compares_everything(built: Built, k: int) -> None:
    assert built.index.plan(k).exact
    _, rows = built.index.search(QUERIES["EMG"][:1], k)
    assert rows.tolist() == FlatIndex.build(built.vectors).search(QUERIES["EMG"][:1], k)[1].tolist()


def test_saved_and_loaded_it_is_the_same_to_the_byte(built: Built, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "again", "anew")]
    for folder in folders:
        folder.mkdir()
    built.index.save(folders[0])
    loaded = built.backend.load(built.vectors, folders[0])
    loaded.save(folders[1])
    built.backend.build(built.vectors).save(folders[2])
    written = [(folder / INDEX).read_bytes() for folder in folders]
    assert written[0] == written[1] == written[2]
    found = [index.search(QUERIES["words"], K)[1].tolist() for index in (built.index, loaded)]
    assert found[0] == found[1]


def test_vectors_of_an_odd_width_lose_nothing(built: Built, tmp_path: Path) -> None:
    vectors, queries = clustered(COUNT, seed=1)[:, 2:], QUERIES["words"][:, 2:]
    index = built.backend.build(vectors)
    index.save(tmp_path)
    loaded = built.backend.load(np.ascontiguousarray(vectors), tmp_path)
    assert faiss.read_index(str(tmp_path / INDEX)).d == DIMENSION
    assert recall(loaded, queries) >= GOOD
    following = loaded.updated(vectors[:-9], np.arange(COUNT - 9))
    assert recall(following, queries, np.arange(0, COUNT - 9, 2)) >= GOOD


def test_an_index_as_wide_as_its_vectors_is_searched_too(tmp_path: Path) -> None:
    """As versions before they were widened wrote it."""
    vectors = np.ascontiguousarray(clustered(COUNT, seed=1)[:, 2:])
    index = faiss.index_factory(DIMENSION - 2, "IVF16,SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    faiss.write_index(index, str(tmp_path / INDEX))
    loaded = EAGER["ivf"].load(vectors, tmp_path)
    assert recall(loaded, QUERIES["EMG"][:, 2:]) >= GOOD
    assert len(loaded.updated(vectors, np.arange(COUNT))) == COUNT


def next_version(vectors: Vectors) -> tuple[Vectors, NDArray[np.int64]]:
    """Every tenth vector gone, others moved to the back, and new ones between."""
    kept = np.flatnonzero(np.arange(len(vectors)) % 10 != 3)
    origins = np.insert(np.roll(kept, 500), slice(0, 800, 4), -1)
    following = np.where(origins[:, None] < 0, clustered(len(origins), seed=8), vectors[origins])
    return following, origins


def test_the_next_version_is_as_good_as_an_index_made_anew(built: Built, tmp_path: Path) -> None:
    before = built.index.search(QUERIES["words"], K)[1].tolist()
    following, origins = next_version(built.vectors)
    index = built.index.updated(following, origins)
    last, more = np.concatenate([following[5:], clustered(50, seed=9)]), np.full(50, -1)
    index.save(tmp_path)
    assert (tmp_path / ROWS).exists()
    loaded = built.backend.load(following, tmp_path)
    once_more = loaded.updated(last, np.concatenate([np.arange(5, len(following)), more]))
    for one in (index, loaded, once_more):
        for queries in (*QUERIES.values(), one.vectors[np.flatnonzero(origins < 0)[:20]]):
            assert recall(one, queries) >= GOOD
        some = np.arange(0, len(one), 3)
        assert recall(one, QUERIES["EMG"], some) >= GOOD
    assert built.index.search(QUERIES["words"], K)[1].tolist() == before


def test_an_index_of_mostly_removed_vectors_is_made_anew(built: Built, tmp_path: Path) -> None:
    kept = np.arange(0, COUNT, 2)
    built.index.updated(built.vectors[kept], kept).save(tmp_path)
    assert not (tmp_path / ROWS).exists()
    small = built.index.updated(built.vectors[:FEW], np.arange(FEW))
    assert small.plan(3).exact


def test_one_that_grew_beyond_what_it_was_made_for_is_made_anew() -> None:
    vectors = clustered(30 * FEW, seed=1)
    index = EAGER["ivf"].build(vectors[: FEW + 1])
    grown = index.updated(vectors, np.where(np.arange(len(vectors)) <= FEW, np.arange(len(vectors)), -1))
    assert recall(grown, QUERIES["words"]) >= GOOD
    assert "of 256 lists" in grown.plan(K).how


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "short", "other count", "other width"])
def test_refuses_a_damaged_file(built: Built, tmp_path: Path, damage: str) -> None:
    built.index.save(tmp_path)
    path, vectors = tmp_path / INDEX, built.vectors
    if damage == "missing":
        path.unlink()
    elif damage in {"empty", "text"}:
        path.write_bytes(b"" if damage == "empty" else b"not an index" * 20)
    elif damage == "short":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        vectors = vectors[:-1] if damage == "other count" else np.ascontiguousarray(vectors[:, :16])
    with pytest.raises(LibraryError, match="index"):
        built.backend.load(vectors, tmp_path)


def test_rows_of_another_version_are_refused(built: Built, tmp_path: Path) -> None:
    built.index.save(tmp_path)
    np.save(tmp_path / ROWS, np.arange(COUNT) + 5 * COUNT)
    with pytest.raises(LibraryError, match="does not fit the vectors"):
        built.backend.load(built.vectors, tmp_path).search(QUERIES["EMG"], K)
    np.save(tmp_path / ROWS, np.arange(COUNT - 1))
    with pytest.raises(LibraryError, match="does not fit the vectors"):
        built.backend.load(built.vectors, tmp_path)


def test_refuses_what_it_cannot_answer(built: Built) -> None:
    for queries, k in [
        (np.ones((1, 3)), 1),
        (np.ones((1, DIMENSION)), 0),
        (np.full((1, DIMENSION), np.nan), 1),
    ]:
        with pytest.raises(UsageError):
            built.index.search(queries.astype(np.float32), k)
