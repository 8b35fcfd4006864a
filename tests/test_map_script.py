"""The map in a browser: it shows every point, answers the pointer and the keys, and asks no network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import PATIENCE_MS, find_chromium
from fakes import FakeModel, write_bursts
from playwright.sync_api import Page, sync_playwright

from myosem.ingest import ingest
from myosem.library_map import LibraryMap, library_map
from myosem.map_page import map_page
from myosem.search import Engine

AT = "[X, Y].map((one, axis) => axis ? toY(one[POINT]) : toX(one[POINT]))"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> LibraryMap:
    folder = tmp_path_factory.mktemp("script")
    write_bursts(folder / "files", "a", "one", 0)
    write_bursts(folder / "files", "b", "one", 1)
    model: Any = FakeModel()
    ingest(folder / "lib", [folder / "files"], model=model)
    return library_map(Engine(folder / "lib", model))


@pytest.fixture(scope="module")
def page(found: LibraryMap, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    chromium = find_chromium()
    file: Path = tmp_path_factory.mktemp("page") / "map.html"
    file.write_text(map_page(found), encoding="utf-8")
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page(viewport={"width": 1280, "height": 800})
        opened.set_default_timeout(PATIENCE_MS)
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("request", lambda one: None if one.url == file.as_uri() else said.append(one.url))
        opened.goto(file.as_uri())
        opened.wait_for_selector("html[data-ready]")
        yield opened
        browser.close()
    assert not said


@pytest.fixture(autouse=True)
def at_home(page: Page) -> None:
    page.fill("input", "")
    page.select_option("select", "0")
    page.focus("canvas")
    page.keyboard.press("Escape")
    page.keyboard.press("0")


def place(page: Page, point: int) -> tuple[float, float]:
    across, down = page.evaluate(AT.replace("POINT", str(point)))
    return across, down


def zoom(page: Page) -> float:
    return float(page.evaluate("zoom"))


def test_every_point_is_there(page: Page, found: LibraryMap) -> None:
    assert page.get_attribute("html", "data-ready") == str(len(found.segments))
    counts = [int(text) for text in page.locator(".item b").all_inner_texts()]
    assert sum(counts) == len(found.segments)


@pytest.mark.parametrize("point", [0, 3])
def test_a_point_says_what_it_is_and_stays_when_clicked(page: Page, found: LibraryMap, point: int) -> None:
    own = found.segments[point]
    page.mouse.click(*place(page, point))
    said = page.locator("#card").inner_text()
    assert own.segment in said and own.source in said and (own.label or "not labelled") in said
    assert found.names[found.nearest[point]] in said
    assert page.locator("#card svg polygon").count() == 1
    page.mouse.move(5, 790)
    assert page.locator("#card").is_visible()
    page.focus("canvas")
    page.keyboard.press("Escape")
    assert not page.locator("#card").is_visible()


def test_a_name_leaves_only_its_points(page: Page, found: LibraryMap) -> None:
    def shown() -> int:
        return int(page.evaluate("Array.from({ length: count }, (_, i) => i).filter(shown).length"))

    page.locator(".item", has_text="fist").first.click()
    assert shown() == sum(one.label == "fist" for one in found.segments) > 0
    page.select_option("select", "2")
    assert shown() == len(found.segments)
    page.fill("input", "PINCH")
    matching = sum(
        one.label == "pinch" or found.names[found.nearest[n]] == "pinch"
        for n, one in enumerate(found.segments)
    )
    assert shown() == matching > 0


def test_wheel_keys_and_dragging_move_it(page: Page) -> None:
    before, at = zoom(page), place(page, 0)
    page.mouse.move(*at)
    page.mouse.wheel(0, -200)
    page.wait_for_function(f"zoom > {before}")
    assert place(page, 0) == pytest.approx(at, abs=0.5)  # what is under the pointer stays there
    page.focus("canvas")
    page.keyboard.press("ArrowRight")
    assert place(page, 0)[0] == pytest.approx(at[0] - 60, abs=0.5)
    page.keyboard.press("0")
    assert zoom(page) == pytest.approx(before)
    page.mouse.move(640, 700)
    page.mouse.down()
    page.mouse.move(700, 720, steps=3)
    page.mouse.up()
    assert place(page, 0) == pytest.approx((at[0] + 60, at[1] + 20), abs=0.5)
