"""Damage to containers of arrays: MATLAB, NumPy, HDF5, Parquet, XDF, EDF and zip files."""

import io
import re
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from byte_mutators import BYTES, DEEP, HUGE, NUMBERS, Bytes, cut, flip, huge, same_width_number
from numpy.random import Generator
from numpy.typing import NDArray

TRICKS = ("../../out.csv", "/tmp/out.csv", "a/../../../out.npy", "C:\\out.mat", "..\\out.hdf5", "a" * 300, "")
BOMB_BYTES = 96 << 20


# Arrays.


def other_array(values: NDArray[Any], random: Generator) -> NDArray[Any]:
    """An array of another type or shape, or with values that nobody expects."""
    made = ARRAYS[random.integers(len(ARRAYS))](np.asarray(values), random)
    return np.asarray(made)


def _of_type(values: NDArray[Any], random: Generator) -> NDArray[Any]:
    kinds = ("i1", "u1", "i2", "i4", "i8", "u8", "f2", "f4", ">f8", ">i2", "c8", "?", "S3", "M8[s]")
    with np.errstate(all="ignore"):
        return values.astype(kinds[random.integers(len(kinds))])


def _with_values(values: NDArray[Any], random: Generator) -> NDArray[Any]:
    worst = (np.nan, np.inf, -np.inf, 1e308, -1.0, 1e-320, 2.0**53, 0.0)[random.integers(8)]
    changed = values.astype(np.float64)
    changed.flat[random.integers(0, max(changed.size, 1), 1 + changed.size // 50)] = worst
    return changed


def _of_shape(values: NDArray[Any], random: Generator) -> NDArray[Any]:
    made: tuple[Callable[[], NDArray[Any]], ...] = (
        lambda: values.T,
        values.ravel,
        lambda: values[..., ::-1],
        lambda: values[None],
        lambda: values[:0],
        lambda: values[:1],
        lambda: values[..., :1],
        lambda: values[: len(values) // 2],
        lambda: np.concatenate([values, values]),
        lambda: np.array(0.0),
        lambda: np.empty((0, 0)),
    )
    return made[random.integers(len(made))]()


ARRAYS = (_of_type, _with_values, _of_shape)


# Containers.


def other_variable(path: Path, random: Generator) -> None:
    """A variable of a MATLAB 5 file, changed or gone."""
    from scipy.io import loadmat, savemat

    found = {name: value for name, value in loadmat(path).items() if not name.startswith("__")}
    name = list(found)[random.integers(len(found))]
    if random.random() < 0.15:
        del found[name]
    elif random.random() < 0.1:
        found[name] = ("text", {"a": 1}, np.array(["a", "b"], object), 1 + 2j)[random.integers(4)]
    else:
        found[name] = other_array(found[name], random)
    savemat(path, found, do_compression=bool(random.random() < 0.5))


def packed_bomb(path: Path, random: Generator) -> None:
    """A compressed variable of a MATLAB 5 file that unpacks to far more than the file."""
    path.write_bytes(path.read_bytes()[:128] + _packed_zeros(b"emg" if random.random() < 0.5 else b"data"))


@lru_cache
def _packed_zeros(name: bytes) -> bytes:
    import struct
    import zlib

    rows = BOMB_BYTES // 12
    head = struct.pack("<IIII", 6, 8, 9, 0) + struct.pack("<IIii", 5, 8, rows, 12)
    head += struct.pack("<II", 1, len(name)) + name.ljust(8, b"\0") + struct.pack("<II", 2, 12 * rows)
    packed = zlib.compress(struct.pack("<II", 14, len(head) + 12 * rows) + head + bytes(12 * rows), 1)
    return struct.pack("<II", 15, len(packed)) + packed


def other_npy(path: Path, random: Generator) -> None:
    """An array of an archive: changed, gone, of objects, or under a name that leads out."""
    with np.load(path) as archive:
        found = {name: archive[name] for name in archive.files}
    name = list(found)[random.integers(len(found))]
    values = found.pop(name)
    if random.random() < 0.2:
        name = TRICKS[random.integers(len(TRICKS))]
    found[name] = values.astype(object) if random.random() < 0.1 else other_array(values, random)
    np.savez(path, **found)


def lying_npy(path: Path, random: Generator) -> None:
    """An array whose header declares far more than follows, or whose zeros unpack to far more."""
    with np.load(path) as archive:
        found = {name: archive[name] for name in archive.files}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name, values in found.items():
            count = BOMB_BYTES // 4 if random.random() < 0.3 else int(HUGE[random.integers(len(HUGE))])
            with target.open(f"{name}.npy", "w") as member:
                declared = {"descr": "<f4", "fortran_order": False, "shape": (count, 1)}
                np.lib.format.write_array_header_1_0(member, declared)  # type: ignore[no-untyped-call]
                member.write(bytes(4 * count) if count == BOMB_BYTES // 4 else values.tobytes())
    path.write_bytes(buffer.getvalue())


def other_dataset(path: Path, random: Generator) -> None:
    """A dataset of an HDF5 file, changed, gone, or far larger than what was written."""
    import h5py  # type: ignore[import-untyped]

    with h5py.File(path, "r+") as content:
        found: list[str] = []
        content.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
        name = found[random.integers(len(found))]
        values, attributes = content[name][()], dict(content[name].attrs)
        del content[name]
        chosen = random.random()
        if chosen < 0.5:
            made = content.create_dataset(name, data=_other_table(np.asarray(values), random))
            made.attrs.update(attributes)
        elif chosen < 0.8:
            shape = (int(random.choice([1 << 27, 1 << 33, 1 << 40])), *np.shape(values)[1:])
            made = content.create_dataset(
                name, shape, np.asarray(values).dtype, chunks=True, compression="gzip", fillvalue=None
            )
            made.attrs.update(attributes)


def _other_table(values: NDArray[Any], random: Generator) -> NDArray[Any]:
    """As ``other_array``; of a table one field is changed."""
    if not values.dtype.names:
        return other_array(values, random)
    fields = {name: values[name] for name in values.dtype.names}
    name = list(fields)[random.integers(len(fields))]
    fields[name] = other_array(fields[name], random)
    length = min(len(field) for field in fields.values())
    kinds = [(key, field.dtype, field.shape[1:]) for key, field in fields.items()]
    table = np.zeros(length, kinds)
    for key, field in fields.items():
        table[key] = field[:length]
    return table


def other_attribute(path: Path, random: Generator) -> None:
    """An attribute of an HDF5 file, changed or gone."""
    import h5py

    with h5py.File(path, "r+") as content:
        found = [(content, name) for name in content.attrs]
        content.visititems(lambda _, item: found.extend((item, name) for name in item.attrs))
        item, name = found[random.integers(len(found))]
        worst = ("", "x" * 5000, b"\xff\xfe", -1, np.nan, 1 << 60, [1, 2, 3], "[" * DEEP, "{}", "[1]")
        chosen = random.integers(len(worst) + 1)
        del item.attrs[name]
        if chosen < len(worst):
            item.attrs[name] = worst[chosen]


def other_link(path: Path, random: Generator) -> None:
    """What was a dataset or group of an HDF5 file leads in a circle, nowhere, or to another file."""
    import h5py

    with h5py.File(path, "r+") as content:
        found: list[str] = []
        content.visit(found.append)
        name = found[random.integers(len(found))]
        del content[name]
        chosen = random.integers(5)
        if chosen == 0:
            content[name] = h5py.SoftLink(f"/{name}")
        elif chosen == 1:
            content[name] = h5py.ExternalLink("/etc/hostname", "/emg")
        elif chosen == 2:
            content.create_dataset(name, (500, 4), "f4", external=[("/etc/services", 0, 8000)])
        elif chosen == 3:
            content[name] = content["/"]
        else:
            content.create_group(name)


def other_column(path: Path, random: Generator) -> None:
    """A column of a Parquet file, changed, gone, or under another's name."""
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    table = pyarrow.parquet.read_table(path)
    at = int(random.integers(table.num_columns))
    name, values = table.column_names[at], table.column(at)
    made = [
        lambda: pyarrow.array([None] * len(values)),
        lambda: pyarrow.array([[1, 2]] * len(values)),
        lambda: pyarrow.array([{"a": 1}] * len(values)),
        lambda: pyarrow.array([b"\xff"] * len(values)),
        lambda: pyarrow.array(np.arange(len(values)).astype("M8[ns]")),
        lambda: pyarrow.array(_with_values(np.zeros(len(values)), random)),
        lambda: values.cast(pyarrow.string()),
        lambda: pyarrow.array([10**30] * len(values), pyarrow.decimal128(38)),
    ]
    if random.random() < 0.2:
        table = table.remove_column(at)
    else:
        name = table.column_names[random.integers(table.num_columns)] if random.random() < 0.2 else name
        table = table.set_column(at, name, made[random.integers(len(made))]())
    pyarrow.parquet.write_table(table.slice(0, 0) if random.random() < 0.1 else table, path)


def other_chunk(path: Path, random: Generator) -> None:
    """A chunk of an XDF file: changed inside and of its true length, gone, or twice."""
    from xdf_builders import chunk

    data, at, chunks = path.read_bytes(), 4, []
    while at < len(data):
        width = data[at]
        length = int.from_bytes(data[at + 1 : at + 1 + width], "little")
        content = data[at + 1 + width : at + 1 + width + length]
        chunks.append((int.from_bytes(content[:2], "little"), content[2:]))
        at += 1 + width + length
    place = int(random.integers(len(chunks)))
    tag, content = chunks[place]
    damage: tuple[Bytes, ...] = (huge, same_width_number, cut, flip)
    inside = (tag, damage[random.integers(4)](content, random))
    chunks[place : place + 1] = ([inside], [inside], [], [(tag, content)] * 2)[random.integers(4)]
    path.write_bytes(data[:4] + b"".join(chunk(*one) for one in chunks))


def other_field(path: Path, random: Generator) -> None:
    """A field of the header of an EDF file, padded to its width."""
    data = path.read_bytes()
    signals = int(data[252:256])
    widths = [8, 80, 80, 8, 8, 8, 44, 8, 8, 4]
    widths += [width for width in (16, 80, 8, 8, 8, 8, 8, 80, 8, 32) for _ in range(signals)]
    starts = np.concatenate([[0], np.cumsum(widths)])
    place = int(random.integers(len(widths)))
    text = NUMBERS[random.integers(len(NUMBERS))].encode("utf-8")[: widths[place]].ljust(widths[place])
    path.write_bytes(data[: starts[place]] + text + data[starts[place + 1] :])


def other_member(path: Path, random: Generator) -> None:
    """A member of a zip archive: its name leads out or is there twice, or it unpacks to far more."""
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist() if not info.is_dir()]
    at = int(random.integers(len(members)))
    name, data = members[at]
    chosen = random.integers(4)
    if chosen == 0:
        members[at] = (f"{TRICKS[random.integers(len(TRICKS))]}{Path(name).suffix}", data)
    elif chosen == 1:
        members.append((f"../{name}", data))
    elif chosen == 2:
        members[at] = (name, bytes(BOMB_BYTES))
    else:
        members[at] = (name, BYTES[random.integers(len(BYTES))](data, random))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name, data in members:
            target.writestr(name, data)


def lying_member(path: Path, random: Generator) -> None:
    """A zip archive that declares another size, place, method or flag for a member than it has."""
    data = path.read_bytes()
    mark = (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06")[random.integers(3)]
    places = [found.start() for found in re.finditer(re.escape(mark), data)]
    at = places[random.integers(len(places))] + int(random.integers(4, 46))
    width = int(random.choice([2, 4]))
    value = HUGE[random.integers(len(HUGE))] & ((1 << 8 * width) - 1)
    path.write_bytes(data[:at] + value.to_bytes(width, "little") + data[at + width :])
