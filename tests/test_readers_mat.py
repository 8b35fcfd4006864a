"""The MATLAB 5 decoder against SciPy's, on files both can read."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from myosem.errors import SourceError
from myosem.readers import SourceFile
from myosem.readers.mat import load_mat, mat_shapes


def load(path: Path, *names: str) -> dict[str, Any]:
    return load_mat(SourceFile(path), names)


def element(kind: int, data: bytes) -> bytes:
    """A big-endian element."""
    return struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_numbers_as_scipy_reads_them(kind: str, compressed: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    values = np.random.default_rng(0).integers(0, 100, (5, 3, 2)).astype(kind)
    savemat(path, {"other": "text", "cube": values, "row": values[0, 0]}, do_compression=compressed)
    found = load(path, "cube", "row")
    assert set(found) == {"cube", "row"}
    for name in found:
        expected = loadmat(path)[name]
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == expected.dtype


@pytest.mark.parametrize("compressed", [False, True])
def test_fields_of_a_struct(compressed: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    moves = np.array(["Open Hand", "Größe", ""], dtype=object)
    savemat(
        path, {"s": {"mov": moves, "rate": 2000, "secret": "x", "deep": {"a": 1}}}, do_compression=compressed
    )
    found = load(path, "s.mov", "s.rate")
    assert [text if isinstance(text, str) else "" for text in found["s.mov"]] == ["Open Hand", "Größe", ""]
    assert found["s.rate"].tolist() == [[2000]]
    with pytest.raises(SourceError, match=r"variables are missing; got no s\.speed, t"):
        load(path, "s.rate", "s.speed", "t")
    with pytest.raises(SourceError, match="neither numbers, text nor a list"):
        load(path, "s.deep")
    with pytest.raises(SourceError, match="neither numbers, text nor a list"):
        load(path, "s")


def test_big_endian_files(tmp_path: Path) -> None:
    parts = [
        element(6, struct.pack(">II", 6, 0)),
        element(5, struct.pack(">ii", 2, 3)),
        element(1, b"emg"),
        element(3, struct.pack(">6h", *range(-3, 3))),
    ]
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    (tmp_path / "x.mat").write_bytes(header + element(14, b"".join(parts)))
    emg = load(tmp_path / "x.mat", "emg")["emg"]
    np.testing.assert_array_equal(emg, np.arange(-3, 3).reshape(2, 3, order="F"))
    np.testing.assert_array_equal(emg, loadmat(tmp_path / "x.mat")["emg"])
    assert emg.dtype == np.int16 and emg.dtype.isnative


def test_complex_numbers_and_damaged_newer_versions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    savemat(path, {"emg": np.array([1 + 2j])})
    with pytest.raises(SourceError, match="emg is neither numbers"):
        load(path, "emg")
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400))
    with pytest.raises(SourceError, match="cannot be read as an HDF5 file with MATLAB variables"):
        load(path, "emg")


def test_every_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    for compressed in (False, True):
        savemat(path, {"emg": np.arange(40, dtype=np.int16).reshape(5, 8)}, do_compression=compressed)
        data = path.read_bytes()
        for cut in range(len(data)):
            path.write_bytes(data[:cut])
            with pytest.raises(SourceError, match=r"x\.mat"):
                load(path, "emg")


def test_every_byte_may_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    savemat(path, {"s": {"mov": np.array(["a", "b"], dtype=object), "x": np.arange(3)}})
    data = path.read_bytes()
    refused = 0
    for place in range(120, len(data)):
        for value in (0, 7, 0x55, 0xFF):
            path.write_bytes(data[:place] + bytes([value]) + data[place + 1 :])
            try:
                load(path, "s.mov", "s.x")
            except SourceError:
                refused += 1
    assert refused > len(data) - 120


@pytest.mark.parametrize("compressed", [False, True])
def test_shapes_are_known_without_the_values(compressed: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    made = {
        "emg": np.zeros((500, 12), np.float32),
        "rate": 2000,
        "who": "somebody",
        "a" * 31: np.zeros((2, 3, 4)),
    }
    savemat(path, made, do_compression=compressed)
    assert mat_shapes(SourceFile(path)) == {
        "emg": (500, 12),
        "rate": (1, 1),
        "who": (1, 8),
        "a" * 31: (2, 3, 4),
    }


def packed(content: bytes, declared: int) -> bytes:
    """A file of one compressed variable of bytes, which declares that it has so many."""
    head = struct.pack("<4I2I2i2I", 6, 8, 9, 0, 5, 8, declared, 1, 1, 3) + b"emg".ljust(8, b"\0")
    body = struct.pack("<II", 14, len(head) + 8 + declared) + head + struct.pack("<II", 2, declared) + content
    data = zlib.compress(body, 1)
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 15, len(data)) + data


@pytest.mark.parametrize(
    ("size", "declared", "fault"),
    [
        (64, 2**31 - 8, "declares 2,147,483,"),
        ((32 << 20) + 8, (32 << 20) + 8, "declares 33,554,"),
        (4 << 20, 64, "unpacks to more than it declares"),
        (64, 4 << 20, "ends early"),
    ],
)
def test_a_compressed_variable_is_no_larger_than_it_says_and_can_be(
    size: int, declared: int, fault: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.mat"
    path.write_bytes(packed(bytes(3 << 20), 3 << 20))
    assert load(path, "emg")["emg"].shape == (3 << 20, 1)
    path.write_bytes(packed(bytes(size), declared))
    with pytest.raises(SourceError, match=fault):
        load(path, "emg")


def test_what_is_not_asked_for_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    savemat(path, {"rate": 2000}, do_compression=True)
    first = path.stat().st_size
    savemat(path, {"rate": 2000, "noise": np.random.default_rng(0).normal(size=5000)}, do_compression=True)
    data = bytearray(path.read_bytes())
    data[first + 20_000 : first + 20_100] = bytes(100)
    path.write_bytes(data)
    assert load(path, "rate")["rate"] == 2000
    with pytest.raises(SourceError):
        load(path, "noise")


def test_optional_variables_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    savemat(path, {"emg": np.zeros(3), "subject": 4})
    found = load_mat(SourceFile(path), ["emg"], optional=["subject", "exercise"])
    assert set(found) == {"emg", "subject"}
