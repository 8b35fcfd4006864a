"""The page in a browser, before a real server: search, filters, marks, a moment, files, keys, a phone.

One server, one browser and one tab serve all tests here; each begins by opening an address.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from browser import PATIENCE_MS, find_chromium, served, simulated_library
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from myosem.library import Library

TOKEN = "a-token-of-24-characters"
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 375, "height": 812}
FIST = "/?q=make+a+fist"
Picture = Callable[[str], None]


@dataclass
class Tab:
    """A tab, and whatever it says to the console as an error or asks of another host."""

    page: Page
    address: str
    said: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", lambda one: self.said.append(one.text) if one.type == "error" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        own = (self.address, "data:", "blob:")
        self.page.on("request", lambda one: None if one.url.startswith(own) else self.said.append(one.url))

    def open(self, path: str, size: ViewportSize = DESKTOP) -> Page:
        self.page.set_viewport_size(size)
        self.page.goto(self.address + path, wait_until="commit")
        expect(self.page.locator("#hits > *").first).to_be_visible()
        return self.page


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    find_chromium()
    return simulated_library(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def server(library: Path) -> Iterator[str]:
    with served(library, "--token", TOKEN) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = find_chromium()
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tab(browser: Browser, server: str) -> Iterator[Tab]:
    with browser.new_context(viewport=DESKTOP, reduced_motion="reduce") as context:
        assert context.request.get(server).status == 401
        tab = Tab(context.new_page(), server)
        tab.watch()
        tab.open(f"/?token={TOKEN}")
        assert "token" not in tab.page.url
        yield tab


@pytest.fixture
def visit(tab: Tab) -> Iterator[Callable[[str], Page]]:
    """Opens an address; an error in the console is one of the test."""
    yield tab.open
    assert not tab.said


@pytest.fixture
def picture(tab: Tab, tmp_path: Path) -> Picture:
    """Keeps a screenshot, in the folder that ``MYOSEM_PICTURES`` names where it is set."""
    folder = Path(os.environ.get("MYOSEM_PICTURES", tmp_path))

    def keep(name: str) -> None:
        tab.page.screenshot(path=folder / f"{name}.png")

    return keep


def search(page: Page, words: str) -> None:
    page.fill("#query input", words)
    page.press("#query input", "Enter")
    expect(page.locator(".count h2")).to_contain_text(words)


def opened(page: Page) -> None:
    expect(page.locator("#open .panels")).to_be_visible()


def chip(page: Page, words: str) -> Locator:
    return page.locator(".active .chip", has_text=words)


def address_has(page: Page, part: str) -> None:
    page.wait_for_function("part => location.href.includes(part)", arg=part)


def order(page: Page) -> list[str]:
    """The segments of the hits, best first."""
    found: list[str] = page.locator(".hit").evaluate_all("all => all.map(one => one.dataset.segment)")
    return found


def test_a_search_shows_hits_and_opens_the_first(visit: Callable[[str], Page], picture: Picture) -> None:
    page = visit("/")
    expect(page.locator(".tile")).to_contain_text("simulated")
    search(page, "make a fist")
    expect(page.locator(".hit h3").first).to_have_text("fist")
    expect(page.locator(".hit .wave .in").first).to_be_attached()
    expect(page.locator(".hit .heat path").first).to_be_attached()
    opened(page)
    expect(page.locator("#open h2")).to_have_text("fist")
    expect(page.locator(".nearness i.fits").first).to_be_attached()
    address_has(page, "?q=make+a+fist")
    picture("page")


def test_filters_narrow_and_are_taken_away(visit: Callable[[str], Page]) -> None:
    page = visit(FIST + "&condition=kind+%3D+%27contraction%27")
    page.click("[data-act=filters]")
    page.get_by_label("Label").click()
    page.get_by_role("option", name="open-hand").click()
    page.keyboard.press("Escape")
    expect(page.locator(".active .chip")).to_have_count(2)
    expect(page.locator("#hits")).to_contain_text(re.compile("Nothing fits|open-hand"))
    expect(page.locator(".hit h3", has_text="fist")).to_have_count(0)
    chip(page, "open-hand").click()
    expect(page.locator(".hit h3").first).to_have_text("fist")
    page.get_by_label("Condition").fill("no_such_column = 1")
    expect(page.locator("#hits .error")).to_contain_text("no_such_column")


def test_similar_moments_and_back(visit: Callable[[str], Page]) -> None:
    page = visit(FIST)
    first = page.locator(".hit").first
    segment = first.get_attribute("data-segment")
    first.get_by_text("Similar").click()
    expect(page.locator(".count h2")).to_contain_text("like fist")
    expect(page.locator(f".hit[data-segment='{segment}']")).to_have_count(0)
    address_has(page, f"like={segment}".replace("@", "%40"))
    page.click(".count [data-act=back]")
    expect(page.locator(".count h2")).to_contain_text("make a fist")


def test_marks_rank_anew_wait_and_are_taken_away(visit: Callable[[str], Page], picture: Picture) -> None:
    page = visit(FIST + "&merge=0")
    expect(page.locator(".hit.marked")).to_have_count(1)
    before = order(page)
    page.keyboard.press("Escape")
    page.keyboard.press("l")
    expect(chip(page, "▼")).to_have_count(1)
    expect(page.locator(f".hit[data-segment='{before[0]}']")).to_have_count(0)
    expect(page.locator(".hit.marked .rank")).to_have_text("1")
    page.locator(".hit").nth(1).get_by_text("More like this").click()
    expect(page.locator(".hit [aria-pressed=true]")).to_have_count(1)
    expect(chip(page, "▲")).to_have_count(1)
    picture("page-marks")
    search(page, "open the hand wide")
    expect(page.locator(".hit [aria-pressed=true]")).to_have_count(0)
    expect(chip(page, "2 marks for “make a fist”")).to_be_visible()
    page.reload(wait_until="commit")
    chip(page, "2 marks").get_by_text("use here").click()
    expect(page.locator(".chip.away")).to_have_count(1)
    page.locator(".chip.away").click()
    expect(page.locator(".chip.away")).to_have_count(0)
    page.click(".active .clear")
    expect(page.locator(".active .chip")).to_have_count(0)
    page.wait_for_function("location.search === '?q=open+the+hand+wide'")


def test_a_name_counts_in_every_search(visit: Callable[[str], Page], picture: Picture) -> None:
    page = visit(FIST)
    expect(page.locator(".hit.marked")).to_have_count(1)
    first = order(page)[0]
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    name = page.get_by_label("A name")
    expect(name).to_be_focused()
    name.fill("open hand")
    picture("page-name")
    name.press("Enter")
    expect(chip(page, "is “open hand”")).to_be_visible()
    expect(page.locator(f".hit[data-segment='{first}']")).to_have_count(0)
    search(page, "open the hand")
    named = page.locator(f".hit[data-segment='{first}']")
    expect(named).to_contain_text("you: open hand")
    named.locator("[data-act=name]").click()
    page.get_by_label("A name").fill("")
    page.click(".naming [data-act=told]:has-text('Say so')")
    expect(page.locator(".active .chip")).to_have_count(0)


def test_words_are_added_and_taken_away(visit: Callable[[str], Page], picture: Picture) -> None:
    page = visit(FIST)
    page.click("[data-act=filters]")
    for title, words in (("Also like", "hold a cup"), ("Not like", "open the hand")):
        page.get_by_label(title).fill(words)
        page.get_by_label(title).press("Enter")
        expect(chip(page, words)).to_be_visible()
    page.get_by_text("Varied hits").click()
    expect(chip(page, "varied")).to_be_visible()
    page.get_by_text("Neighbours as one hit").click()
    expect(chip(page, "neighbours apart")).to_be_visible()
    picture("page-refine")
    opened(page)
    page.click("#open [data-act=add]")
    expect(page.locator(".chip.towards")).to_have_count(2)
    search(page, "point")
    expect(page.locator(".active .chip")).to_have_count(5)
    for part in ("plus=hold+a+cup", "diverse=1", "merge=0"):
        address_has(page, part)


def test_what_is_this_and_labels(visit: Callable[[str], Page], picture: Picture) -> None:
    page = visit(FIST)
    page.locator(".hit").first.get_by_text("What is this?").click()
    expect(page.locator(".why")).to_contain_text("dB over rest")
    likeliest = page.locator(".what li b").first.inner_text()
    page.fill("[aria-label=Phrases]", f"{likeliest}, a red car")
    page.click(".labelling [data-act=label]")
    expect(page.locator(".counts")).to_contain_text("is about no action")
    expect(page.locator(".band.given").first).to_be_attached()
    picture("page-what")
    page.locator(".strip").scroll_into_view_if_needed()
    strip = page.locator(".strip").bounding_box()
    assert strip is not None
    page.mouse.move(strip["x"] + 20, strip["y"] + 20)
    page.mouse.down()
    page.mouse.move(strip["x"] + 120, strip["y"] + 20, steps=4)
    page.mouse.up()
    expect(page.locator("#open h2")).to_have_text("no label")
    expect(page.locator("#open .stored").first).to_be_hidden()
    page.mouse.click(strip["x"] + strip["width"] - 3, strip["y"] + 20)
    expect(page.locator("#open h2")).not_to_have_text("no label")


def test_keys(visit: Callable[[str], Page], picture: Picture) -> None:
    page = visit(FIST)
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
    picture("page-dark")
    page.keyboard.press("t")
    expect(dark).to_have_count(0)


def test_a_file_is_opened_described_and_labelled(
    visit: Callable[[str], Page], library: Path, tmp_path: Path
) -> None:
    stored = Library.open(library)
    recording = stored.recordings(stored.sessions()[0])[0]
    stored.close()
    file = tmp_path / "my arm.csv"
    names = ",".join(f"emg{n}" for n in range(1, 9))
    np.savetxt(file, np.asarray(recording.samples), delimiter=",", header=names, comments="", fmt="%.6g")
    page = visit("/?plus=hold+a+cup")
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
    page.click("#open [data-act=similar]")
    expect(page.locator(".hit").first).to_be_visible()
    expect(page.locator(".hit [data-act=more]")).to_have_count(0)
    expect(chip(page, "hold a cup")).to_have_class(re.compile("idle"))


def test_words_about_no_action(visit: Callable[[str], Page]) -> None:
    page = visit("/?q=the+stock+market+fell")
    expect(page.locator("#hits h2")).to_have_text("Nothing fits “the stock market fell”")
    page.click("#hits [data-act=nearest]")
    expect(page.locator(".hit.far").first).to_contain_text("does not fit")


def test_a_phone(tab: Tab, picture: Picture) -> None:
    def fits() -> bool:
        return bool(tab.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"])

    page = tab.open(FIST, PHONE)
    assert fits()
    picture("page-phone")
    expect(page.locator("#open")).to_be_hidden()
    page.locator(".hit").first.get_by_text("More").click()
    expect(page.locator(".hit [aria-pressed=true]")).to_have_count(1)
    assert fits()
    page.locator(".hit").nth(1).locator("h3").click()
    opened(page)
    assert fits()
    assert page.evaluate("document.getElementById('open').scrollWidth") <= PHONE["width"]
    picture("page-phone-open")
    page.go_back()
    expect(page.locator("#open")).to_be_hidden()
    page.click("[data-act=filters]")
    expect(page.get_by_label("Person")).to_be_visible()
    assert fits()
    picture("page-phone-refine")
    assert not tab.said


def test_visitors_do_not_see_each_other(visit: Callable[[str], Page], tab: Tab) -> None:
    page = visit("/")
    other = Tab(page.context.new_page(), tab.address)
    search(other.open("/"), "make a fist")
    expect(other.page.locator(".hit").first).to_be_visible()
    expect(page.locator(".tile")).to_be_visible()
    expect(page.locator(".hit")).to_have_count(0)
    other.page.close()


def test_the_page_of_the_api(tab: Tab, picture: Picture) -> None:
    tab.page.goto(tab.address + "/docs", wait_until="commit")
    expect(tab.page.locator(".opblock").first).to_be_visible()
    picture("api")
    assert not tab.said


def test_an_empty_library(browser: Browser, tmp_path: Path) -> None:
    Library.create(tmp_path / "empty").close()
    with served(tmp_path / "empty") as address, browser.new_page() as page:
        page.goto(f"{address}/?q=make+a+fist", wait_until="commit")
        expect(page.locator("#hits h2")).to_have_text("This library is empty")
