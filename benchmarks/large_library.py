"""A library of many segments in little time: what the catalogue says is made up, the vectors are simulated.

    python benchmarks/large_library.py DIR [--segments 1000000] [--model DIR]

It is written by the library's own writer and differs from an ingested one in this alone: all recordings are
of the same samples, for nobody records a million bursts. 1,000,000 segments take about two minutes and 2 GB.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from simulated_vectors import SEGMENTS, simulate

from myosem.catalogue import RecordingRow, SourceRow
from myosem.catalogue_writer import NewSegment
from myosem.index import backend_named, choose, load_vectors
from myosem.library import VECTORS, Library, published_version
from myosem.library_writer import LibraryWriter
from myosem.model import Model
from myosem.prompts import load_actions
from myosem.records import Channel, Span
from myosem.store import Place, SignalWriter

RATE_HZ, CHANNELS, BURST_S, BURSTS = 200, 8, 1.0, 50
RECORDINGS = 20
"""Of one person."""


def library_of(folder: Path, segments: int, model: Model) -> Library:
    """A library of this many segments in the folder; one that is there and of this model is used again."""
    if published_version(folder) is not None:
        library = Library.open(folder)
        library.manifest.check_model(model.fingerprint, folder)
        return library
    print(f"writing {segments:,} segments ...", file=sys.stderr, flush=True)
    return write_library(folder, segments, model)


def write_library(path: Path, segments: int, model: Model) -> Library:
    """A library of so many segments (at least; whole recordings), 20 recordings of 50 bursts a person."""
    count = -(-segments // BURSTS)
    with LibraryWriter.lock(path) as writer:
        place = _write_samples(writer.signals)
        names = sorted(load_actions())
        rows = [_recording(number, place, names) for number in range(count)]
        catalogue = writer.catalogue()
        catalogue.write_recordings(rows, [_source(row) for row in rows], [])
        origins = catalogue.write_segments([], [one for row in rows for one in _segments(row)])
        catalogue.close()
        simulate(len(origins), model.dimension, writer.prepared)
        choice = choose(len(origins), model.dimension)
        index = backend_named(choice.backend).build(load_vectors(writer.prepared / VECTORS))
        index.save(writer.prepared)
        return writer.publish(model.name, model.fingerprint, model.feature_version, choice)


def _write_samples(path: Path) -> Place:
    """Noise that is loud every other half second, as one recording of 50 s."""
    random = np.random.default_rng(0)
    loud = np.arange(round(RATE_HZ * BURST_S * BURSTS)) / RATE_HZ % BURST_S >= BURST_S / 2
    samples = random.integers(-3, 4, (len(loud), CHANNELS)) * np.where(loud, 20, 1)[:, None]
    writer = SignalWriter(path)
    place = writer.append(samples.astype(np.int8))
    writer.close()
    return place


def _recording(number: int, place: Place, names: list[str]) -> RecordingRow:
    """The recording of a number: two of a session, twenty of a person."""
    person, trial = divmod(number, RECORDINGS)
    per_session = SEGMENTS // BURSTS
    spans = tuple(
        Span(burst * BURST_S + BURST_S / 2, (burst + 1) * BURST_S, names[(number + burst) % len(names)])
        for burst in range(BURSTS)
    )
    return RecordingRow(
        recording=f"{number:016x}",
        hash=f"{number:016x}" * 4,
        dataset="simulated",
        subject=f"s{person + 1}",
        session=str(trial // per_session + 1),
        name=str(trial + 1),
        source=f"simulated/s{person + 1}/{trial + 1}.npz",
        rate_hz=float(RATE_HZ),
        channels=tuple(Channel(f"ch{one + 1}", 360 * one / CHANNELS) for one in range(CHANNELS)),
        unit="count",
        signal="raw",
        band_hz=None,
        anchored=False,
        simulated=True,
        notes=(),
        spans=spans,
        place=place,
    )


def _segments(row: RecordingRow) -> list[NewSegment]:
    return [
        NewSegment(row.recording, span.start_s, span.end_s, "contraction", span.label, span.label, None, 20.0)
        for span in row.spans
    ]


def _source(row: RecordingRow) -> SourceRow:
    return SourceRow(row.source, 400_000, 0.0, "npz", "stored")


def main() -> None:
    """Write the library and say what it holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--model", type=Path, help="another bundle than the packaged one")
    options = parser.parse_args()
    library = write_library(options.folder, options.segments, Model.load(options.model))
    print(f"{library.manifest.segments:,} segments, {library.manifest.backend}, in {options.folder}")


if __name__ == "__main__":
    main()
