"""Small sources and libraries whose right answers are plain, for the tests of what is stored."""

from pathlib import Path

import numpy as np
from builders import write_lines
from fakes import FakeModel, write_bursts
from numpy.typing import NDArray

from myosem.features import READ, SCALARS
from myosem.ingest import ingest
from myosem.library import Library

RATE_HZ = 200.0


class LoudnessModel:
    """Puts each segment at an angle that grows with its loudness in dB, so that like finds like.

    Attributes:
        sessions: how many sessions it has encoded.
    """

    name = "loudness"
    dimension = 2

    def __init__(self, fingerprint: str = "loudness-1") -> None:
        self.fingerprint = fingerprint
        self.sessions = 0

    def encode_session(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        self.sessions += 1
        angles = np.clip(features[:, READ - SCALARS + 1], 0, 10) / 10
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def write_trial(
    root: Path, subject: int = 1, day: int = 1, movement: int = 2, trial: int = 1, seed: int | None = None
) -> Path:
    """One second of noise as a file of the long-term data set; loud unless the movement is 1, rest."""
    own = 1000 * subject + 100 * day + 10 * movement + trial if seed is None else seed
    level = 0.01 if movement == 1 else 0.3
    samples = np.random.default_rng(own).normal(0, level, (200, 8)).round(4)
    return write_lines(root / f"sub{subject}/day{day}/D{day}M{movement}T{trial}.csv", samples)


def write_study(root: Path, subjects: int = 2, trials: int = 2) -> Path:
    """Rest and wrist flexion of some subjects: 2 movements, 1 session each."""
    for subject in range(1, subjects + 1):
        for trial in range(1, trials + 1):
            for movement in (1, 2):
                write_trial(root, subject, movement=movement, trial=trial)
    return root


def tables(library: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the published catalogue, and the vectors."""
    opened = Library.open(library)
    names = [row[0] for row in opened.catalogue.query("SELECT table_name FROM duckdb_tables()")]
    found = {name: opened.catalogue.query(f"FROM {name} ORDER BY ALL") for name in names}
    if opened.manifest.indexed:
        found["vectors"] = [tuple(row) for row in opened.vectors().tolist()]
    opened.close()
    return found


def two_sessions(folder: Path) -> Path:
    """A library of bursts of two sessions, made in a folder."""
    for session, name, seed in (("a", "one", 0), ("b", "one", 2)):
        write_bursts(folder / "files", session, name, seed)
    ingest(folder / "lib", [folder / "files"], model=FakeModel())
    return folder / "lib"
