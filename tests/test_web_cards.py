"""What the page says in HTML: hits, one moment, states; nothing from data becomes markup."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from myosem.catalogue import DatasetSummary
from myosem.cli.web import cards
from myosem.cli.web import moment as pictures
from myosem.cli.web.chips import chips
from myosem.cli.web.desk import Found, Moment
from myosem.cli.web.filters import Filters
from myosem.cli.web.question import Mark, Question, Wishes
from myosem.errors import LibraryError, UsageError
from myosem.records import Channel, Recording, Span
from myosem.results import (
    ChannelDrop,
    DescribeResult,
    Description,
    Effort,
    Explanation,
    Hit,
    LabelledSegment,
    LabelResult,
    MomentDrop,
    SearchResult,
    ViewScore,
)
from myosem.timeline import Activity, Asked, Timeline
from myosem.timeline import Moment as Segment

EVIL = "<img src=x onerror=alert(1)> \"'&"


class Tags(HTMLParser):
    """Which tags and attributes there are, and whether each tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(name for name, _ in attrs)]
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(name for name, _ in attrs)]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(text: str) -> str:
    """The words of well-formed HTML that holds nothing of ``EVIL`` but its letters."""
    tags = Tags(text)
    assert not tags.open
    assert not {"img", "onerror"} & set(tags.found)
    return " ".join(tags.words)


def recording() -> Recording:
    samples = np.random.default_rng(4).normal(size=(2000, 4)).astype(np.float32)
    channels = tuple(Channel(f"{EVIL}{n}") for n in range(4))
    names: Any = {"dataset": EVIL, "subject": EVIL, "session": EVIL, "name": EVIL, "source": EVIL}
    return Recording(samples, 200.0, channels, spans=(Span(1.0, 9.0, EVIL),), **names)


def hit(label: str | None = EVIL, *, fits: bool = True) -> Hit:
    names: Any = {"source": EVIL, "dataset": EVIL, "subject": EVIL, "session": EVIL}
    return Hit(1, 0.52, EVIL, "r", start_s=2.0, end_s=4.0, label=label, simulated=True, fits=fits, **names)


def found(*hits: Hit) -> Found:
    result = SearchResult(EVIL, "lib", 3, "m", True, 1.0, True, list(hits))
    return Found(result, hits, tuple(recording() for _ in hits), 0.0123)


def moment() -> Moment:
    segments = [
        Segment("a@0.000", 0.0, 2.0, "rest", None, [0.01], [False]),
        Segment("a@2.000", 2.0, 4.0, "contraction", EVIL, [0.52], [True]),
    ]
    one = recording()
    names: Any = {
        "source": "a",
        "recording": "a",
        "dataset": "d",
        "subject": "s",
        "session": "1",
        "name": "r",
    }
    line = Timeline(
        **names,
        rate_hz=200.0,
        duration_s=10.0,
        simulated=False,
        model="m",
        threshold=0.2,
        queries=[Asked(EVIL, 1.0)],
        segments=segments,
        labels=[],
        activity=Activity(0.05, [], []),
    )
    return Moment("a@2.000", line, one, 2.0, 4.0, stored=True, label=EVIL, score=0.52)


WHY = Explanation(
    score=0.5,
    views=[ViewScore("plain", 0.5), ViewScore("muscular", 0.6)],
    channels=[ChannelDrop(EVIL, None, 0.1), ChannelDrop("ch2", 90.0, -0.05)],
    moments=[MomentDrop(2.0, 3.0, 0.2), MomentDrop(3.0, 4.0, 0.0)],
    effort=Effort(12.3, 1.0),
)


def test_a_card_says_what_and_where() -> None:
    words = read(cards.hit_card(hit(), recording(), Question(EVIL)))
    assert EVIL in words
    assert "2.00–4.00 s" in words
    assert "0.52" in words
    assert "simulated" in words
    assert "does not fit" not in words


def test_a_card_of_what_does_not_fit() -> None:
    card = cards.hit_card(hit(None, fits=False), recording(), Question())
    assert 'class="hit far"' in card
    assert "no label" in read(card)
    assert "does not fit" in read(card)


def test_a_card_shows_what_was_said_of_it() -> None:
    marks = (Mark("more", (EVIL,), "fist"), Mark("less", (EVIL,), "pinch"), Mark("told", ("z",), EVIL))
    one = replace(hit(), segments=["z", EVIL])
    card = cards.hit_card(one, recording(), Question("fist", wishes=Wishes(marks=marks)))
    assert re.findall(r'data-act="(\w+)" aria-pressed="(\w+)"', card) == [
        ("more", "true"),
        ("less", "false"),
        ("name", "true"),
    ]
    assert f"you: {EVIL}" in read(card)
    assert "2 segments" in read(card)
    own = Question(near=replace(moment(), own=True, stored=False))
    assert "aria-pressed" not in cards.hit_card(one, recording(), own)


def test_the_line_above_the_hits() -> None:
    assert read(cards.count_line(1, Question(EVIL), found(hit()), back=False)).startswith("1 moment")
    line = read(cards.count_line(0, Question(near=moment()), found(), back=True))
    assert "Back" in line
    assert f"like {EVIL}" in line
    added = Question(wishes=Wishes(plus=(EVIL,)))
    assert "like what was added" in read(cards.count_line(1, added, found(hit()), back=False))
    assert "exact · version 3 · 12 ms" in line


@pytest.mark.parametrize(
    ("shown", "far", "full", "nearest", "act"),
    [
        (0, 5, True, False, None),
        (3, 2, True, False, "nearest"),
        (5, 2, True, True, "further"),
        (12, 0, True, False, "further"),
        (7, 0, False, False, None),
    ],
)
def test_what_is_offered_below_the_hits(
    shown: int, far: int, full: bool, nearest: bool, act: str | None
) -> None:
    offered = re.findall(r'data-act="(\w+)"', cards.more_below(shown, far, full=full, nearest=nearest))
    assert offered == ([] if act is None else [act])


def test_states_in_words() -> None:
    assert "movement of the hand" in read(cards.nothing_fits(EVIL, 0.1, 3))
    assert "near enough" in read(cards.nothing_fits(EVIL, 0.9, 3))
    assert "2 filters let nothing through" in read(cards.nothing_found(2))
    assert "Something went wrong" in read(cards.unexpected())
    empty = read(cards.library(EVIL, ()))
    assert "This library is empty" in empty
    assert "myosem ingest" in empty


def test_an_error_says_every_part() -> None:
    words = read(cards.error_message(LibraryError(EVIL, got="nothing", hint="myosem index")))
    assert words.count(EVIL[1:]) == 1
    assert "Got nothing" in words
    assert "Try: myosem index" in words
    assert 'role="alert"' in cards.error_message(UsageError("this"))


def test_tiles_of_a_library() -> None:
    one = DatasetSummary(EVIL, 3, 1, 1, 2, 1234, 0.5, (8,), (200.0,), (), True)
    words = read(cards.library("lib", (one,)))
    assert "1,234" in words
    assert "1 person · 2 sessions" in words
    assert "30.0 min of 8 channels" in words


def test_chips_of_filters() -> None:
    shown = chips(Question(filters=Filters(labels=(EVIL, "b"), least_score=0.5, condition="a < b")), {})
    words = read(shown)
    assert len(re.findall('data-act="drop"', shown)) == 4
    assert "score 0.5 or more" in words
    assert "a < b" in words
    assert "Clear all" in words
    assert chips(Question(), {}) == ""


def test_chips_of_wishes() -> None:
    marks = (Mark("more", ("a",), EVIL), Mark("less", ("b",), "other"), Mark("told", ("c",), EVIL))
    asked = Question(EVIL, wishes=Wishes((EVIL,), ("rest",), diverse=True, merge=False, marks=marks))
    shown = chips(asked, {"a": "fist, s1, 2.0 s"})
    words = read(shown)
    assert f"+ {EVIL}" in words and "− rest" in words
    assert "▲ fist, s1, 2.0 s" in words and "▼" not in words
    assert f"c is “{EVIL}”" in words
    assert "1 mark for “other” use here" in words
    assert "varied" in words and "neighbours apart" in words
    assert len(re.findall('data-act="drop"', shown)) == 6


def test_a_moment_in_full() -> None:
    labels = LabelResult("a", "m", False, ["x"], [], [LabelledSegment(None, "a", 2.0, 4.0, EVIL, 0.9)])
    words = read(pictures.picture(moment(), labels, WHY))
    assert "4 channels at 200 Hz" in words
    assert f"how near to “{EVIL}”" in words
    drawn = pictures.strip(moment(), labels)
    assert drawn.count('class="band given"') == 1
    assert re.findall(r'<i class="(\w*)" style="[^"]*height:(\d+)', drawn) == [("", "1"), ("fits", "100")]


def test_a_moment_without_words_has_no_similarity() -> None:
    one = moment()
    line = Timeline(**{**one.line.__dict__, "queries": []})
    assert "how near" not in pictures.strip(Moment(**{**one.__dict__, "line": line}))


def test_words_and_why() -> None:
    result = DescribeResult(EVIL, "r", 0, 1, "m", False, [Description(1, 0.5, "fist", EVIL, EVIL)])
    assert "Why" not in read(pictures.description(result))
    words = read(pictures.description(result, WHY))
    assert "muscular 0.60, plain 0.50" in words
    assert "12.3 dB over rest, stronger than all of this session’s other contractions" in words
    assert "without" in pictures.description(result, WHY)


def test_why_without_any_electrode() -> None:
    quiet = Explanation(0.1, [], [ChannelDrop("ch1", None, 0.001)], [], Effort(1.0, None))
    words = read(pictures.explanation(quiet))
    assert "none of them carries the score alone" in words
    assert "stronger" not in words


def test_labels_are_counted() -> None:
    segments = [LabelledSegment(None, "a", n, n + 1, label, 0.9) for n, label in enumerate(["x", "x", None])]
    other = LabelledSegment(None, "another", 0, 1, "x", 0.9)
    labels = LabelResult("a", "m", False, ["x", EVIL], [EVIL], [*segments, other])
    words = read(pictures.label_table(labels, moment()))
    assert "x 2 moments" in words
    assert f"{EVIL} is about no action" in words
    assert "none of these 1 moment" in words


def test_recordings_of_a_file_to_choose_from() -> None:
    assert pictures.choice([moment()], moment()) == ""
    assert pictures.choice([moment(), moment()], moment()).count("data-value") == 2


def test_moments_are_chosen_by_time_and_stretch() -> None:
    one = moment()
    assert (one.at(0.5).start_s, one.at(0.5).source) == (0.0, "a@0.000")
    assert one.at(9.0).source == "a@2.000"
    stretch = one.between(-1.0, 5.0)
    assert (stretch.start_s, stretch.end_s, stretch.source, stretch.stored) == (0.0, 5.0, "a", False)
    for start_s, end_s in ((3.0, 3.01), (20.0, 30.0), (float("nan"), 2.0)):
        with pytest.raises(UsageError, match="too short"):
            one.between(start_s, end_s)
