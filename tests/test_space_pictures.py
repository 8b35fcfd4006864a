"""Pictures of the space, attention, confusions and hits are pictures, and say what they are given."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from toys import bursts, record

from myosem.errors import UsageError
from myosem.prompts.schema import VIEWS, Group
from myosem.relevance import CLOSE, EXACT, WRONG
from myosem.space_pictures import (
    COLOURS,
    Answer,
    Attended,
    Confusion,
    Found,
    Place,
    plot_answers,
    plot_attention,
    plot_confusions,
    plot_space,
    spread_out,
    strongest,
)


def space(path: Path, name: str = "fist") -> Path:
    generator = np.random.default_rng(0)
    groups: list[Group] = ["hand", "rest"] * 10
    words = [Place(name, "hand", np.zeros(2), np.eye(2)), Place("rest", "rest", np.zeros(2), np.eye(2))]
    return plot_space(generator.normal(size=(20, 2)), groups, words, "two actions", path)


def attention(path: Path, name: str = "fist") -> Path:
    weights = np.full((len(VIEWS), 4), 0.25)
    recording = record(bursts())
    return plot_attention([Attended(name, recording, (2.0, 2.25, 2.5), 2.75, weights)], path)


def confusion(path: Path, name: str = "fist") -> Path:
    shares = np.array([[0.5, 0.5], [np.nan, np.nan]])
    return plot_confusions([Confusion("toys", (name, "rest"), shares)], path)


def answers(path: Path, name: str = "fist") -> Path:
    hits = tuple(Found(record(bursts()), 2.0, 3.5, name, grade) for grade in (EXACT, CLOSE, WRONG))
    return plot_answers([Answer("close the hand", "all of it", hits), Answer("point", "", hits[:1])], path)


DRAWN = (space, attention, confusion, answers)


@pytest.mark.parametrize("plot", DRAWN)
def test_each_is_one_picture_that_shows_its_names(tmp_path: Path, plot: Callable[[Path, str], Path]) -> None:
    first, second = plot(tmp_path / "1.png", "fist"), plot(tmp_path / "2.png", "open $hand")
    assert sorted(file.name for file in tmp_path.iterdir()) == [first.name, second.name]
    assert first.read_bytes().startswith(b"\x89PNG")
    assert first.read_bytes() != second.read_bytes()


@pytest.mark.parametrize("plot", DRAWN)
def test_only_a_known_ending_is_a_picture(tmp_path: Path, plot: Callable[[Path], Path]) -> None:
    with pytest.raises(UsageError, match="known ending"):
        plot(tmp_path / "one.doc")


def test_nothing_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to draw"):
        plot_attention([], tmp_path / "none.png")
    with pytest.raises(UsageError, match="nothing to draw"):
        plot_space(np.empty((0, 2)), [], [], "", tmp_path / "none.png")


def test_every_group_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == set(get_args(Group))
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_points_are_spread_out_no_further_than_needed() -> None:
    crowd = np.concatenate([np.zeros((6, 2)), [[9.0, 9.0]]])
    moved = spread_out(crowd, 1.0)
    apart = np.linalg.norm(moved[:, None] - moved[None], axis=2) + 10 * np.eye(7)
    assert apart.min() >= 1.0
    assert np.linalg.norm(moved - crowd, axis=1).max() < 3
    np.testing.assert_allclose(moved[-1], crowd[-1], atol=0.01)


def test_the_strongest_channels_stay_in_their_order() -> None:
    samples = bursts(channels=6) * np.array([1, 5, 2, 9, 3, 7], dtype=np.float32)
    kept = strongest(record(samples), 2.0, 3.5, most=3)
    assert [channel.name for channel in kept.channels] == ["ch2", "ch4", "ch6"]
    np.testing.assert_array_equal(kept.samples, samples[:, [1, 3, 5]])
    assert strongest(record(samples), 2.0, 3.5, most=9).samples.shape == samples.shape
