"""A report says of a source what timeline and label say, and no word in it becomes code."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import FakeModel, write_bursts
from timeline_toys import CardModel
from toys import bursts, record

from myosem.ingest import ingest
from myosem.report import ModelCard, SessionReport, commonest, session_report
from myosem.report_page import WAVE, search_page, session_page, wave_svg
from myosem.search import Engine
from myosem.timeline import timelines

MADE = "2026-11-21 12:00 UTC"
NASTY = '<script>alert("1")</script><img src=x onerror=alert(2)>'


class Page(HTMLParser):
    """Elements, their attributes, and the text of table cells row by row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.within: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "img", "input"}:
            self.within.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.within.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.within:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    for session, name, seed in (("a", "one", 0), ("a", "two", 1)):
        write_bursts(made / "files", session, name, seed)
    ingest(made / "lib", [made / "files"], model=FakeModel())
    return made


def engine(folder: Path) -> Engine:
    model: Any = CardModel()
    return Engine(folder / "lib", model)


@pytest.fixture(scope="module")
def found(folder: Path) -> SessionReport:
    source = str(folder / "files" / "a_one.npz")
    return session_report(engine(folder), source, ["make a fist", "pinch"], ["make a fist", "point"])


def test_it_holds_what_timeline_and_label_say(folder: Path, found: SessionReport) -> None:
    own, source = engine(folder), str(folder / "files" / "a_one.npz")
    assert found.timelines == timelines(own, source, ["make a fist", "pinch"])
    assert found.labels == own.label(source, ["make a fist", "point"])
    assert found.card.measured == {"MyoSem mAP": 0.75}
    for each, moment, called in found.named():
        assert (called.recording, called.start_s, called.end_s) == (
            each.recording, moment.start_s, moment.end_s
        )  # fmt: skip


def test_labels_are_counted_with_their_mean_probability(found: SessionReport) -> None:
    counts = found.counts()
    assert sum(count for _, count, _ in counts) == len(found.labels.segments)
    for label, count, probability in counts:
        own = [one.score for one in found.labels.segments if one.label == label]
        assert count == len(own)
        assert probability == pytest.approx(float(np.mean(own)))


def test_where_nothing_is_said_the_commonest_labels_are_looked_for(folder: Path) -> None:
    found = session_report(engine(folder), str(folder / "files" / "a_two.npz"))
    assert found.all_actions and not found.chosen_queries
    assert found.labels.candidates[:2] == ["rest", "fist"]
    assert [one.text for one in found.timelines[0].queries] == commonest(found.labels)
    assert "rest" not in commonest(found.labels)


def test_the_page_holds_every_segment_and_refers_to_nothing(found: SessionReport) -> None:
    text = session_page(found, MADE)
    page = Page(text)
    assert not page.within
    times = [row[1] for row in page.rows if len(row) == 6 and row[2] in {"contraction", "rest"}]
    assert times == [f"{one.start_s:.2f} to {one.end_s:.2f}" for one in found.timelines[0].segments]
    assert MADE in text and "How the numbers are made" in text and "Limits" in text
    assert sum(tag == "figure" for tag, _ in page.elements) == 1
    links = [
        value
        for tag, attributes in page.elements
        for name, value in attributes.items()
        if name in {"src", "href", "xlink:href"} and value
    ]
    assert links and all(link.startswith(("#", "data:image/png")) for link in links)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.elements}
    assert set(re.findall(r"https?://[^\"]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not re.search(r"url\((?!#)", text)


def test_the_best_moments_are_the_highest_of_all_recordings(folder: Path) -> None:
    found = session_report(engine(folder), str(folder / "files" / "a_one.npz"), ["pinch"], ["pinch"])
    scores = sorted((one.scores[0] for one in found.timelines[0].segments), reverse=True)[:5]
    shown = [
        row[0]
        for row in Page(session_page(found, MADE)).rows
        if len(row) == 6 and "to" in row[1] and "." in row[0]
    ]
    assert shown[:5] == [f"{score:.3f}" for score in scores]


def test_words_cannot_become_code(found: SessionReport) -> None:
    nasty = [
        replace(
            one,
            dataset=NASTY,
            name=NASTY,
            queries=[replace(asked, text=NASTY) for asked in one.queries],
            segments=[replace(moment, label=NASTY, segment=NASTY) for moment in one.segments],
            labels=[replace(label, label=NASTY) for label in one.labels],
            activity=replace(one.activity, channels=[NASTY] * len(one.activity.channels)),
        )
        for one in found.timelines
    ]
    labels = replace(
        found.labels, unrelated=[NASTY], segments=[replace(one, label=NASTY) for one in found.labels.segments]
    )
    text = session_page(replace(found, timelines=nasty, labels=labels, source=NASTY), NASTY)
    assert not {"script", "img"} & {tag for tag, _ in Page(text).elements}
    assert "&lt;script&gt;" in text


def test_a_search_is_a_page_too(folder: Path) -> None:
    own = engine(folder)
    result = own.search("make a fist", k=4)
    card = ModelCard.of(own.model)
    page = Page(search_page(result, own.recordings(result.hits), card, MADE))
    assert [row[1] for row in page.rows if len(row) == 7] == [f"{hit.score:.3f}" for hit in result.hits]
    assert sum(attributes.get("class") == "wave" for _, attributes in page.elements) == 4
    nasty = replace(
        result, query=NASTY, hits=[replace(hit, label=NASTY, source=NASTY) for hit in result.hits]
    )
    text = search_page(nasty, own.recordings(result.hits), card, MADE)
    assert not {"script", "img"} & {tag for tag, _ in Page(text).elements}
    empty = search_page(replace(result, hits=[], confident=False), [], card, MADE)
    assert "Nothing fits" in empty and "Nothing was found" in empty


def test_a_wave_is_high_where_it_is_loud_and_shaded_where_the_hit_is() -> None:
    text = wave_svg(record(bursts(at=((4.0, 6.0),))), 4.0, 6.0)
    left, width = (float(value) for value in re.findall(r'<rect x="([\d.]+)".*?width="([\d.]+)"', text)[0])
    assert (left, width) == (WAVE / 4, WAVE / 2)
    points = re.findall(r"([\d.]+),(-?[\d.]+)", text.split("points")[1])[:WAVE]
    loud = [abs(float(y)) > 0.4 for _, y in points]
    assert loud[WAVE // 4 + 1 : 3 * WAVE // 4 - 1].count(True) > 0.95 * (WAVE / 2 - 2)
    assert not any(loud[: WAVE // 4 - 1] + loud[3 * WAVE // 4 + 1 :])
