"""MATLAB 7.3 files say the same as those of MATLAB 5."""

import builtins
import dataclasses
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
from builders import BUILDERS, zip_folder
from mat73_builders import as_mat73, write_mat73
from scipy.io import savemat

from myosem.errors import MissingExtraError, SourceError
from myosem.readers import SourceFile, read_recordings
from myosem.readers.mat import load_mat, mat_shapes

CONTENT: dict[str, Any] = {
    "emg": np.arange(12, dtype=np.float32).reshape(4, 3),
    "one": np.array([[7]], np.uint8),
    "name": "Größe",
    "nothing": np.empty((0, 3)),
    "session": {"rate": np.array([[2000.0]]), "mov": ["Open Hand", "", "Größe"]},
}


OTHERS = ["biopatrec_10mov4ch", "capgmyo", "myo_up", "unibo_inail"]


@pytest.mark.parametrize("name", [*sorted(name for name in BUILDERS if name.startswith("ninapro")), *OTHERS])
def test_every_reader_of_mat_files_takes_both_versions(name: str, tmp_path: Path) -> None:
    BUILDERS[name](tmp_path)
    before = read_recordings(tmp_path)
    for path in tmp_path.rglob("*.mat"):
        as_mat73(path)
    after = read_recordings(tmp_path)
    assert [one.content_hash for one in after] == [one.content_hash for one in before]
    for old, new in zip(before, after, strict=True):
        samples = old.samples
        assert dataclasses.replace(new, samples=samples) == dataclasses.replace(old, samples=samples)


@pytest.mark.parametrize("zipped", [False, True])
def test_variables_are_as_those_of_matlab_5(zipped: bool, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    new = SourceFile(write_mat73(tmp_path / "new/x.mat", CONTENT))
    if zipped:
        new = SourceFile(zip_folder(tmp_path / "new", tmp_path / "x.zip"), "x.mat")
    old = tmp_path / "old.mat"
    moves = np.array(CONTENT["session"]["mov"], dtype=object)
    savemat(old, CONTENT | {"session": CONTENT["session"] | {"mov": moves}})
    names = ["emg", "one", "name", "nothing", "session.rate", "session.mov"]
    found, expected = load_mat(new, names), load_mat(SourceFile(old), names)
    assert found["name"] == expected["name"] == "Größe"
    assert found["session.mov"] == ["Open Hand", "", "Größe"]
    for name in ("emg", "one", "nothing", "session.rate"):
        np.testing.assert_array_equal(found[name], expected[name])
        assert found[name].dtype == expected[name].dtype
    assert {name: shape for name, shape in mat_shapes(new).items() if name != "name"} == {
        name: shape for name, shape in mat_shapes(SourceFile(old)).items() if name != "name"
    }


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    path = write_mat73(tmp_path / "x.mat", CONTENT)
    with pytest.raises(SourceError, match=r"variables are missing; got no session\.speed, t"):
        load_mat(SourceFile(path), ["session.rate", "session.speed", "t"])
    assert set(load_mat(SourceFile(path), ["emg"], optional=["t"])) == {"emg"}
    with pytest.raises(SourceError, match="neither numbers, text nor a list"):
        load_mat(SourceFile(path), ["session"])


def test_huge_and_circular_variables_are_refused(tmp_path: Path) -> None:
    path = write_mat73(tmp_path / "x.mat", {"cell": ["a"]})
    with h5py.File(path, "r+") as content:
        content.create_dataset("huge", shape=(10**6, 10**6), dtype="f8")
        content["cell"][0, 0] = content["cell"].ref
    for name, message in (("huge", "GiB"), ("cell", "neither numbers")):
        with pytest.raises(SourceError, match=message):
            load_mat(SourceFile(path), [name])


def test_damage_is_one_clear_error(tmp_path: Path) -> None:
    path = write_mat73(tmp_path / "x.mat", CONTENT)
    data, random, refused = path.read_bytes(), np.random.default_rng(0), 0
    for trial in range(150):
        broken = bytearray(data[: random.integers(600, len(data))] if trial % 3 == 0 else data)
        broken[random.integers(512, len(broken))] = random.integers(0, 256)
        path.write_bytes(broken)
        try:
            load_mat(SourceFile(path), ["emg", "name", "session.mov"])
        except SourceError:
            refused += 1
    assert refused > 40


def test_without_h5py_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_mat73(tmp_path / "x.mat", CONTENT)
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name == "h5py":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"need h5py; try: pip install .myosem\[formats\]."):
        load_mat(SourceFile(path), ["emg"])
