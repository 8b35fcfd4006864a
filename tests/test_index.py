"""Every index backend gives the answers of a full comparison, and refuses what it cannot answer."""

from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from myosem.errors import IndexMismatchError, LibraryError, UsageError
from myosem.index import (
    BACKENDS,
    FileEntry,
    FlatIndex,
    Manifest,
    VectorIndex,
    backend_named,
    load_vectors,
    protocol,
)

Vectors = NDArray[np.float32]


def unit_vectors(count: int, dimension: int, seed: int = 0) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def slow_search(
    vectors: Vectors, queries: Vectors, k: int, rows: NDArray[np.int64] | None = None
) -> tuple[list[list[float]], list[list[int]]]:
    """The obvious way: score all, sort by score and row."""
    chosen = sorted(set(range(len(vectors)) if rows is None else rows.tolist()))
    scores, found = [], []
    for query in queries:
        order = sorted((-float(vectors[row] @ query), row) for row in chosen)[:k]
        scores.append([-score for score, _ in order])
        found.append([row for _, row in order])
    return scores, found


@pytest.fixture(params=list(BACKENDS.values()), ids=list(BACKENDS))
def backend(request: pytest.FixtureRequest) -> type[VectorIndex]:
    found: type[VectorIndex] = request.param
    return found


@pytest.mark.parametrize(("count", "dimension", "k"), [(1, 1, 1), (7, 3, 2), (300, 16, 10), (300, 16, 300)])
def test_agrees_with_a_full_comparison(
    backend: type[VectorIndex], count: int, dimension: int, k: int
) -> None:
    vectors, queries = unit_vectors(count, dimension), unit_vectors(5, dimension, seed=1)
    scores, rows = backend.build(vectors).search(queries, k)
    slow_scores, slow_rows = slow_search(vectors, queries, k)
    assert scores.dtype == np.float32
    assert rows.dtype == np.int64
    np.testing.assert_allclose(scores, slow_scores, atol=1e-6)
    assert rows.tolist() == slow_rows


def test_many_queries_at_once_are_those_queries_one_by_one(backend: type[VectorIndex]) -> None:
    index, queries = backend.build(unit_vectors(50, 8)), unit_vectors(150, 8, seed=1)
    together = index.search(queries, 3)[1]
    alone = [index.search(query[None], 3)[1][0].tolist() for query in queries]
    assert together.tolist() == alone


def test_equal_scores_come_in_the_order_of_rows(backend: type[VectorIndex]) -> None:
    vectors = np.tile(np.eye(2, dtype=np.float32), (6, 1))
    scores, rows = backend.build(vectors).search(np.array([[1, 0]], dtype=np.float32), 4)
    assert rows.tolist() == [[0, 2, 4, 6]]
    assert scores.tolist() == [[1, 1, 1, 1]]


@pytest.mark.parametrize("k", [1, 3, 200, 500])
def test_ties_for_the_last_place_are_decided_by_row(backend: type[VectorIndex], k: int) -> None:
    vectors = np.ones((500, 2), dtype=np.float32)
    vectors[400:] *= 2
    _, rows = backend.build(vectors).search(vectors[:1], k)
    assert rows[0].tolist() == [*range(400, 500), *range(400)][:k]


def test_k_beyond_the_count_returns_all(backend: type[VectorIndex]) -> None:
    scores, rows = backend.build(unit_vectors(4, 3)).search(unit_vectors(2, 3, seed=1), 1000)
    assert scores.shape == rows.shape == (2, 4)
    assert sorted(rows[0].tolist()) == [0, 1, 2, 3]


def test_search_among_some_rows(backend: type[VectorIndex]) -> None:
    vectors, queries = unit_vectors(100, 8), unit_vectors(3, 8, seed=1)
    chosen = np.array([90, 3, 41, 3, 57, 12], dtype=np.int64)
    _, rows = backend.build(vectors).search(queries, 4, rows=chosen)
    assert rows.tolist() == slow_search(vectors, queries, 4, chosen)[1]


def test_search_among_no_rows_finds_nothing(backend: type[VectorIndex]) -> None:
    index = backend.build(unit_vectors(5, 3))
    scores, rows = index.search(unit_vectors(2, 3), 3, rows=np.empty(0, dtype=np.int64))
    assert scores.shape == rows.shape == (2, 0)


def test_an_index_of_nothing_finds_nothing(backend: type[VectorIndex]) -> None:
    index = backend.build(np.empty((0, 3), dtype=np.float32))
    assert len(index) == 0
    assert index.search(unit_vectors(2, 3), 3)[1].shape == (2, 0)


def test_saved_and_loaded_it_answers_the_same(backend: type[VectorIndex], tmp_path: Path) -> None:
    index, queries = backend.build(unit_vectors(60, 5)), unit_vectors(4, 5, seed=1)
    index.save(tmp_path)
    loaded = backend.load(index.vectors, tmp_path)
    assert len(loaded) == 60
    assert loaded.search(queries, 7)[1].tolist() == index.search(queries, 7)[1].tolist()


@pytest.mark.parametrize(
    ("queries", "k", "rows", "message"),
    [
        (np.ones((1, 3)), 0, None, "at least 1"),
        (np.ones((1, 4)), 1, None, r"expected \(queries, 3\)"),
        (np.ones(3), 1, None, r"expected \(queries, 3\)"),
        (np.full((1, 3), np.nan), 1, None, "not finite"),
        (np.ones((1, 3)), 1, np.array([5]), "0 to 4"),
        (np.ones((1, 3)), 1, np.array([-1]), "0 to 4"),
    ],
)
def test_refuses_what_it_cannot_answer(
    backend: type[VectorIndex], queries: Vectors, k: int, rows: NDArray[np.int64] | None, message: str
) -> None:
    index = backend.build(unit_vectors(5, 3))
    with pytest.raises(UsageError, match=message):
        index.search(queries.astype(np.float32), k, rows=rows)


@pytest.mark.parametrize("vectors", [np.ones(3), np.ones((2, 0)), np.array([[1.0, np.nan]])])
def test_refuses_vectors_it_cannot_hold(backend: type[VectorIndex], vectors: Vectors) -> None:
    with pytest.raises(LibraryError, match="cannot be indexed"):
        backend.build(vectors.astype(np.float32))


@pytest.mark.parametrize("content", [None, b"", b"not an index", b"\x93NUMPY\x01\x00"])
def test_damaged_vectors_are_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "vectors.npy").write_bytes(content)
    with pytest.raises(LibraryError, match="cannot be read"):
        load_vectors(tmp_path / "vectors.npy")


def test_few_vectors_are_compared_by_every_backend(backend: type[VectorIndex], tmp_path: Path) -> None:
    index = backend.build(unit_vectors(50, 3))
    index.save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert index.plan(3).exact
    assert "all 50 vectors" in index.plan(3).how
    assert "2 vectors that the filter keeps" in index.plan(3, np.array([4, 4, 7])).how


def test_the_next_version_finds_what_an_index_made_anew_finds(backend: type[VectorIndex]) -> None:
    vectors, queries = unit_vectors(50, 3), unit_vectors(4, 3, seed=1)
    origins = np.array([9, -1, 4, 30, -1, -1, 31])
    following = np.where(origins[:, None] < 0, unit_vectors(7, 3, seed=2), vectors[origins])
    found = backend.build(vectors).updated(following, origins).search(queries, 5)
    assert [part.tolist() for part in found] == [
        part.tolist() for part in backend.build(following).search(queries, 5)
    ]


def test_a_backend_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match=r"'?annoy'?.*flat, hnsw, ivf, ivfpq"):
        backend_named("annoy")


def test_vectors_that_are_not_finite_are_named_rather_than_ranked(tmp_path: Path) -> None:
    vectors = unit_vectors(5, 3)
    vectors[2] = np.nan
    np.save(tmp_path / "vectors.npy", vectors)
    with pytest.raises(LibraryError, match="not finite"):
        FlatIndex.load(load_vectors(tmp_path / "vectors.npy"), tmp_path).search(unit_vectors(1, 3), 5)


def test_blocks_are_the_rows_asked_for_whether_mapped_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "BLOCK", 4)
    vectors = unit_vectors(10, 3)
    np.save(tmp_path / "vectors.npy", vectors)
    rows = np.array([9, 0, 3, 4, 4])
    for held in (vectors, load_vectors(tmp_path / "vectors.npy")):
        assert [len(block) for block in protocol.blocks_of(held)] == [4, 4, 2]
        assert (np.concatenate(list(protocol.blocks_of(held))) == vectors).all()
        assert (np.concatenate(list(protocol.blocks_of(held, rows))) == vectors[rows]).all()


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the system does not say what is mapped")
def test_pages_read_block_by_block_are_let_go_of(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.ones((20_000, 100), dtype=np.float32))
    vectors = load_vectors(tmp_path / "vectors.npy")
    assert vectors.sum() == 2_000_000
    before = mapped_kilobytes(tmp_path / "vectors.npy")
    for _ in protocol.blocks_of(vectors):
        pass
    assert before > 7000
    assert mapped_kilobytes(tmp_path / "vectors.npy") == 0
    assert vectors.sum() == 2_000_000


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the system does not say what is mapped")
def test_a_mapped_file_is_read_here_and_there_only_meanwhile(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", unit_vectors(10, 3))
    vectors = load_vectors(tmp_path / "vectors.npy")
    said = []
    for held in (vectors, unit_vectors(10, 3)):
        with protocol.scattered(held):
            said.append("rr" in about_mapping(tmp_path / "vectors.npy")["VmFlags"])
        said.append("rr" in about_mapping(tmp_path / "vectors.npy")["VmFlags"])
    assert said == [True, False, False, False]


def mapped_kilobytes(path: Path) -> int:
    """How much of a file this process has in memory."""
    return int(about_mapping(path)["Rss"][0])


def about_mapping(path: Path) -> dict[str, list[str]]:
    """What the system says of a mapped file."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    [first] = [number for number, line in enumerate(lines) if line.endswith(str(path))]
    end = next(number for number in range(first, len(lines)) if lines[number].startswith("VmFlags"))
    return {
        name: rest.split() for name, _, rest in (line.partition(":") for line in lines[first + 1 : end + 1])
    }


def test_columns_first_on_disk_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.asfortranarray(unit_vectors(5, 3)))
    with pytest.raises(LibraryError, match="row after row"):
        load_vectors(tmp_path / "vectors.npy")


def test_faiss_reads_the_mapped_vectors_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def knn(queries: Vectors, vectors: Vectors, k: int, **kwargs: int) -> object:
        read.append((vectors, faiss.omp_get_max_threads()))
        return original(queries, vectors, k, **kwargs)

    original = faiss.knn
    monkeypatch.setattr(faiss, "knn", knn)
    threads = faiss.omp_get_max_threads()
    np.save(tmp_path / "vectors.npy", unit_vectors(50, 3))
    index = FlatIndex.load(load_vectors(tmp_path / "vectors.npy"), tmp_path)
    index.search(unit_vectors(1, 3), 5)
    assert [np.shares_memory(vectors, index.vectors) for vectors, _ in read] == [True]
    assert [used for _, used in read] == [1]
    assert faiss.omp_get_max_threads() == threads


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(-2, 2), min_size=2, max_size=2), min_size=1, max_size=12),
    st.integers(1, 15),
    st.data(),
)
def test_whole_numbers_give_exactly_the_slow_answer(
    numbers: list[list[int]], k: int, data: st.DataObject
) -> None:
    vectors = np.array(numbers, dtype=np.float32)
    query = np.array([data.draw(st.tuples(st.integers(-2, 2), st.integers(-2, 2)))], dtype=np.float32)
    rows = np.array(data.draw(st.lists(st.integers(0, len(numbers) - 1))), dtype=np.int64)
    for backend in BACKENDS.values():
        found = backend.build(vectors).search(query, k, rows=rows)
        assert (found[0].tolist(), found[1].tolist()) == slow_search(vectors, query, k, rows)


def test_rows_gathered_in_blocks_give_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, queries = unit_vectors(40, 3).round(1), unit_vectors(3, 3, seed=1)
    chosen = np.arange(1, 40, 2)
    whole = FlatIndex.build(vectors).search(queries, 6, chosen)
    monkeypatch.setattr("myosem.index.flat.BLOCK", 4)
    parts = FlatIndex.build(vectors).search(queries, 6, chosen)
    assert [part.tolist() for part in parts] == [part.tolist() for part in whole]
    assert whole[1].tolist() == slow_search(vectors, queries, 6, chosen)[1]


MANIFEST = Manifest(
    version=3,
    created="2026-01-01T00:00:00+00:00",
    recordings=2,
    segments=5,
    model="small",
    fingerprint="abc",
    feature_version="1",
    dimension=4,
    files={"vectors.npy": FileEntry(208, "ff")},
    signals={"000001.bin": 64},
)


def test_manifest_comes_back_as_written(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path / "manifest.json")
    assert Manifest.read(tmp_path / "manifest.json") == MANIFEST


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "{}", '{"format": 1}', '{"format": 1, "files": {"a": 1}}']
)
def test_damaged_manifest_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(LibraryError, match="missing or damaged"):
        Manifest.read(tmp_path / "manifest.json")


def test_manifest_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"format": 2}')
    with pytest.raises(LibraryError, match="another format; got 2"):
        Manifest.read(tmp_path / "manifest.json")


def test_index_of_another_model_is_refused_with_the_command_that_rebuilds_it() -> None:
    MANIFEST.check_model("abc", Path("lib"))
    with pytest.raises(IndexMismatchError, match=r"small \(abc\).*model xyz; try: myosem index"):
        MANIFEST.check_model("xyz", Path("lib"))


def test_library_without_an_index_is_refused() -> None:
    bare = Manifest(version=1, created="", recordings=1, segments=1)
    with pytest.raises(IndexMismatchError, match="no index yet"):
        bare.check_model("abc", Path("lib"))
