"""The page in a browser, before a real server: search, filters, hits, a moment, files, keys, a phone."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import PATIENCE_MS, find_chromium, served, simulated_library
from playwright.sync_api import Browser, Page, expect, sync_playwright

from myosem.library import Library

DESKTOP = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
PHONE = {"width": 390, "height": 844}
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    find_chromium()
    return simulated_library(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def server(library: Path) -> Iterator[str]:
    with served(library) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = find_chromium()
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Visit]:
    """Opens the page as a new visitor; whatever it says to the console is an error, as is another host."""
    said: list[str] = []
    contexts = []

    def open_page(path: str = "/", *, address: str = server, **settings: Any) -> Page:
        contexts.append(browser.new_context(**{**DESKTOP, **settings}))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request",
            lambda one: None if one.url.startswith((address, "data:", "blob:")) else said.append(one.url),
        )
        page.goto(address + path, wait_until="commit")
        page.wait_for_selector("#hits > *")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not said


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Page, str], None]:
    """Keeps a screenshot, in the folder that ``MYOSEM_PICTURES`` names where it is set."""
    folder = Path(os.environ.get("MYOSEM_PICTURES", tmp_path))

    def keep(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return keep


def search(page: Page, words: str) -> None:
    page.fill("#query input", words)
    page.press("#query input", "Enter")


def opened(page: Page) -> None:
    expect(page.locator("#open .panels")).to_be_visible()


def test_a_search_shows_hits_and_opens_the_first(visit: Visit, picture: Callable[[Page, str], None]) -> None:
    page = visit()
    expect(page.locator(".tile")).to_contain_text("simulated")
    search(page, "make a fist")
    expect(page.locator(".hit h3").first).to_have_text("fist")
    expect(page.locator(".hit .wave .in").first).to_be_attached()
    expect(page.locator(".hit .heat path").first).to_be_attached()
    opened(page)
    expect(page.locator("#open h2")).to_have_text("fist")
    expect(page.locator(".nearness i.fits").first).to_be_attached()
    assert page.url.endswith("?q=make+a+fist")
    picture(page, "page")
    page.reload(wait_until="commit")
    expect(page.locator(".hit h3").first).to_have_text("fist")


def test_filters_narrow_and_are_taken_away(visit: Visit) -> None:
    page = visit("/?q=make+a+fist&condition=kind+%3D+%27contraction%27")
    page.click("[data-act=filters]")
    page.get_by_label("Label").click()
    page.get_by_role("option", name="open-hand").click()
    page.keyboard.press("Escape")
    expect(page.locator(".active button")).to_have_count(2)
    expect(page.locator("#hits")).to_contain_text(re.compile("Nothing fits|open-hand"))
    expect(page.locator(".hit h3", has_text="fist")).to_have_count(0)
    page.locator(".active button", has_text="open-hand").click()
    expect(page.locator(".hit h3").first).to_have_text("fist")
    page.get_by_label("Condition").fill("no_such_column = 1")
    expect(page.locator("#hits .error")).to_contain_text("no_such_column")


def test_more_like_this_and_back(visit: Visit) -> None:
    page = visit("/?q=make+a+fist")
    first = page.locator(".hit").first
    segment = first.get_attribute("data-segment")
    first.get_by_text("More like this").click()
    expect(page.locator(".count h2")).to_contain_text("like fist")
    expect(page.locator(f".hit[data-segment='{segment}']")).to_have_count(0)
    page.reload(wait_until="commit")
    expect(page.locator(".count h2")).to_contain_text("like fist")
    page.click(".count [data-act=back]")
    expect(page.locator("#hits > *").first).to_be_visible()


def test_what_is_this_and_labels(visit: Visit, picture: Callable[[Page, str], None]) -> None:
    page = visit("/?q=make+a+fist")
    page.locator(".hit").first.get_by_text("What is this?").click()
    expect(page.locator(".why")).to_contain_text("dB over rest")
    likeliest = page.locator(".what li b").first.inner_text()
    page.fill("[aria-label=Phrases]", f"{likeliest}, a red car")
    page.click(".labelling [data-act=label]")
    expect(page.locator(".counts")).to_contain_text("is about no action")
    expect(page.locator(".band.given").first).to_be_attached()
    picture(page, "page-what")
    page.locator(".strip").scroll_into_view_if_needed()
    strip = page.locator(".strip").bounding_box()
    assert strip is not None
    page.mouse.move(strip["x"] + 20, strip["y"] + 20)
    page.mouse.down()
    page.mouse.move(strip["x"] + 120, strip["y"] + 20, steps=4)
    page.mouse.up()
    expect(page.locator("#open h2")).to_have_text("no label")
    page.mouse.click(strip["x"] + strip["width"] - 3, strip["y"] + 20)
    expect(page.locator("#open h2")).not_to_have_text("no label")


def test_keys(visit: Visit) -> None:
    page = visit("/?q=make+a+fist")
    expect(page.locator(".hit.marked .rank")).to_have_text("1")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    expect(page.locator(".hit.marked .rank")).to_have_text("2")
    second = page.locator(".hit").nth(1)
    page.keyboard.press("Enter")
    expect(page.locator("#open .where time")).to_have_text(second.locator("time").inner_text())
    page.keyboard.press("w")
    expect(page.locator(".what li").first).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator(".keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".q-dialog")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#query input")).to_be_focused()
    page.keyboard.press("Escape")
    dark = page.locator("body.body--dark")
    expect(dark).to_have_count(0)
    page.keyboard.press("t")
    expect(dark).to_have_count(1)


def test_a_file_is_opened_described_and_labelled(visit: Visit, library: Path, tmp_path: Path) -> None:
    stored = Library.open(library)
    recording = stored.recordings(stored.sessions()[0])[0]
    stored.close()
    file = tmp_path / "my arm.csv"
    names = ",".join(f"emg{n}" for n in range(1, 9))
    np.savetxt(file, np.asarray(recording.samples), delimiter=",", header=names, comments="", fmt="%.6g")
    page = visit()
    page.click("[data-act=upload]")
    page.set_input_files("input[type=file]", file)
    expect(page.locator(".sheet .error")).to_contain_text("a rate in Hz")
    page.get_by_label("Samples per second").fill("200")
    page.set_input_files("input[type=file]", file)
    opened(page)
    expect(page.locator(".made")).to_contain_text("8 channels at 200 Hz")
    page.click("#open [data-act=what]")
    page.fill("[aria-label=Phrases]", page.locator(".what li b").first.inner_text())
    page.press("[aria-label=Phrases]", "Enter")
    expect(page.locator(".band.given").first).to_be_attached()
    page.click("#open [data-act=like]")
    expect(page.locator(".hit").first).to_be_visible()


def test_words_about_no_action(visit: Visit) -> None:
    page = visit("/?q=the+stock+market+fell")
    expect(page.locator("#hits h2")).to_have_text("Nothing fits “the stock market fell”")
    page.click("#hits [data-act=nearest]")
    expect(page.locator(".hit.far").first).to_contain_text("does not fit")


def test_a_phone(visit: Visit, picture: Callable[[Page, str], None]) -> None:
    page = visit("/?q=make+a+fist", viewport=PHONE, has_touch=True)
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == PHONE["width"]
    picture(page, "page-phone")
    expect(page.locator("#open")).to_be_hidden()
    page.locator(".hit").first.tap()
    opened(page)
    assert page.evaluate(width) == PHONE["width"]
    assert page.evaluate("document.getElementById('open').scrollWidth") <= PHONE["width"]
    page.go_back()
    expect(page.locator("#open")).to_be_hidden()
    page.click("[data-act=filters]")
    expect(page.get_by_label("Person")).to_be_visible()
    assert page.evaluate(width) == PHONE["width"]


def test_visitors_do_not_see_each_other(visit: Visit) -> None:
    one, other = visit(), visit()
    search(one, "make a fist")
    expect(one.locator(".hit").first).to_be_visible()
    expect(other.locator(".tile")).to_be_visible()
    expect(other.locator(".hit")).to_have_count(0)


def test_an_empty_library_behind_a_token(visit: Visit, browser: Browser, tmp_path: Path) -> None:
    Library.create(tmp_path / "empty").close()
    token = "a-token-of-24-characters"
    with served(tmp_path / "empty", "--token", token) as address:
        with browser.new_context() as context:
            answer = context.request.get(address)
            assert answer.status == 401
        page = visit(f"/?token={token}", address=address)
        expect(page.locator("#hits h2")).to_have_text("This library is empty")
        assert "token" not in page.url
        search(page, "make a fist")
        expect(page.locator("#hits h2")).to_have_text("This library is empty")
