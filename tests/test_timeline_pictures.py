"""Pictures of timelines are pictures, and show what they should."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from timeline_toys import made

from myosem.errors import UsageError
from myosem.timeline import Activity, LabelSpan
from myosem.timeline_pictures import joined, plot_timeline, runs, timeline_figure, timeline_svg


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_a_timeline_is_drawn(tmp_path: Path, ending: str, start: bytes) -> None:
    path = plot_timeline(made(), tmp_path / f"one.{ending}")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    content = path.read_bytes()
    assert content.startswith(start)
    assert len(content) > 8000


def test_a_path_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="known ending"):
        plot_timeline(made(), tmp_path / "one.doc")


def test_each_segment_is_a_block_as_high_as_its_score() -> None:
    found = made(queries=2)
    rows = timeline_figure(found).axes
    for number, axes in enumerate(rows[1:3]):
        floor = axes.get_ylim()[0]
        blocks = {round(one.get_x(), 3): one.get_height() + floor for one in axes.patches}  # type: ignore[attr-defined]
        assert blocks == pytest.approx({one.start_s: one.scores[number] for one in found.segments})
        assert any(np.allclose(line.get_ydata(), found.threshold) for line in axes.lines)


def test_the_channels_are_a_heat_map_of_their_activity() -> None:
    found = made()
    (image,) = timeline_figure(found).axes[2].images
    drawn = np.array(image.get_array())
    np.testing.assert_array_equal(drawn[:, :-2], found.activity.over_rest_db)
    assert image.get_extent()[1] == pytest.approx(found.activity.step_s * drawn.shape[1])


@pytest.mark.parametrize("queries", [0, 1])
def test_what_is_not_known_has_no_row(queries: int) -> None:
    found = replace(made(queries=queries, curve=False), labels=[])
    axes = timeline_figure(found).axes
    assert len(axes) == queries + 2  # the channels and their scale
    assert timeline_svg(found).startswith("<svg")


def test_an_svg_stands_on_its_own_whatever_the_words() -> None:
    text = timeline_svg(made(text="<script>alert(1)</script> & $x$"))
    assert text.startswith("<svg") and "<script" not in text
    root = ElementTree.fromstring(text)
    links = [value for one in root.iter() for name, value in one.attrib.items() if name.endswith("href")]
    assert links
    assert all(link.startswith(("#", "data:image/png")) for link in links)


def test_the_same_timeline_gives_the_same_svg() -> None:
    assert timeline_svg(made()) == timeline_svg(made())


def test_neighbouring_spans_of_one_label_are_one_run() -> None:
    spans = [("fist", 0.0), ("rest", 1.0), ("fist", 2.0), ("pinch", 4.0), ("fist", 6.0)]
    labels = [LabelSpan(at, at + 1, label, label) for label, at in spans]
    assert [(one.label, one.start_s, one.end_s) for one in runs(labels)] == [
        ("fist", 0.0, 3.0),
        ("pinch", 4.0, 5.0),
        ("fist", 6.0, 7.0),
    ]


def test_joined_recordings_stand_one_after_the_other() -> None:
    found = [made(duration_s=length_s) for length_s in (20.0, 8.0, 4.0)]
    whole = joined(found)
    assert (whole.duration_s, whole.name, whole.curve) == (32.0, "3 recordings", None)
    assert len(whole.segments) == sum(len(one.segments) for one in found)
    after = found[1].segments[2]
    assert whole.segments[12].start_s == after.start_s + 20 and whole.segments[12].scores == after.scores
    assert whole.labels[-1].end_s == found[2].labels[-1].end_s + 28
    assert whole.activity.over_rest_db == [
        [level for one in found for level in one.activity.over_rest_db[channel]] for channel in range(2)
    ]
    assert joined(found[:1]) is found[0]


def test_joined_activity_is_the_mean_of_what_lies_in_a_column() -> None:
    fine, coarse = made(duration_s=20.0), made(duration_s=8.0)
    coarse = replace(coarse, activity=Activity(2.0, ["ch1", "ch2"], [[5.0, 6, 7, 8]] * 2))
    whole = joined([fine, coarse])
    assert whole.activity.step_s == 2.0
    assert whole.activity.over_rest_db[0] == [1.5] * 10 + [5.0, 6, 7, 8]
