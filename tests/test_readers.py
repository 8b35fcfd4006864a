"""One conformance suite over all readers; a new reader only adds a builder."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from builder_parts import SECRET
from builders import BUILDERS, zip_folder

from myosem.errors import KnownBadError, MappingError, SourceError, UnknownFormatError, UsageError
from myosem.prompts import load_actions
from myosem.readers import (
    READERS,
    SourceFile,
    biopatrec_10mov4ch,
    contraction_intensity,
    find_sources,
    myo_readings,
    myo_up,
    read_recordings,
    reader_for,
    unibo_inail,
)
from myosem.records import Recording, check_recording
from myosem.synth.anatomy import HEADS

EVERY = pytest.mark.parametrize("name", list(READERS))


def facts(recording: Recording) -> tuple[object, ...]:
    """All that must be the same wherever the file lies."""
    values = {field.name: getattr(recording, field.name) for field in dataclasses.fields(recording)}
    del values["source"], values["samples"]
    return (recording.content_hash, *values.items())


def test_every_reader_has_a_builder() -> None:
    assert set(READERS) == set(BUILDERS)


@EVERY
def test_is_found_by_itself(name: str, tmp_path: Path) -> None:
    for path in BUILDERS[name](tmp_path):
        assert reader_for(SourceFile(path)).name == name
        specific = [reader.name for reader in READERS.values() if not reader.generic]
        matching = [other for other in specific if READERS[other].matches(SourceFile(path))]
        assert matching == ([] if READERS[name].generic else [name])


@EVERY
def test_recordings_are_complete(name: str, tmp_path: Path) -> None:
    paths = BUILDERS[name](tmp_path)
    recordings = read_recordings(tmp_path)
    assert len(recordings) >= len(paths)
    assert len({(r.dataset, r.subject, r.session, r.name) for r in recordings}) == len(recordings)
    for recording in recordings:
        check_recording(recording)
        assert recording.dataset == name
        assert recording.unit in ("V", "mV", "uV", "adc", "1")
        assert recording.subject and recording.session and recording.name
        assert not recording.samples.flags.writeable
        assert recording.samples.flags.c_contiguous
        assert recording.samples.dtype in (np.int8, np.int16, np.float32)
        assert recording.simulated == (name == "simulated")


@EVERY
def test_spans_are_in_order_inside_and_known(name: str, tmp_path: Path) -> None:
    BUILDERS[name](tmp_path)
    spans_seen = 0
    for recording in read_recordings(tmp_path):
        end_s = 0.0
        for span in recording.spans:
            assert end_s <= span.start_s < span.end_s <= recording.duration_s + 1e-9
            assert span.label
            assert span.action is None or span.action in load_actions()
            end_s, spans_seen = span.end_s, spans_seen + 1
    assert spans_seen > 0


@pytest.mark.parametrize("name", [name for name, reader in READERS.items() if not reader.generic])
def test_rest_is_the_quietest(name: str, tmp_path: Path) -> None:
    BUILDERS[name](tmp_path)
    rest: list[float] = []
    active: list[float] = []
    for recording in read_recordings(tmp_path):
        for span in recording.spans:
            level = float(np.abs(recording.between(span.start_s, span.end_s)).mean())
            (rest if span.action == "rest" else active).append(level)
    assert max(rest, default=0.0) < min(active)


@EVERY
def test_personal_fields_stay_behind(name: str, tmp_path: Path) -> None:
    BUILDERS[name](tmp_path)
    for recording in read_recordings(tmp_path):
        assert SECRET not in repr(dataclasses.replace(recording, source=""))


@EVERY
def test_folder_files_and_archive_give_the_same(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    paths = BUILDERS[name](folder)
    archive = zip_folder(folder, tmp_path / "archive.zip")
    from_folder = [facts(recording) for recording in read_recordings(folder)]
    from_files = [facts(recording) for path in paths for recording in read_recordings(path)]
    from_archive = read_recordings(archive)
    assert from_folder == [facts(recording) for recording in read_recordings(folder)]
    assert sorted(map(repr, from_files)) == sorted(map(repr, from_folder))
    assert [facts(recording) for recording in from_archive] == from_folder
    for recording in from_archive:
        assert recording.source.startswith(f"{archive}!")
        again = read_recordings(recording.source)
        assert facts(recording) in [facts(other) for other in again]


@EVERY
@pytest.mark.parametrize("content", [b"", b"no EMG in here\n" * 40, bytes(range(256)) * 3 + b"\x00"])
def test_garbage_is_one_clear_error(name: str, content: bytes, tmp_path: Path) -> None:
    path = BUILDERS[name](tmp_path)[0]
    path.write_bytes(content)
    with pytest.raises((SourceError, MappingError)) as caught:
        read_recordings(path, reader=name)
    assert path.name in str(caught.value)


@EVERY
def test_truncated_files_are_refused_or_shorter(name: str, tmp_path: Path) -> None:
    path = BUILDERS[name](tmp_path)[0]
    whole, data, refused = read_recordings(path)[0], path.read_bytes(), 0
    for cut in np.linspace(1, len(data) - 2, 25).astype(int):
        path.write_bytes(data[:cut])
        try:
            part = read_recordings(path, reader=name)[0]
        except (SourceError, MappingError):
            refused += 1
        else:
            refused += bool(part.notes)
            known = part.samples[:-1]  # the last number may have lost digits
            np.testing.assert_array_equal(known, whole.samples[: len(known)])
    assert refused > 10


def test_unknown_names_and_formats_say_what_exists(tmp_path: Path) -> None:
    strange = tmp_path / "notes.docx"
    strange.write_text("hello")
    with pytest.raises(UnknownFormatError, match=r"notes\.docx.*myo_armband.*csv"):
        read_recordings(strange)
    with pytest.raises(UsageError, match="got ninapro; there is 3dc"):
        read_recordings(strange, reader="ninapro")
    with pytest.raises(SourceError, match=r"not a path of 3dc.*Participant<n>"):
        read_recordings(strange, reader="3dc")


def test_a_mapping_is_refused_by_a_reader_that_takes_none(tmp_path: Path) -> None:
    path = BUILDERS["3dc"](tmp_path)[0]
    with pytest.raises(UsageError, match="3dc takes no mapping"):
        read_recordings(path, reader="3dc", mapping=tmp_path / "myosem.yaml")


def test_myo_readings_leaves_glued_lines_out_and_says_so(tmp_path: Path) -> None:
    path = BUILDERS["myo_readings"](tmp_path)[1]
    lines = path.read_bytes().splitlines()
    clean = read_recordings(path)[0]
    lines[100:102] = [lines[100] + lines[101]]
    path.write_bytes(b"\n".join(line.replace(b",", b",  ") for line in lines))
    mended = read_recordings(path)[0]
    assert mended.notes == ("Lines that do not hold 9 integers were left out: 1.",)
    np.testing.assert_array_equal(mended.samples, np.delete(clean.samples, [100, 101], axis=0))
    assert [span.label for span in mended.spans] == ["rest", "radial deviation", "rest", "radial deviation"]


def test_myo_readings_refuses_a_file_with_many_bad_lines(tmp_path: Path) -> None:
    path = BUILDERS["myo_readings"](tmp_path)[1]
    path.write_bytes(path.read_bytes() + b"1,2,3\n" * 20)
    with pytest.raises(SourceError, match="9 numbers"):
        read_recordings(path)


@pytest.mark.parametrize("number", ["128", "-129", "40000", "2147483648", "9" * 30])
def test_myo_readings_refuses_numbers_of_more_than_eight_bits(number: str, tmp_path: Path) -> None:
    path = BUILDERS["myo_readings"](tmp_path)[1]
    path.write_bytes(path.read_bytes() + f"1,2,3,4,5,6,7,{number},0\n".encode())
    with pytest.raises(SourceError, match=r"out of range; expected -128 to 127"):
        read_recordings(path)


@pytest.mark.parametrize("label", [8, -1])
def test_myo_readings_refuses_an_unknown_label(label: int, tmp_path: Path) -> None:
    path = BUILDERS["myo_readings"](tmp_path)[0]
    path.write_text(f"1,2,3,4,5,6,7,8,{label}\n")
    with pytest.raises(SourceError, match="expected 0 to 7"):
        read_recordings(path)


def test_myo_readings_counts_repetitions(tmp_path: Path) -> None:
    spans = read_recordings(BUILDERS["myo_readings"](tmp_path)[1])[0].spans
    assert [(s.label, s.repetition, s.start_s) for s in spans] == [
        ("rest", 0, 0.0),
        ("radial deviation", 0, 0.3),
        ("rest", 1, 0.6),
        ("radial deviation", 1, 0.9),
    ]
    assert set(myo_readings.CLASSES) == set(range(8))


def test_myo_up_labels_bursts_in_order_and_rest_between(tmp_path: Path) -> None:
    recordings = read_recordings(tmp_path / "E1/s4e1.mat") if BUILDERS["myo_up"](tmp_path) else []
    spans = recordings[0].spans
    assert len(spans) == 25 + 24
    assert [span.label for span in spans[1::2]] == ["rest"] * 24
    bursts = spans[::2]
    assert [span.label for span in bursts[::5]] == [label for label, _ in myo_up.GESTURES["1"]]
    assert [span.repetition for span in bursts[:6]] == [0, 1, 2, 3, 4, 0]
    assert (bursts[1].start_s, bursts[1].end_s) == (60 / 200, 80 / 200)
    assert len(recordings[0].samples) == 25 * 40 + 20


def test_myo_up_leaves_the_known_copy_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    path = BUILDERS["myo_up"](tmp_path)[0]
    copy, original = path.rename(path.with_name("s2e1.mat")), path.with_name("s8e1.mat")
    original.write_bytes(copy.read_bytes())
    assert len(read_recordings(copy)) == 1
    monkeypatch.setattr(myo_up, "S8E2_SHA256", hashlib.sha256(copy.read_bytes()).hexdigest())
    with pytest.raises(KnownBadError, match=r"s2e1\.mat: left out, it is a copy"):
        read_recordings(copy)
    assert len(read_recordings(original)) == 1
    assert {recording.subject for recording in read_recordings(tmp_path)} == {"s4", "s8"}


def test_biopatrec_lays_movements_end_to_end(tmp_path: Path) -> None:
    recording = read_recordings(BUILDERS["biopatrec_10mov4ch"](tmp_path)[0])[0]
    assert recording.duration_s == 36.0
    second = [span for span in recording.spans if span.label == "Side Grip"]
    assert [(span.start_s, span.end_s) for span in second] == [(18.3, 21.0), (24.3, 27.0), (30.3, 33.0)]
    assert sum(span.label == "rest" for span in recording.spans) == 6
    assert recording.anchored and recording.channels == biopatrec_10mov4ch.CHANNELS


def test_contraction_intensity_knows_the_effort(tmp_path: Path) -> None:
    BUILDERS["contraction_intensity"](tmp_path)
    spans = [recording.spans[0] for recording in read_recordings(tmp_path)]
    assert {(span.label, span.effort, span.repetition) for span in spans} == {
        ("no movement", None, 3),
        ("chuck grip", "hard", 3),
    }
    assert len(contraction_intensity.CLASSES) == 7


def test_envelope_is_marked(tmp_path: Path) -> None:
    recording = read_recordings(BUILDERS["unibo_inail"](tmp_path)[0])[0]
    assert recording.signal == "envelope"
    assert recording.session == "day1-posture2"
    assert [span.label for span in recording.spans] == [
        "rest",
        "three-finger pinch",
        "rest",
        "power grip",
        "rest",
    ]


def test_descriptions_beside_the_data_are_skipped(tmp_path: Path) -> None:
    files = BUILDERS["myo_disco"](tmp_path)
    items = list(find_sources([tmp_path]))
    assert [item.source for item in items if isinstance(item, SourceFile)] == [str(path) for path in files]
    skipped = [item for item in items if not isinstance(item, SourceFile)]
    assert len(skipped) == 2 and not any(item.failed for item in skipped)


def test_muscles_lie_where_the_simulator_has_them() -> None:
    atlas: dict[str, list[float]] = {}
    for head in HEADS:
        atlas.setdefault(head.muscle, []).append(head.angle_deg)
    channels = {channel.name: channel.angle_deg for channel in unibo_inail.CHANNELS}
    channels["extensor digitorum"] = channels.pop("extensor digitorum communis")
    channels["extensor carpi ulnaris"] = biopatrec_10mov4ch.CHANNELS[0].angle_deg
    for muscle, angle_deg in channels.items():
        assert angle_deg == pytest.approx(np.mean(atlas[muscle]), abs=10)
