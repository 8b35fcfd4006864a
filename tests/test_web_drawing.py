"""Pictures of signals show where and how strong, and are well-formed."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from myosem.cli.web.drawing import (
    LEVELS,
    View,
    axis,
    channel_names,
    extremes,
    heat,
    levels,
    round_times,
    spans,
    traces,
    wave,
)
from myosem.records import Channel, Recording, Span

RATE_HZ, LENGTH_S = 100.0, 10.0


def recorded(samples: NDArray[np.float32], **more: str) -> Recording:
    names = [f"ch{n + 1}" for n in range(samples.shape[1])]
    settings = {"dataset": "d", "subject": "s", "session": "1", "name": "r", "source": "r.csv", **more}
    return Recording(samples, RATE_HZ, tuple(Channel(name) for name in names), **settings)  # type: ignore[arg-type]


@pytest.fixture
def burst() -> Recording:
    """Noise about 7; from 4 to 6 s the second of three channels is strong."""
    samples = np.random.default_rng(1).normal(7, 0.1, (1000, 3)).astype(np.float32)
    samples[400:600, 1] += np.random.default_rng(2).normal(0, 5, 200).astype(np.float32)
    return recorded(samples)


def test_levels_are_the_mean_absolute_amplitude(burst: Recording) -> None:
    view = View(2.0, 8.0)
    found = levels(burst, view, 12)
    part = burst.between(2.0, 8.0)
    centred = np.abs(part - np.median(part, axis=0))
    slow = [centred[50 * n : 50 * (n + 1)].mean(axis=0) for n in range(12)]
    np.testing.assert_allclose(found, slow, rtol=1e-5)


def test_extremes_enclose_every_sample(burst: Recording) -> None:
    low, high = extremes(burst, View(0.0, 10.0), 40)
    whole = burst.between(0.0, LENGTH_S)
    part = whole - np.median(whole, axis=0)
    for n in range(40):
        np.testing.assert_allclose(low[n], part[25 * n : 25 * (n + 1)].min(axis=0), rtol=1e-5)
        np.testing.assert_allclose(high[n], part[25 * n : 25 * (n + 1)].max(axis=0), rtol=1e-5)


def test_an_envelope_rises_from_its_lowest_value() -> None:
    course = np.concatenate([np.full(500, 2.0), np.full(500, 6.0)]).astype(np.float32)[:, None]
    found = levels(recorded(course, signal="envelope"), View(0.0, 10.0), 2)
    assert found[:, 0].tolist() == [0.0, 4.0]


def test_more_bins_than_samples(burst: Recording) -> None:
    view = View(3.0, 3.05)
    assert np.isfinite(levels(burst, view, 50)).all()
    assert extremes(burst, view, 50)[0].shape == (50, 3)


def test_a_view_has_context_and_ends_with_the_recording(burst: Recording) -> None:
    assert View.around(burst, 4.0, 6.0) == View(3.0, 7.0)
    assert View.around(burst, 0.2, 0.4) == View(0.0, 0.9)
    assert View.around(burst, 9.0, 10.0) == View(8.5, 10.0)
    assert View(3.0, 7.0).share(4.0) == 0.25
    assert View(3.0, 7.0).share(99.0) == 1.0


def test_the_heat_map_is_strongest_where_the_signal_is(burst: Recording) -> None:
    view = View(0.0, 10.0)
    picture = ElementTree.fromstring(heat(levels(burst, view, 20), view, 4.0, 6.0))
    paths = {one.get("class"): one.get("d", "") for one in picture.iter("path")}
    strong = re.findall(r"M(\d+) (\d+)h(\d+)", paths[f"l{LEVELS - 1}"])
    assert strong
    assert all(row == "1" and 8 <= int(first) < 12 for first, row, _ in strong)
    cells = sum(int(n) for path in paths.values() for n in re.findall(r"h(\d+)v1", path))
    assert cells == 20 * 3


def test_the_wave_is_coloured_inside_the_stretch_alone(burst: Recording) -> None:
    view = View(2.0, 8.0)
    picture = ElementTree.fromstring(wave(levels(burst, view, 60), view, 4.0, 6.0))
    ends: dict[str | None, list[tuple[float, float]]] = {}
    for shape in picture.iter("polygon"):
        places = [float(point.split(",")[0]) for point in shape.get("points", "").split()]
        ends.setdefault(shape.get("class"), []).append((min(places), max(places)))
    assert ends == {"out": [(0, 20), (40, 60)], "in": [(20, 40)]}


def test_traces_draw_every_channel(burst: Recording) -> None:
    picture = ElementTree.fromstring(traces(burst, View(3.0, 7.0), 4.0, 6.0, bins=80))
    assert len(list(picture.iter("path"))) == 3
    stretch = next(picture.iter("rect"))
    assert (stretch.get("x"), stretch.get("width")) == ("20.00", "40.00")


def test_a_flat_signal_can_be_drawn() -> None:
    flat = recorded(np.zeros((100, 2), np.float32))
    view = View(0.0, 1.0)
    strength = levels(flat, view, 10)
    for picture in (wave(strength, view, 0, 1), heat(strength, view, 0, 1), traces(flat, view, 0, 1)):
        assert "nan" not in picture
        ElementTree.fromstring(picture)


@pytest.mark.parametrize(
    ("view", "times"),
    [
        (View(0.0, 10.0), [0, 2, 4, 6, 8]),
        (View(24.1, 27.3), [25, 26, 27]),
        (View(0.0, 0.6), [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
    ],
)
def test_times_are_round(view: View, times: list[float]) -> None:
    assert round_times(view, 6) == pytest.approx(times)
    assert f">{times[0]:g}" in axis(view)


def test_names_and_labels_are_escaped() -> None:
    one = recorded(np.zeros((100, 1), np.float32))
    named = Recording(**{**one.__dict__, "channels": (Channel("<i>a"),)})
    assert "&lt;i&gt;a" in channel_names(named)
    drawn = spans([Span(0.0, 1.0, "<b>x"), Span(5.0, 6.0, "later")], View(0.0, 2.0))
    assert "<b>" not in drawn
    assert "later" not in drawn
