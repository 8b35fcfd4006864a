"""The simulated forearm does what a forearm does."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from scipy.signal import welch

from myosem.errors import SourceError, UsageError
from myosem.prompts import MUSCLES, POSE_FIELDS, load_actions
from myosem.readers import read_recordings
from myosem.records import Recording, check_recording, dead_channels
from myosem.synth import (
    HEADS,
    ElectrodeLayout,
    ForearmSubject,
    SessionSettings,
    demo_spec,
    emg,
    pose_vector,
    simulate_session,
)
from myosem.synth.layout import electrode_distance, mixing
from myosem.synth.noise import emg_spectrum

RING = ElectrodeLayout.ring(8)
STILL = SessionSettings(rotation_deg=0.0, shift_mm=0.0, hold_s=(0.8, 1.2), rest_s=(0.6, 0.9))
PALM, ULNAR, BACK, RADIAL = 0, 2, 4, 6
"""Channels of ``RING``."""

Energies = dict[str, NDArray[np.float64]]


def simulate(*actions: str, person: int | None = None, **changes: object) -> Recording:
    subject = ForearmSubject.typical() if person is None else ForearmSubject.sample(person)
    settings = replace(STILL, **changes)  # type: ignore[arg-type]
    return simulate_session(actions, subject=subject, layout=RING, settings=settings)


def volts(recording: Recording) -> NDArray[np.float32]:
    return recording.between(0.0, recording.duration_s)


def energies(recording: Recording) -> Energies:
    """Mean power of each span, ``(spans, C)`` by action."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    for span in recording.spans:
        part = recording.between(span.start_s, span.end_s).astype(np.float64)
        found.setdefault(span.label, []).append((part**2).mean(axis=0))
    return {label: np.array(rows) for label, rows in found.items()}


def activation(action: str, effort: float = 0.5) -> dict[str, float]:
    """Strongest activation of each muscle of the typical forearm."""
    levels = ForearmSubject.typical().activate(pose_vector(load_actions()[action].pose), effort)
    return {m: max(levels[i] for i, head in enumerate(HEADS) if head.muscle == m) for m in MUSCLES}


def share(recording: Recording, low_hz: float, high_hz: float) -> float:
    """Share of the power between two frequencies."""
    frequency, power = welch(recording.samples, recording.rate_hz, nperseg=1024, axis=0)
    inside = (frequency >= low_hz) & (frequency <= high_hz)
    return float(power[inside].sum() / power.sum())


def test_every_muscle_is_there_and_does_something() -> None:
    assert {head.muscle for head in HEADS} == set(MUSCLES)
    for head in HEADS:
        assert head.gains and set(head.gains) <= set(POSE_FIELDS)
        assert 0 <= head.angle_deg < 360


def test_the_same_seed_gives_the_same_recording_and_another_does_not() -> None:
    one, again = simulate("fist", "wrist-flexion", person=3), simulate("fist", "wrist-flexion", person=3)
    assert one.content_hash == again.content_hash
    assert one.spans == again.spans
    assert simulate("fist", "wrist-flexion", person=3, seed=1).content_hash != one.content_hash
    assert simulate("fist", "wrist-flexion", person=4).content_hash != one.content_hash


def test_spans_cover_the_session_with_rest_between_all_repetitions() -> None:
    recording = simulate("fist", "point", repetitions=2, order="shuffled")
    check_recording(recording)
    assert recording.simulated and recording.dataset == "simulated"
    assert [span.label for span in recording.spans[::2]] == ["rest"] * 5
    moves = [(span.action, span.repetition) for span in recording.spans[1::2]]
    assert sorted(moves, key=str) == [("fist", 0), ("fist", 1), ("point", 0), ("point", 1)]
    edges = [edge for span in recording.spans for edge in (span.start_s, span.end_s)]
    assert edges[0] == 0 and edges[-1] == recording.duration_s
    assert edges[1:-1:2] == edges[2::2]


@pytest.mark.parametrize("person", [None, 0, 1, 2, 3])
def test_rest_is_quieter_than_every_contraction(person: int | None) -> None:
    found = energies(simulate("fist", "wrist-flexion", "wrist-extension", "open-hand", person=person))
    rest = found.pop("rest").sum(axis=1).max()
    assert all(rows.sum(axis=1).min() > 2 * rest for rows in found.values())


@pytest.mark.parametrize("person", [None, 0, 1, 2, 3, 4])
def test_flexion_sounds_on_the_palm_side_and_extension_on_the_back(person: int | None) -> None:
    found = energies(simulate("wrist-flexion", "wrist-extension", "radial-deviation", person=person))
    palm, back = [7, 0, 1, 2], [3, 4, 5, 6]
    flexion, extension = found["wrist-flexion"].mean(axis=0), found["wrist-extension"].mean(axis=0)
    assert flexion[palm].sum() > 1.5 * flexion[back].sum()
    assert extension[back].sum() > 1.5 * extension[palm].sum()


def test_agonists_are_the_textbook_ones() -> None:
    expected = {
        "wrist-flexion": ("flexor carpi radialis", "extensor carpi radialis"),
        "wrist-extension": ("extensor carpi radialis", "flexor carpi radialis"),
        "ulnar-deviation": ("flexor carpi ulnaris", "extensor carpi radialis"),
        "radial-deviation": ("extensor carpi radialis", "flexor carpi ulnaris"),
        "pronation": ("pronator teres", "supinator"),
        "supination": ("supinator", "pronator teres"),
        "index-extension": ("extensor indicis", "flexor digitorum superficialis"),
        "thumb-flexion": ("flexor pollicis longus", "extensor pollicis longus"),
    }
    for action, (agonist, antagonist) in expected.items():
        levels = activation(action)
        assert levels[agonist] > 0.25, action
        assert 0 < levels[antagonist] < 0.4 * levels[agonist], action


def test_a_grip_recruits_the_wrist_extensors() -> None:
    fist = pose_vector(load_actions()["fist"].pose)
    fist[POSE_FIELDS.index("wrist_flexion")] = 0.0
    brevis = next(i for i, head in enumerate(HEADS) if head.part == "brevis")
    slack = replace(ForearmSubject.typical(), stabilisation=0.0)
    assert ForearmSubject.typical().activate(fist, 0.6)[brevis] > slack.activate(fist, 0.6)[brevis] + 0.2


def test_each_finger_has_its_own_pattern() -> None:
    fingers = ["index-flexion", "middle-flexion", "ring-flexion", "little-flexion"]
    actions = load_actions()
    levels = ForearmSubject.typical().activate(
        np.array([pose_vector(actions[finger].pose) for finger in fingers]), 0.5
    )
    alike: NDArray[np.float64] = np.asarray(np.corrcoef(levels))
    assert alike[~np.eye(4, dtype=bool)].max() < 0.9
    assert alike[0, 1] > alike[0, 3] and alike[3, 2] > alike[3, 0]


def test_actions_differ_more_than_repetitions() -> None:
    pairs = [("wrist-flexion", "wrist-extension"), ("pronation", "supination"), ("fist", "open-hand")]
    for first, second in pairs:
        found = energies(simulate(first, second, repetitions=5))
        one, two = np.log(found[first]), np.log(found[second])
        within = max(rows.std(axis=0).mean() for rows in (one, two))
        assert np.abs(one.mean(axis=0) - two.mean(axis=0)).mean() > 2 * within


def test_people_differ_more_than_sessions_of_one() -> None:
    def pattern(person: int, seed: int) -> NDArray[np.float64]:
        found = energies(simulate("fist", "open-hand", person=person, seed=seed))
        return np.asarray(
            np.log(np.concatenate([found["fist"].mean(axis=0), found["open-hand"].mean(axis=0)]))
        )

    patterns = np.array([[pattern(person, seed) for seed in range(3)] for person in range(5)])
    assert patterns.mean(axis=1).std(axis=0).mean() > 2 * patterns.std(axis=1).mean()


def test_effort_raises_amplitude() -> None:
    levels = [
        energies(simulate("fist", effort=effort))["fist"].mean() for effort in (0.1, 0.25, 0.5, 0.75, 1.0)
    ]
    assert all(low * 1.1 < high for low, high in pairwise(levels))
    assert {span.effort for span in simulate("fist", effort=0.25).spans[1::2]} == {"0.25"}


def test_activation_grows_with_effort_and_stays_below_one() -> None:
    poses = np.array([pose_vector(action.pose) for action in load_actions().values()])
    levels = [ForearmSubject.sample(7).activate(poses, effort) for effort in (0.0, 0.3, 0.6, 1.0)]
    assert levels[0].max() == 0 and levels[-1].max() < 1
    assert all((low <= high).all() for low, high in pairwise(levels))


def test_turning_the_ring_by_one_electrode_moves_the_energy_by_one() -> None:
    recordings = [simulate("wrist-flexion", rotation_deg=angle, repetitions=2) for angle in (0.0, 45.0)]
    still, turned = (np.log(energies(r)["wrist-flexion"].mean(axis=0)) for r in recordings)
    misfit = [np.abs(np.roll(still, -shift) - turned).mean() for shift in range(8)]
    assert int(np.argmin(misfit)) == 1
    assert misfit[1] < 0.25 * misfit[0]


def test_distance_and_gain_agree_with_slow_code() -> None:
    rng = np.random.default_rng(0)
    layout = ElectrodeLayout.at([(10.0, 50.0), (200.0, 120.0), (355.0, 90.0)])
    sources = np.column_stack(
        [rng.uniform(0, 360, 6), rng.uniform(3, 20, 6), np.full(6, 60.0), np.full(6, 100.0)]
    )
    radius = np.array([42.0, 36.0, 39.0])
    gain = mixing(electrode_distance(layout, sources, radius), 20.0, 1.5)
    for c, (angle, along) in enumerate(zip(layout.angles_deg, layout.along_mm, strict=True)):
        for s, (turn, depth, first, last) in enumerate(sources):
            skin = radius[c] * np.exp(1j * math.radians(angle))
            place = (radius[c] - depth) * np.exp(1j * math.radians(turn))
            gap = along - min(max(along, first), last)
            distance = math.hypot(abs(skin - place), gap)
            near = (1 - math.exp(-20 / distance)) / (1 - math.exp(-2))
            assert gain[c, s] == pytest.approx((10 / max(distance, 3)) ** 1.5 * near)


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_mains_adds_a_line(mains_hz: float) -> None:
    quiet = simulate("rest", rate_hz=1000.0, repetitions=6)
    loud = simulate("rest", rate_hz=1000.0, repetitions=6, mains_db=10.0, mains_hz=mains_hz)
    line = (mains_hz - 1, mains_hz + 1)
    assert share(quiet, *line) < 0.05
    assert share(loud, *line) > 0.6


def test_dead_channels_are_constant_and_the_others_alive() -> None:
    assert dead_channels(simulate("fist").samples) == []
    assert dead_channels(simulate("fist", dead=(2, 7)).samples) == [2, 7]
    with pytest.raises(UsageError, match="got 8; expected 0 to 7"):
        simulate("fist", dead=(8,))


@pytest.mark.parametrize("rate_hz", [1000.0, 2000.0])
def test_raw_emg_lies_in_its_band(rate_hz: float) -> None:
    recording = simulate("fist", rate_hz=rate_hz)
    assert share(recording, 20, 450) > 0.95
    frequency, power = welch(recording.samples, rate_hz, nperseg=256, axis=0)
    assert 50 < frequency[np.argmax(power.sum(axis=1))] < 130


def test_a_slow_device_has_no_aliases() -> None:
    slow, fast = simulate("fist", rate_hz=200.0), simulate("fist", rate_hz=2000.0)
    assert share(slow, 92, 100) < 0.06
    inside = share(fast, 20, 84)
    power = [float(volts(recording).var()) for recording in (slow, fast)]
    assert power[0] == pytest.approx(inside * power[1], rel=0.3)


@pytest.mark.parametrize("peak_hz", [60.0, 95.0, 120.0])
def test_the_spectrum_peaks_where_it_says_and_integrates_to_one(peak_hz: float) -> None:
    frequency = np.arange(0.5, 1000.0, dtype=np.float64)
    density = emg_spectrum(frequency, peak_hz)
    assert density.sum() == pytest.approx(1, abs=1e-6)
    assert frequency[np.argmax(density)] == pytest.approx(peak_hz, abs=1)


def test_fatigue_slows_and_enlarges() -> None:
    def halves(fatigue: float) -> tuple[float, float]:
        recording = simulate("fist", repetitions=8, rate_hz=1000.0, fatigue=fatigue)
        middles, powers = [], []
        for part in np.array_split(recording.samples, 2):
            frequency, power = welch(part, 1000.0, nperseg=512, axis=0)
            total = power.sum(axis=1)
            middles.append(float((frequency * total).sum() / total.sum()))
            powers.append(float(total.sum()))
        return middles[1] / middles[0], powers[1] / powers[0]

    fresh, tired = halves(0.0), halves(1.0)
    assert fresh[0] == pytest.approx(1, abs=0.05)
    assert tired[0] < 0.93
    assert tired[1] > fresh[1]


def test_an_envelope_is_slow_and_follows_the_contraction() -> None:
    recording = simulate("fist", signal="envelope", rate_hz=500.0)
    assert recording.signal == "envelope"
    assert recording.samples.min() >= 0
    assert share(recording, 0, 20) > 0.999
    found = energies(recording)
    assert found["fist"].sum(axis=1).min() > 4 * found["rest"].sum(axis=1).max()


def test_int8_looks_like_a_myo() -> None:
    recording = simulate("fist", int8=True)
    assert recording.samples.dtype == np.int8 and recording.unit == "adc"
    assert 20 < np.ptp(recording.samples[:, BACK]) < 256


def test_motion_artefacts_lie_below_emg() -> None:
    clean, moved = simulate("fist", rate_hz=1000.0), simulate("fist", rate_hz=1000.0, artefact_mv=1.0)
    added = replace(clean, samples=volts(moved) - volts(clean))
    assert share(added, 0, 20) > 0.9


def test_dynamic_actions_are_short_bursts() -> None:
    held, quick = (simulate(action, rate_hz=1000.0) for action in ("fist", "finger-snap"))

    def busy(recording: Recording) -> float:
        power = np.convolve((recording.samples.astype(np.float64) ** 2).sum(axis=1), np.ones(50) / 50, "same")
        return float((power > 0.25 * np.quantile(power, 0.99)).mean())

    assert busy(quick) < 0.7 * busy(held)


@pytest.mark.parametrize(
    ("layout", "channels"),
    [
        (ElectrodeLayout.ring(1), 1),
        (ElectrodeLayout.ring(4, along_mm=60, start_deg=150), 4),
        (ElectrodeLayout.ring(10, start_deg=-20), 10),
        (ElectrodeLayout.grid(8, 16, angle_deg=180), 128),
        (ElectrodeLayout.at([(230, 60), (180.0, 70), (330, 65)], pair_mm=None), 3),
    ],
)
def test_any_layout(layout: ElectrodeLayout, channels: int) -> None:
    recording = simulate_session(["fist"], subject=ForearmSubject.sample(0), layout=layout, settings=STILL)
    assert recording.samples.shape[1] == channels == len(recording.channels)
    check_recording(recording)
    assert dead_channels(recording.samples) == []
    assert all(
        channel.angle_deg is not None and 0 <= channel.angle_deg < 360 for channel in recording.channels
    )


@pytest.mark.parametrize("rate_hz", [100.0, 148.148, 500.0, 4000.0])
@pytest.mark.parametrize("signal", ["raw", "envelope"])
def test_the_shortest_session_at_any_rate(rate_hz: float, signal: str) -> None:
    recording = simulate(
        "finger-snap", rate_hz=rate_hz, signal=signal, hold_s=(0.1, 0.1), rest_s=(0.1, 0.1), repetitions=1,
        fatigue=1.0, artefact_mv=0.1, mains_db=0.0,
    )  # fmt: skip
    assert recording.duration_s == pytest.approx(0.25, abs=1.5 / rate_hz)
    check_recording(recording)


def test_the_size_of_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulate("fist", repetitions=1)
    monkeypatch.setattr(emg, "BLOCK_SIZE", 1)
    np.testing.assert_allclose(volts(simulate("fist", repetitions=1)), volts(whole), atol=1e-6)


def test_the_documented_muscles_are_the_simulated_ones() -> None:
    text = (Path(__file__).parents[1] / "docs" / "simulator.md").read_text()
    for head in HEADS:
        place = (head.angle_deg, head.depth_mm, head.along_mm, head.length_mm, head.size_cm2)
        assert f"| {' | '.join(map(str, (head.muscle, head.part, *place)))} |" in text
    assert sum(f"| {muscle} | " in line for line in text.splitlines() for muscle in MUSCLES) == len(HEADS)


def test_unanchored_electrodes_are_turned_anyhow() -> None:
    recordings = [
        simulate("wrist-flexion", rotation_deg=None, anchored=False, seed=seed) for seed in range(12)
    ]
    loudest = {int(np.argmax(energies(r)["wrist-flexion"].mean(axis=0))) for r in recordings}
    assert len(loudest) >= 4
    assert not any(r.anchored for r in recordings) and simulate("fist").anchored


def test_every_action_can_be_simulated_and_only_rest_is_silent() -> None:
    settings = replace(STILL, repetitions=1, hold_s=(0.6, 0.6), rest_s=(0.3, 0.3))
    subject = ForearmSubject.typical()
    found = energies(simulate_session(list(load_actions()), subject=subject, layout=RING, settings=settings))
    assert set(found) == set(load_actions()) | {"rest"}
    rest = float(np.median(found.pop("rest").sum(axis=1)))
    quiet = [label for label, rows in found.items() if rows.sum() < 1.5 * rest]
    assert quiet == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate_hz": 50.0}, "raw EMG cannot be simulated"),
        ({"rate_hz": math.nan}, "rate_hz"),
        ({"repetitions": 0}, "repetitions"),
        ({"effort": 1.5}, "effort"),
        ({"hold_s": (2.0, 1.0)}, "hold_s"),
        ({"rest_s": (0.0, 1.0)}, "rest_s"),
        ({"fatigue": -0.1}, "fatigue"),
        ({"seed": -1}, "seed"),
        ({"order": "backwards"}, "order"),
    ],
)
def test_unusable_settings_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(STILL, **change)  # type: ignore[arg-type]


def test_unusable_arguments_are_refused() -> None:
    with pytest.raises(UsageError, match=r"got moonwalk; there is .*fist"):
        simulate("moonwalk")
    with pytest.raises(UsageError, match="something to do"):
        simulate()
    with pytest.raises(UsageError, match="too long"):
        simulate("fist", repetitions=10_000, hold_s=(500.0, 600.0))
    with pytest.raises(UsageError, match="layout"):
        ElectrodeLayout.ring(0)
    with pytest.raises(UsageError, match="layout"):
        ElectrodeLayout((0.0, 90.0), (70.0,))
    with pytest.raises(UsageError, match="finite"):
        ElectrodeLayout.at([(math.nan, 70.0)])
    with pytest.raises(UsageError, match="subject"):
        ForearmSubject.sample(-1)


def test_the_demo_is_four_people_doing_twelve_actions(tmp_path: Path) -> None:
    path = tmp_path / "demo.synth.yaml"
    path.write_text(demo_spec())
    recordings = read_recordings(path)
    assert len({recording.subject for recording in recordings}) == len(recordings) == 4
    for recording in recordings:
        assert recording.samples.shape[1] == 8 and recording.rate_hz == 200
        assert len({span.action for span in recording.spans} - {"rest"}) == 12
        assert recording.source == str(path)


def test_a_file_can_ask_for_varied_sessions_of_some_of_the_actions(tmp_path: Path) -> None:
    path = tmp_path / "many.synth.yaml"
    text = {
        "subjects": [5, 9], "sessions": 2, "actions": "all", "choose": 3, "varied": True, "seed": 1,
        "repetitions": 1, "hold_s": [0.5, 0.6], "rest_s": [0.5, 0.6], "layout": {"grid": [2, 3]},
        "anchored": False,
    }  # fmt: skip
    path.write_text(yaml.safe_dump(text))
    recordings = read_recordings(path)
    assert [(r.subject, r.session) for r in recordings] == [
        ("s5", "many-1"), ("s5", "many-2"), ("s9", "many-1"), ("s9", "many-2"),
    ]  # fmt: skip
    chosen = {tuple(span.label for span in r.spans[1::2]) for r in recordings}
    assert {len(labels) for labels in chosen} == {3} and len(chosen) > 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("speed: 3", "unknown key; got speed"),
        ("actions: [moonwalk]", "no action has the id moonwalk"),
        ("subjects: 0", "subjects"),
        ("layout: {ring: 8, grid: [2, 2]}", "one of ring, grid and at"),
        ("layout: {square: 8}", "layout.square"),
        ("rate_hz: fast", "rate_hz"),
        ("rate_hz: 20", "raw EMG cannot"),
        ("hold_s: [2, 1]", "hold_s"),
        ("dead: [9]", "no such channel"),
        ("hold_s: [600, 600]\nrepetitions: 1000", r"a session would have 9\.6e\+08 samples"),
        ("actions: [", "not YAML"),
    ],
)
def test_a_wrong_file_is_one_clear_error(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.synth.yaml"
    lines = {"subjects": "subjects: 1", "actions": "actions: [fist]", "layout": "layout: {ring: 8}"}
    lines[line.split(":", maxsplit=1)[0]] = line
    path.write_text("\n".join(lines.values()))
    with pytest.raises(SourceError, match=message) as caught:
        read_recordings(path)
    assert "wrong.synth.yaml" in str(caught.value)
