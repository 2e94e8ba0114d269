"""The static pages in a real browser, opened as files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tests.fakes.session import FakeSession

from upriver.tui.site.writer import write_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("pages") / "site"
    write_site(FakeSession(), folder, now=1_760_000_000.0, version="1")
    return (folder / "index.html").as_uri()


class Visit:
    """A page that was opened, what it asked for, and what it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text))


@pytest.fixture(params=[(390, 800), (820, 1100), (1440, 900)], ids=["phone", "tablet", "desk"])
def visit(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Visit]:
    width, height = request.param
    page = browser.new_page(viewport={"width": width, "height": height})
    found = Visit(page)
    yield found
    assert found.complaints == []
    assert [url for url in found.asked if not url.startswith(("file:", "data:"))] == []
    page.close()


def test_a_person_finds_an_asset_and_sees_where_a_column_comes_from(visit: Visit, site: str) -> None:
    page = visit.page
    page.goto(site)
    page.get_by_role("searchbox").fill("order_pay")
    page.get_by_role("link", name="core.order_pay").first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "core.order_pay"
    assert page.title().startswith("core.order_pay")
    page.get_by_role("region", name="Columns").get_by_role("link").first.click()
    drawing = page.locator("svg").first
    drawing.wait_for()
    assert drawing.locator("path.wire").count() > 0


def test_nothing_is_wider_than_the_screen(visit: Visit, site: str) -> None:
    """Wide tables, drawings and code scroll in themselves."""
    for place in ("", "#/assets/core.order_pay"):
        visit.page.goto(site + place)
        visit.page.get_by_role("heading", level=1).wait_for()
        assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_deep_link_opens_its_section_and_an_unknown_one_says_so(visit: Visit, site: str) -> None:
    page = visit.page
    page.goto(f"{site}#/assets/core.order_pay/code")
    page.locator("#code").wait_for()
    assert page.locator("#code").is_visible()
    page.goto(f"{site}#/assets/core.order_play")
    assert page.get_by_role("heading", level=1).inner_text() == "No such asset"


def test_light_and_dark_can_be_chosen(visit: Visit, site: str) -> None:
    page = visit.page
    page.goto(site)
    before = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != before
