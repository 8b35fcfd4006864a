"""Which index a library has, and how it goes on from version to version."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel, write_bursts
from library_builders import LoudnessModel, write_study, write_trial

from myosem.errors import UsageError
from myosem.index import FlatIndex, IvfIndex
from myosem.index.approximate import INDEX, ROWS
from myosem.ingest import ingest, reindex
from myosem.library import Library
from myosem.search import Engine


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes IVF search its lists in a library of a few segments."""
    monkeypatch.setattr(IvfIndex, "exact_rows", 3)
    monkeypatch.setattr(IvfIndex, "depth", (2, 1))


def test_what_was_asked_for_stays_until_auto_is(tmp_path: Path) -> None:
    model, path = LoudnessModel(), tmp_path / "lib"
    ingest(path, [write_study(tmp_path / "data")], model=model)
    assert Library.open(path).manifest.backend == "flat"
    assert "compared one by one" in Library.open(path).manifest.backend_reason
    encoded = model.sessions
    reindex(path, model, backend="hnsw")
    assert model.sessions == encoded, "vectors of this model are kept"
    assert Library.open(path).manifest.backend == "hnsw"
    ingest(path, [write_trial(tmp_path / "data", subject=3)], model=model)
    reindex(path, model)
    manifest = Library.open(path).manifest
    assert (manifest.version, manifest.backend, manifest.backend_asked) == (4, "hnsw", True)
    reindex(path, model, backend="auto")
    assert (Library.open(path).manifest.backend, Library.open(path).manifest.backend_asked) == ("flat", False)


def test_a_backend_that_does_not_exist_changes_nothing(tmp_path: Path) -> None:
    ingest(tmp_path / "lib", [write_study(tmp_path / "data")], model=LoudnessModel())
    with pytest.raises(UsageError, match="index backend"):
        reindex(tmp_path / "lib", LoudnessModel(), backend="annoy")
    assert Library.open(tmp_path / "lib").version == 1


def test_another_model_encodes_anew_whatever_the_backend(tmp_path: Path) -> None:
    ingest(tmp_path / "lib", [write_study(tmp_path / "data")], model=LoudnessModel())
    other = LoudnessModel("loudness-2")
    reindex(tmp_path / "lib", other, backend="ivf")
    assert other.sessions == 2
    assert Library.open(tmp_path / "lib").manifest.fingerprint == "loudness-2"


@pytest.mark.usefixtures("few")
def test_an_ingest_goes_on_with_the_index_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Subject 1 comes before the others, so that every row of theirs moves."""
    model, data, path = LoudnessModel(), tmp_path / "data", tmp_path / "lib"
    for trial in range(16):
        write_trial(data, subject=2 + trial % 2, movement=1 + trial % 4 // 2, trial=trial)
    ingest(path, [data], model=model)
    reindex(path, model, backend="ivf")
    assert (Library.open(path).folder / INDEX).exists()
    made: list[object] = []
    monkeypatch.setattr(IvfIndex, "build", made.append)
    ingest(path, [write_trial(data, 1)], model=model)
    library = Library.open(path)
    assert not made
    assert (library.folder / ROWS).exists()
    library.verify()
    vectors = np.asarray(library.vectors())
    assert not library.index().plan(1).exact
    for vector in vectors:
        (scores,), _ = library.index().search(vector[None], 1)
        assert scores[0] == pytest.approx(1, abs=1e-6)


@pytest.mark.usefixtures("few")
def test_the_answer_says_how_it_was_found(tmp_path: Path) -> None:
    model: Any = FakeModel()
    files = [write_bursts(tmp_path / "files", "a", name, seed) for seed, name in enumerate(["one", "two"])]
    ingest(tmp_path / "lib", files, model=model)
    reindex(tmp_path / "lib", model, backend="ivf")
    engine = Engine(tmp_path / "lib", model)
    result = engine.search("fist", k=1)
    assert not result.exact
    assert result.how.startswith("ivf: ")
    (own,) = engine.library.rows([0])
    like = engine.similar(own.segment, k=1)
    flat = FlatIndex.build(engine.library.vectors()).search(engine.library.vectors()[:1], 3)[1][0]
    assert like.hits[0].segment in {row.segment for row in engine.library.rows(flat[1:])}
    filtered = engine.search("fist", k=1, where="start_s < 2.5 and name = 'one'")
    assert filtered.exact == ("filter keeps" in filtered.how)


def test_a_manifest_written_before_there_was_a_choice_is_flat(tmp_path: Path) -> None:
    ingest(tmp_path / "lib", [write_study(tmp_path / "data")], model=LoudnessModel())
    path = Library.open(tmp_path / "lib").folder / "manifest.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in content.items() if not k.startswith("backend")}))
    library = Library.open(tmp_path / "lib")
    assert isinstance(library.index(), FlatIndex)
    replace(library.manifest, backend="annoy").write(path)
    with pytest.raises(UsageError, match="index backend"):
        Library.open(tmp_path / "lib").index()
