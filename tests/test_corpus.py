"""Training reads of a library what indexing reads of it."""

from pathlib import Path

import numpy as np
from library_builders import write_study

from myosem.corpus import read_corpus
from myosem.features import segment_session
from myosem.ingest import ingest
from myosem.library import Library

MAPPING = r"""
rate_hz: 200
array: emg
dataset: mixed
session: one
path: (?P<subject>s\d+)/(?P<name>[^/.]+)\.npz$
"""


def test_features_and_labels_are_those_of_the_index(tmp_path: Path) -> None:
    ingest(tmp_path / "lib", [write_study(tmp_path / "data")], model=None)
    library = Library.open(tmp_path / "lib")
    corpus = read_corpus(library)
    assert len(corpus) == len(library.sessions()) == 2
    for session, key in zip(corpus, library.sessions(), strict=True):
        np.testing.assert_array_equal(session.features, segment_session(library.recordings(key))[1])
        assert sorted(map(str, session.actions)) == sorted(
            str(row.action) for row in library.segments_of(key)
        )


def test_a_session_of_two_layouts_is_read_as_two(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for width in (4, 8):
        (data / "s1").mkdir(parents=True, exist_ok=True)
        np.savez(data / "s1" / f"{width}.npz", emg=np.random.default_rng(width).normal(0, 1, (400, width)))
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    ingest(tmp_path / "lib", [data], model=None, mapping=tmp_path / "mapping.yaml")
    corpus = read_corpus(Library.open(tmp_path / "lib"))
    assert sorted(session.channels.courses.shape[2] for session in corpus) == [4, 8]
