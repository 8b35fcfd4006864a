"""EMG-BIDS: data sets of others, and a library that goes out and comes back."""

import csv
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from builders import BUILDERS, zip_folder
from edf_builders import CHANNELS, EVENTS, emg_uv
from fakes import FakeModel, write_bursts
from numpy.typing import NDArray

from myosem.bids import _recorded, _write_recording, export_bids
from myosem.edf_writer import data_record, write_signals
from myosem.errors import IndexMismatchError, LibraryError, SourceError, UsageError
from myosem.ingest import ingest
from myosem.library import Library
from myosem.readers import find_sources, read_recordings
from myosem.readers.base import Skipped
from myosem.records import Channel, Recording, Span
from myosem.search import Engine

VALIDATOR = shutil.which("bids-validator-deno") or shutil.which("bids-validator")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


# data sets of others


def test_names_types_and_labels_are_those_of_the_sidecars(tmp_path: Path) -> None:
    first, second = (read_recordings(path)[0] for path in BUILDERS["bids"](tmp_path))
    assert (first.subject, first.session, first.name) == ("01", "day1", "task-grip")
    assert second.session == "day2"
    assert [channel.name for channel in first.channels] == ["ulnar side", "radial side"]
    assert [(span.label, span.start_s, span.end_s) for span in first.spans] == [
        ("rest", 0, 2),
        ("fist", 2, 4),
    ]
    np.testing.assert_allclose(first.samples[:, 0].astype(float), emg_uv(), atol=0.02)
    assert first.unit == "uV"
    said = " ".join(first.notes)
    assert "third" in said and "bad: radial side" in said and "in uV and channels.tsv says V" in said


def test_sidecars_are_no_recordings(tmp_path: Path) -> None:
    paths = BUILDERS["bids"](tmp_path)
    items = list(find_sources([tmp_path]))
    assert sorted(item.source for item in items if not isinstance(item, Skipped)) == sorted(map(str, paths))
    assert not any(item.failed for item in items if isinstance(item, Skipped))


def test_what_is_nearer_to_the_file_wins(tmp_path: Path) -> None:
    path = BUILDERS["bids"](tmp_path)[0]
    near = path.with_name(path.name.replace("_emg.edf", "_channels.tsv"))
    near.write_text(CHANNELS.replace("ulnar side", "near"))
    (path.parent.parent.parent / "sub-01_task-grip_channels.tsv").write_text(CHANNELS.replace("ulnar", "far"))
    assert read_recordings(path)[0].channels[0].name == "near"
    near.unlink()
    assert read_recordings(path)[0].channels[0].name == "far side"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("emg.json", '{"RecordingType": "epoched"}', "this type are not read; got epoched"),
        ("emg.json", "[1]", "not an object; got list"),
        ("emg.json", "{", "not JSON"),
        ("emg.json", '{"SamplingFrequency": 2000}', "rate does not fit"),
        ("channels.tsv", CHANNELS + "more\tEMG\tV\tgood\n", "channels.tsv does not fit; got 4 channels"),
        (
            "channels.tsv",
            CHANNELS.replace("\tEMG", "\tEEG"),
            "no channel is of the type EMG; there is ECG, EEG",
        ),
    ],
)
def test_sidecars_that_do_not_fit_are_refused(name: str, content: str, message: str, tmp_path: Path) -> None:
    path = BUILDERS["bids"](tmp_path)[0]
    path.with_name(path.name.replace("emg.edf", name)).write_text(content)
    with pytest.raises(SourceError, match=message):
        read_recordings(path)


def test_labels_of_a_model_are_no_labels(tmp_path: Path) -> None:
    path = BUILDERS["bids"](tmp_path)[0]
    lines = [
        line + "\tlabel_source" if n == 0 else line + "\tzero-shot"
        for n, line in enumerate(EVENTS.split("\n"))
    ]
    path.with_name(path.name.replace("emg.edf", "events.tsv")).write_text("\n".join(lines))
    (one,) = read_recordings(path)
    assert one.spans == ()
    assert any("Labels that a model gave were left out" in note for note in one.notes)


# a library that goes out and comes back


def recording(samples: NDArray[np.generic], rate_hz: float = 200, **more: object) -> Recording:
    channels = tuple(Channel(f"ch{place}") for place in range(samples.shape[1]))
    return Recording(samples, rate_hz, channels, "d", "s", "1", "r", "r.csv", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "limits"),
    [("int8", (-128, 127)), ("int16", (-32768, 32767)), ("int32", (-8388608, 8388607))],
)
@pytest.mark.parametrize("count", [400, 397, 1])
def test_whole_numbers_are_written_without_loss(
    kind: str, limits: tuple[int, int], count: int, tmp_path: Path
) -> None:
    wide = np.random.default_rng(0).integers(*limits, (count, 2), endpoint=True)
    samples: NDArray[np.generic] = wide.astype(kind)
    samples[0] = limits
    written = write_signals(tmp_path / "t", recording(samples, unit="adc"))
    assert written.path.suffix == (".bdf" if kind == "int32" else ".edf")
    assert written.padding == 0
    back = read_recordings(written.path)[0]
    np.testing.assert_array_equal(back.samples, samples)
    assert (back.unit, back.rate_hz) == ("adc", 200)


@pytest.mark.parametrize("unit", ["V", "mV", "uV", "1"])
@pytest.mark.parametrize("size", [1e-6, 1.0, 3e4])
def test_other_numbers_keep_24_bits_of_their_range(unit: str, size: float, tmp_path: Path) -> None:
    samples = (np.random.default_rng(0).normal(size=(400, 2)) * size).astype(np.float32)
    written = write_signals(tmp_path / "t", recording(samples, unit=unit))
    back = read_recordings(written.path)[0]
    scale = {"V": 1e6, "mV": 1e3}.get(unit, 1.0)
    kept = np.abs(samples).max() * scale >= 1e6
    scale = 1.0 if kept else scale
    in_header = 10.0 ** (np.ceil(np.log10(np.ptp(samples) * scale)) - 5)
    step = 2 * max(np.ptp(samples) * scale, in_header, 1e-5) / 2**24 + 1e-6 * size * scale
    np.testing.assert_allclose(back.samples.astype(float), samples.astype(float) * scale, atol=step)
    assert back.unit == (unit if kept or unit == "1" else "uV")


@pytest.mark.parametrize(
    ("count", "rate_hz", "expected"),
    [
        (2000, 200, (200, 1.0)),
        (997, 200, (997, 4.985)),
        (10240, 2048, (2048, 1.0)),
        (1001, 1926, (1926, 1.0)),
    ],
)
def test_data_records_divide_the_recording_where_they_can(
    count: int, rate_hz: float, expected: tuple[int, float]
) -> None:
    assert data_record(count, rate_hz) == expected


def test_the_end_of_a_label_at_the_end_is_the_same_to_the_last_digit(tmp_path: Path) -> None:
    span = Span(0.0, 4.11, "no motion", repetition=0)
    samples = np.random.default_rng(0).integers(-9, 9, (4110, 2)).astype(np.int16)
    one = recording(samples, rate_hz=1000, spans=(span,))
    _write_recording(tmp_path / "sub-s/ses-1/emg/sub-s_ses-1_task-d_run-1", one, _recorded(one))
    assert read_recordings(tmp_path)[0].spans == (span,)


def test_padding_is_taken_off_again(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(size=(1001, 2)).astype(np.float32)
    assert write_signals(tmp_path / "t", recording(samples, rate_hz=1926)).padding == 925


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A library of two sessions with labels, and its data set."""
    root = tmp_path_factory.mktemp("bids")
    for session in ("a", "b"):
        write_bursts(root / "files", session, "one", seed=ord(session))
    write_bursts(root / "files", "a", "two", seed=3)
    ingest(root / "lib", [root / "files"], model=FakeModel())
    export_bids(Library.open(root / "lib"), root / "out")
    return root / "lib", root / "out"


def by_name(recordings: list[Recording]) -> dict[tuple[str, ...], Recording]:
    return {(one.dataset, one.subject, one.session, one.name): one for one in recordings}


def test_signals_and_labels_come_back(study: tuple[Path, Path]) -> None:
    library = Library.open(study[0])
    before = by_name([one for key in library.sessions() for one in library.recordings(key)])
    after = by_name(read_recordings(study[1]))
    assert before.keys() == after.keys()
    for key, one in before.items():
        again = after[key]
        assert again.spans == one.spans and one.spans
        assert (again.channels, again.rate_hz, again.unit) == (one.channels, one.rate_hz, one.unit)
        step = float(np.ptp(one.samples)) / 2**23
        np.testing.assert_allclose(again.samples.astype(float), one.samples.astype(float), atol=step)


def test_a_search_finds_the_same(study: tuple[Path, Path], tmp_path: Path) -> None:
    ingest(tmp_path / "lib", [zip_folder(study[1], tmp_path / "out.zip")], model=FakeModel())
    hits = [
        Engine(Library.open(path), FakeModel()).search("fist", k=20).hits  # type: ignore[arg-type]
        for path in (study[0], tmp_path / "lib")
    ]
    found = [[(hit.session, hit.start_s, hit.end_s, hit.label) for hit in each] for each in hits]
    assert len(found[0]) > 10
    assert found[0] == found[1]
    scores = [[hit.score for hit in each] for each in hits]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-4)


def test_every_file_that_the_standard_asks_for_is_there(study: tuple[Path, Path]) -> None:
    out = study[1]
    described = json.loads((out / "dataset_description.json").read_text())
    assert described["Name"] and described["BIDSVersion"].startswith("1.11")
    assert (out / "README.md").read_text()
    people = table(out / "participants.tsv")
    assert [row["participant_id"] for row in people] == ["sub-p1"]
    signals = sorted(out.glob("sub-*/ses-*/emg/*_emg.bdf"))
    assert [path.name for path in signals] == [
        "sub-p1_ses-a_task-bench_run-1_emg.bdf",
        "sub-p1_ses-a_task-bench_run-2_emg.bdf",
        "sub-p1_ses-b_task-bench_run-1_emg.bdf",
    ]
    for path in signals:
        facts = json.loads(path.with_suffix(".json").read_text())
        needed = ("EMGPlacementScheme", "EMGReference", "SamplingFrequency", "PowerLineFrequency")
        assert all(facts[key] for key in (*needed, "RecordingType", "SoftwareFilters", "TaskName"))
        channels = table(Path(str(path).replace("_emg.bdf", "_channels.tsv")))
        assert [row["type"] for row in channels] == ["EMG"] * facts["EMGChannelCount"]
        events = table(Path(str(path).replace("_emg.bdf", "_events.tsv")))
        assert {row["label_source"] for row in events} == {"recorded"}


def unlabelled(folder: Path) -> Path:
    """A library without labels, whose segments all mean the first action."""
    path = write_bursts(folder / "files", "a", "one", seed=0)
    mapping = path.parent / "myosem.yaml"
    mapping.write_text(
        mapping.read_text().replace("label_from: gesture\n", "angles_deg: [0, 90, 180, 270]\n")
    )
    ingest(folder / "lib", [folder / "files"], model=FakeModel())
    return folder / "lib"


def test_a_model_labels_what_has_no_labels_and_says_so(tmp_path: Path) -> None:
    library = Library.open(unlabelled(tmp_path))
    report = export_bids(library, tmp_path / "out", model=FakeModel(), candidates=["grip", "wave"])  # type: ignore[arg-type]
    events = table(next((tmp_path / "out").rglob("*_events.tsv")))
    assert (report.recorded, report.zero_shot) == (0, len(events))
    assert {row["label_source"] for row in events} == {"zero-shot"}
    assert {row["trial_type"] for row in events} <= {"grip", "wave"}
    assert all(0 <= float(row["score"]) <= 1 for row in events)
    (back,) = read_recordings(tmp_path / "out")
    assert back.spans == ()
    assert [channel.angle_deg for channel in back.channels] == [0, 90, 180, 270]
    stranger = FakeModel()
    stranger.fingerprint = "e" * 64
    with pytest.raises(IndexMismatchError):
        export_bids(library, tmp_path / "other", model=stranger, candidates=["grip"])  # type: ignore[arg-type]


def test_labels_of_files_are_letters_and_digits_and_never_alike(tmp_path: Path) -> None:
    path = write_bursts(tmp_path / "files", "day 1", "one", seed=0)
    path.with_name("day-1_one.npz").write_bytes(
        write_bursts(tmp_path / "more", "x", "one", seed=1).read_bytes()
    )
    ingest(tmp_path / "lib", [tmp_path / "files"], model=None)
    export_bids(Library.open(tmp_path / "lib"), tmp_path / "out")
    assert sorted(folder.name for folder in (tmp_path / "out/sub-p1").iterdir()) == ["ses-day1", "ses-day1x1"]
    assert {one.session for one in read_recordings(tmp_path / "out")} == {"day 1", "day-1"}


def test_a_condition_chooses_and_nothing_is_written_over(study: tuple[Path, Path], tmp_path: Path) -> None:
    library = Library.open(study[0])
    assert export_bids(library, tmp_path / "out", where="session = 'b'").recordings == 1
    with pytest.raises(UsageError, match="is not empty"):
        export_bids(library, tmp_path / "out")
    with pytest.raises(LibraryError, match="no recording to write"):
        export_bids(library, tmp_path / "none", where="session = 'z'")


@pytest.mark.skipif(VALIDATOR is None, reason="no bids-validator: pip install bids-validator-deno")
def test_the_validator_accepts_it(study: tuple[Path, Path], tmp_path: Path) -> None:
    placed = tmp_path / "placed"
    export_bids(Library.open(unlabelled(tmp_path)), placed, model=FakeModel(), candidates=["grip"])  # type: ignore[arg-type]
    for out in (study[1], placed):
        done = subprocess.run(
            [str(VALIDATOR), "--ignoreWarnings", "--format", "json", str(out)],
            capture_output=True,
            text=True,
            check=False,
        )
        issues = json.loads(done.stdout)["issues"]["issues"]
        assert not [issue for issue in issues if issue.get("severity") == "error"], issues


def test_spans_keep_action_effort_and_repetition(tmp_path: Path) -> None:
    span = Span(0.125, 0.8125, "hand close", "fist", effort="hard", repetition=3)
    samples = np.random.default_rng(0).integers(-9, 9, (400, 2)).astype(np.int8)
    one = recording(samples, spans=(span,))
    _write_recording(tmp_path / "sub-s/ses-1/emg/sub-s_ses-1_task-d_run-1", one, _recorded(one))
    assert read_recordings(tmp_path)[0].spans == (span,)
