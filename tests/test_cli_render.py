"""Results as text and pictures."""

import sys
import types
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from myosem.cli.explained import explained
from myosem.cli.hits import listing, spark
from myosem.cli.render import Column, colour_wanted, shorten, styled, table
from myosem.cli.sparkline import BLOCKS, envelope, sparkline
from myosem.pictures import explained_figure, stacked
from myosem.records import Channel, Recording
from myosem.results import ChannelDrop, Effort, Explanation, MomentDrop, ViewScore
from myosem.search import Hit, SearchResult


@pytest.mark.parametrize("width", [60, 80, 110, 140, 200])
def test_listing_fits_the_terminal(width: int) -> None:
    recording = flat_recording()
    hits = [hit_at(rank, 2.0, 4.0, label="a rather long label for one gesture " * 2) for rank in (1, 10)]
    result = SearchResult("q", "lib", 1, "m", True, 1.0, True, hits)
    text = listing(result, [recording] * 2, width=width, colour=False)
    lines = text.splitlines()
    assert max(len(line) for line in lines[:-1]) <= width
    assert text.count("simulated") >= 2


def test_spark_marks_the_hit_and_leaves_blank_what_was_not_recorded() -> None:
    recording = flat_recording()
    before, inside, after = spark(hit_at(1, 0.0, 4.0), recording, colour=False).split("│")
    assert (before, len(inside), len(after)) == (" " * 6, 12, 6)
    assert set(inside + after) <= set(BLOCKS)
    assert "\x1b[36m" in spark(hit_at(1, 0.0, 4.0), recording, colour=True)


def test_envelope_is_the_mean_of_each_part() -> None:
    samples = np.array([[1, -1], [-3, 3], [5, -5], [-7, 7]], dtype=np.float32)
    recording = make_recording(samples, rate_hz=2.0)
    found = envelope(recording, np.array([-1.0, 0.0, 1.0, 2.0, 3.0]))
    assert np.isnan(found[[0, 3]]).all()
    assert found[1:3].tolist() == [2.0, 6.0]


def test_sparkline_reaches_the_top_for_the_largest() -> None:
    assert sparkline(np.array([0, 0.5, 1.0])) == f"{BLOCKS[0]}{BLOCKS[4]}{BLOCKS[7]}"
    assert sparkline(np.zeros(3)) == BLOCKS[0] * 3
    assert sparkline(np.array([np.nan, 1.0])) == f" {BLOCKS[7]}"


def test_table_drops_empty_columns_and_shortens_the_widest() -> None:
    columns = [Column("a"), Column("b", minimum=5), Column("none")]
    rows: list[list[Any]] = [["x", "y" * 40, None], ["xx", "z", ""]]
    lines = table(columns, rows, width=20).splitlines()
    assert lines[0].split() == ["a", "b"]
    assert max(map(len, lines)) <= 20
    assert "…" in lines[1]
    assert table(columns, rows, width=4).splitlines()[1] == "x   yy…yy"


def test_shorten_and_styled() -> None:
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdefg", 5) == "ab…fg"
    assert [shorten("abc", width) for width in (0, 1)] == ["", "…"]
    assert styled("a", "1", colour=False) == "a"


@pytest.mark.parametrize(
    ("terminal", "variables", "wanted"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, variables: dict[str, str], wanted: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", types.SimpleNamespace(isatty=lambda: terminal))
    found = colour_wanted()
    monkeypatch.undo()
    assert found is wanted


def test_stacked_channels_keep_their_order_and_relative_size() -> None:
    time = np.linspace(0, 20, 2000)[:, None]
    traces = stacked((np.sin(time) * [1.0, 4.0]).astype(np.float32))
    spans = np.ptp(traces, axis=0)
    assert np.median(traces, axis=0) == pytest.approx([0, -1], abs=0.05)
    assert spans[1] / spans[0] == pytest.approx(4, rel=0.01)


@pytest.mark.parametrize("width", [40, 80, 140])
def test_an_explanation_fits_the_terminal(width: int) -> None:
    why = explained(explanation([0.2, -0.1, 0.001], [0.0, 0.3] * 6), width=width, colour=False)
    assert max(map(len, why)) <= width
    assert f"channels  {BLOCKS[7]}{BLOCKS[0] * 2}  without ch1 -0.20" == why[1]
    assert (BLOCKS[0] + BLOCKS[7]) * 6 in why[2]


def test_what_no_part_carries_alone_is_said() -> None:
    lines = explained(explanation([-0.1, 0.001], []), width=100, colour=False)
    assert [line.split()[0] for line in lines] == ["views", "channels", "effort"]
    assert lines[1].endswith("none of them carries it alone")
    assert lines[2].endswith("12.3 dB over rest")


def test_a_picture_shows_what_each_part_is_worth() -> None:
    why = explanation([0.2, -0.1], [0.1, 0.05, -0.2])
    hit = replace(hit_at(1, 2.0, 4.0, label="cost: $5 {x}"), explanation=why)
    result = SearchResult("q", "lib", 1, "m", True, 1.0, True, [hit])
    signal, moments, channels = explained_figure(result, [(hit, flat_recording())]).axes
    heights, widths = [
        [getattr(bar, f"get_{side}")() for bar in axes.patches]
        for axes, side in ((moments, "height"), (channels, "width"))
    ]
    assert heights == pytest.approx([0.1, 0.05, -0.2])
    assert widths == pytest.approx([0.2, -0.1])
    assert moments.get_xlim() == signal.get_xlim()
    assert moments.get_title(loc="left") == "1   cost: $5 {x}   0.500"


def make_recording(samples: Any, rate_hz: float) -> Recording:
    channels = tuple(Channel(f"ch{i + 1}") for i in range(samples.shape[1]))
    return Recording(
        samples, rate_hz, channels, dataset="d", subject="s", session="1", name="n", source="f.npz"
    )


def flat_recording() -> Recording:
    return make_recording(np.tile(np.array([[1.0], [-1.0]], dtype=np.float32), (500, 2)), rate_hz=100.0)


def explanation(channels: Sequence[float], moments: Sequence[float]) -> Explanation:
    return Explanation(
        score=0.5,
        views=[ViewScore("plain", 0.4)],
        channels=[ChannelDrop(f"ch{n + 1}", None, drop) for n, drop in enumerate(channels)],
        moments=[MomentDrop(2 + n / 4, 2.25 + n / 4, drop) for n, drop in enumerate(moments)],
        effort=Effort(12.3, None),
    )


def hit_at(rank: int, start_s: float, end_s: float, label: str | None = None) -> Hit:
    return Hit(
        rank,
        0.5,
        "r:0",
        "r",
        "f.npz",
        "a_dataset",
        "Participant2",
        "positions-3",
        start_s,
        end_s,
        label,
        True,
        True,
    )
