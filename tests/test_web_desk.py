"""What the page asks of the engine is what the command line would ask."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from web_toys import open_engines, write_library

from myosem.cli.web.desk import Desk
from myosem.cli.web.filters import Filters
from myosem.cli.web.question import Mark, Question, Wishes
from myosem.cli.web.state import Engines
from myosem.errors import UsageError
from myosem.search import Engine
from myosem.sources import Given


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def engines(path: Path) -> Iterator[Engines]:
    engines = open_engines(path)
    yield engines
    engines.close()


@pytest.fixture
def engine(engines: Engines) -> Iterator[Engine]:
    with engines.use() as engine:
        yield engine


@pytest.fixture
def desk(engines: Engines) -> Desk:
    return Desk(engines, "lib")


def test_a_question_is_the_search_that_it_says(desk: Desk, engine: Engine) -> None:
    one, two, three, four = (row.segment for row in engine.library.rows([1, 4, 7, 9]))
    marks: tuple[Mark, ...] = (
        Mark("more", (one,), "fist"),
        Mark("less", (two,), "fist"),
        Mark("less", (one,), "pinch"),
    )
    wishes = Wishes(
        (three,), ("rest",), diverse=True, merge=False, marks=(*marks, Mark("told", (four,), "fist"))
    )
    asked = Question("fist", filters=Filters(condition="kind = 'contraction'"), wishes=wishes, count=5)
    found = desk.find(asked)
    assert found.result == engine.search(
        "fist",
        5,
        "(\nkind = 'contraction'\n)",
        like=[three],
        unlike=["rest"],
        more=[one],
        less=[two],
        told={four: "fist"},
        diverse=True,
    )
    assert len(found.hits) == len(found.recordings) == 5


def test_hits_that_are_like_a_segment_can_be_judged(desk: Desk, engine: Engine) -> None:
    near = desk.open(engine.library.rows([3])[0].segment)
    plain = desk.find(Question(near=near))
    assert near.source not in [hit.segment for hit in plain.hits]
    wrong = plain.hits[0].segment
    asked = Question(near=near, wishes=Wishes(marks=(Mark("less", (wrong,), str(near.source)),)))
    assert wrong not in [hit.segment for hit in desk.find(asked).hits]


def test_a_stretch_and_a_file_are_compared_as_they_are(desk: Desk, engine: Engine) -> None:
    moment = desk.open(engine.library.rows([3])[0].segment)
    stretch = moment.between(2.0, 4.0)
    found = desk.find(Question(near=stretch, count=3)).result
    assert found.hits == engine.similar(moment.name, 2.0, 4.0, 3, merge=True).hits
    given = Given("mine.csv", [moment.recording])
    (own, *_) = desk.read(given, "fist")
    assert own.own and not own.stored
    assert not Question(near=own).markable
    assert len(desk.find(Question(near=own, count=3)).hits) == 3
    assert desk.label(own, ["fist"], {"0123456789abcdef@1.000": "fist"}).source == "mine.csv"


def test_names_of_segments_are_read_once_and_those_that_are_gone_left_out(desk: Desk, engine: Engine) -> None:
    row = engine.library.rows([1])[0]
    said = desk.names([row.segment, "0123456789abcdef@1.000"])
    assert said == {row.segment: f"{row.label or row.kind}, p1, {row.start_s:.1f} s"}
    assert desk.names([row.segment]) == said


def test_labels_know_what_was_told_of_that_person(desk: Desk, engine: Engine) -> None:
    row = engine.library.rows([1])[0]
    moment = desk.open(row.segment)
    told = {row.segment: "pinch", "0123456789abcdef@1.000": "fist"}
    assert desk.label(moment, ["fist", "pinch"], told) == engine.label(
        row.recording, ["fist", "pinch"], told={row.segment: "pinch"}
    )
    plain = engine.label(row.recording, ["fist"])
    assert desk.label(moment, ["fist"], told) == plain
    with pytest.raises(UsageError, match="too many phrases"):
        desk.label(moment, [f"{n}" for n in range(51)])


def test_an_overview_names_what_the_model_knows(desk: Desk) -> None:
    overview = desk.overview()
    assert overview.moments == sum(one.segments for one in overview.datasets) > 0
    assert len(overview.actions) == 4
    assert replace(overview, actions=()).choices.people == ("bench/p1",)
