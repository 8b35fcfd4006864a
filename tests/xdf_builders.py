"""Tiny XDF files, made of noise, chunk by chunk as Lab Streaming Layer's recorder writes them."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from builder_parts import SECRET, noise
from numpy.typing import NDArray

FORMATS = {"f4": "float32", "f8": "double64", "i2": "int16", "i4": "int32"}
STARTED_S = 1234.5
RATE_HZ = 500


def chunk(tag: int, content: bytes) -> bytes:
    return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content


def xml(name: str, kind: str, channels: int, rate_hz: float, form: str, description: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?><info><name>{name}</name><type>{kind}</type>'
        f"<channel_count>{channels}</channel_count><nominal_srate>{rate_hz}</nominal_srate>"
        f"<channel_format>{form}</channel_format><hostname>{SECRET}</hostname>"
        f"<desc><subject><name>{SECRET}</name></subject>{description}</desc></info>"
    ).encode()


def described(labels: Sequence[str], unit: str = "microvolts", kinds: Sequence[str] | None = None) -> str:
    kinds = kinds or ["EMG"] * len(labels)
    channels = "".join(
        f"<channel><label>{label}</label><unit>{unit}</unit><type>{kind}</type></channel>"
        for label, kind in zip(labels, kinds, strict=True)
    )
    return f"<channels>{channels}</channels>"


def numeric_stream(
    number: int, header: bytes, times_s: NDArray[np.float64], values: NDArray[Any], block: int = 64
) -> bytes:
    """A stream of numbers in blocks, a time for each sample."""
    parts = [chunk(2, struct.pack("<I", number) + header)]
    for first in range(0, len(values), block):
        rows = values[first : first + block]
        body = struct.pack("<I", number) + b"\x04" + struct.pack("<I", len(rows))
        for row, time_s in zip(rows, times_s[first : first + block], strict=True):
            body += b"\x08" + struct.pack("<d", time_s) + row.astype(row.dtype.newbyteorder("<")).tobytes()
        parts.append(chunk(3, body))
    return b"".join(parts)


def text_stream(number: int, header: bytes, marks: Sequence[tuple[float, str]]) -> bytes:
    body = struct.pack("<I", number) + b"\x04" + struct.pack("<I", len(marks))
    for time_s, text in marks:
        data = text.encode()
        body += b"\x08" + struct.pack("<d", time_s) + b"\x01" + struct.pack("<B", len(data)) + data
    return chunk(2, struct.pack("<I", number) + header) + chunk(3, body)


def write_xdf(path: Path, *streams: bytes) -> Path:
    header = chunk(1, b'<?xml version="1.0"?><info><version>1.0</version></info>')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"XDF:" + header + b"".join(streams))
    return path


def emg(rows: int = 6 * RATE_HZ, channels: int = 3) -> NDArray[np.float32]:
    """Loud from a third to two thirds."""
    loud = (np.arange(rows) * 3 // rows == 1)[:, None]
    return np.asarray(noise((rows, channels), 1.0, 4) * np.where(loud, 20.0, 1.0), dtype=np.float32)


def emg_stream(values: NDArray[Any] | None = None, number: int = 1, **changes: Any) -> bytes:
    """EMG; from the sample ``jump`` on the time is 10 s later; ``real_hz`` is the rate of its times."""
    samples = emg() if values is None else values
    jump, rate_hz = changes.pop("jump", len(samples)), changes.pop("real_hz", changes.get("rate_hz", RATE_HZ))
    times_s = STARTED_S + np.arange(len(samples)) / rate_hz + 10.0 * (np.arange(len(samples)) >= jump)
    times_s += changes.pop("jitter", 0.0) * np.random.default_rng(0).uniform(size=len(samples))
    facts: dict[str, Any] = {"name": "Amp", "kind": "EMG", "rate_hz": RATE_HZ, "description": ""} | changes
    form = FORMATS[samples.dtype.str[1:]]
    header = xml(facts["name"], facts["kind"], samples.shape[1], facts["rate_hz"], form, facts["description"])
    return numeric_stream(number, header, times_s, samples)


def marker_stream(marks: Sequence[tuple[float, str]], number: int = 2) -> bytes:
    header = xml("Task", "Markers", 1, 0, "string")
    return text_stream(number, header, [(STARTED_S + time_s, text) for time_s, text in marks])


def build_xdf(root: Path) -> list[Path]:
    marks = [(0.0, "rest"), (2.0, "fist"), (4.0, "rest")]
    first = emg_stream(description=described(["FCR", "ECR", "biceps"]))
    motion = emg_stream(emg(600, 2), number=3, name="Glove", kind="Mocap", rate_hz=100)
    stem = "sub-P001_ses-S001_task-Default_run-00"
    return [
        write_xdf(root / f"{stem}1_eeg.xdf", first, marker_stream(marks), motion),
        write_xdf(root / f"{stem}2_eeg.xdf", emg_stream(jump=1500)),
    ]


XDF: dict[str, Callable[[Path], list[Path]]] = {"xdf": build_xdf}
