"""``upriver ui --web``: a browser's socket gets the picture, keys act, and pages from elsewhere are refused."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.heavy import reason
from tests.tui.cli.test_whole import upriver
from tests.tui.site.test_in_browser import QUIET

from upriver.assets.support.process_tree import descendants

pytest.importorskip("textual_serve", reason=reason("web"))

import aiohttp
from yarl import URL

pytestmark = pytest.mark.web

CODES = re.compile(r"\x1b\[[^a-zA-Z]*[a-zA-Z]")


@contextmanager
def served(folder: Path, *words: str) -> Iterator[tuple[int, int, str]]:
    """A small project as ``upriver ui --web WORDS`` serves it: the port, the process, and the address printed."""
    (folder / "assets").mkdir()
    (folder / "upriver.toml").write_text('[project]\nname = "brook"\n')
    (folder / "assets" / "one.sql").write_text("select 1 as x\n")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "upriver", "-C", str(folder), "ui", "--web", "--port", str(port), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    address = next(line for line in process.stdout if line.startswith("Open ")).removeprefix("Open ").strip()
    try:
        yield port, process.pid, address
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, int, str]]:
    """The port and the process that serve a small project, and the address that was printed."""
    with served(tmp_path) as at:
        yield at


async def until_served(client: aiohttp.ClientSession, address: str) -> str:
    """The page, as soon as there is a server."""
    for _ in range(300):
        try:
            async with client.get(address) as answer:
                page: str = await answer.text()
                return page
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.1)
    raise AssertionError("nothing is served")


class Browser:
    """The other end of the socket."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws

    async def until(self, *texts: str) -> None:
        """Read what is painted until all of *texts* have been."""
        painted, end = "", time.monotonic() + 60
        while not all(text in painted for text in texts):
            assert time.monotonic() < end, f"{texts} did not come; this did\n{painted}"
            try:
                message = await self._ws.receive(timeout=1.0)
            except TimeoutError:
                continue
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
            if message.type is aiohttp.WSMsgType.BINARY:
                painted += CODES.sub("", message.data.decode(errors="replace"))

    async def press(self, keys: str) -> None:
        """Type."""
        await self._ws.send_json(["stdin", keys])


async def test_a_browser_gets_the_picture_and_its_keys_act(server: tuple[int, int, str]) -> None:
    """And the program that it was shown ends with it."""
    port, pid, printed = server
    async with aiohttp.ClientSession() as client:
        assert "Upriver" in await until_served(client, printed)
        address = f"ws://localhost:{port}/ws?width=100&height=30"
        for headers in ({"Origin": "https://elsewhere.example"}, {"Host": f"rebound.example:{port}"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(address, headers=headers)
            assert refused.value.status == 403
        assert len(descendants(pid)) == 1, "nothing was started for them"
        async with client.ws_connect(address, headers={"Origin": f"http://localhost:{port}"}) as ws:
            browser = Browser(ws)
            await browser.until("UPRIVER", "brook", "one", "◌")
            await browser.press("w")
            await browser.until("CHAIN", "never built")
            assert len(descendants(pid)) > 1
        for _ in range(300):
            if len(descendants(pid)) == 1:
                break
            await asyncio.sleep(0.1)
        assert len(descendants(pid)) == 1


async def test_nobody_drives_it_without_the_printed_address(server: tuple[int, int, str]) -> None:
    """Another process of this machine gets neither the page nor the socket; the token is exchanged for a cookie."""
    port, pid, printed = server
    page, socket_ = f"http://localhost:{port}/", f"ws://localhost:{port}/ws?width=80&height=24"
    async with aiohttp.ClientSession() as stranger:
        assert "has printed" in await until_served(stranger, page)
        for address in (page, f"{page}?token=guess", f"{page}?token=", f"{page}static/", f"{printed}x"):
            async with stranger.get(address) as answer:
                assert answer.status == 403
                assert "has printed" in await answer.text()
        for headers in ({}, {"Cookie": f"upriver-{port}=guess"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await stranger.ws_connect(socket_, headers=headers)
            assert refused.value.status == 403
    assert len(descendants(pid)) == 1, "nothing was started for it"
    async with aiohttp.ClientSession() as client, client.get(printed) as answer:
        assert answer.status == 200
        assert "token" not in str(answer.url)
        (cookie,) = client.cookie_jar
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert cookie.value not in printed


async def test_the_page_has_a_title_and_loads_nothing_from_elsewhere(server: tuple[int, int, str]) -> None:
    """Neither fonts nor scripts; the browser is told to refuse them."""
    _, _, printed = server
    async with aiohttp.ClientSession() as client:
        page = await until_served(client, printed)
        assert "<title>brook · Upriver</title>" in page
        assert re.findall(r"(?:src|href|url)\W{1,3}(?:https?:)?//", page) == []
        async with client.get(printed) as answer:
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        files = re.findall(r"static/[\w./-]+", page)
        assert len(files) >= 4
        for file in files:
            async with client.get(answer.url.join(URL(file))) as given:
                assert given.status == 200, file


async def test_a_proxy_asks_under_a_name_that_was_allowed(tmp_path: Path) -> None:
    """Other names are refused with the option that allows them."""
    with served(tmp_path, "--allow-host", "Brook.example") as (port, _, printed):
        async with aiohttp.ClientSession() as client:
            await until_served(client, printed)
            for name, status in (("brook.example", 200), ("other.example", 403)):
                async with client.get(printed, headers={"Host": name}) as answer:
                    assert answer.status == status
                    if status == 403:
                        assert f"--allow-host {name}" in await answer.text()
            headers = {"Host": "brook.example", "Origin": "https://brook.example"}
            async with client.ws_connect(
                f"ws://localhost:{port}/ws?width=80&height=24", headers=headers
            ) as ws:
                await Browser(ws).until("brook")


@pytest.mark.browser
def test_keys_act_without_a_click_and_no_request_leaves_this_machine(server: tuple[int, int, str]) -> None:
    """In a real browser: the terminal has the focus as soon as it is drawn."""
    from playwright.sync_api import sync_playwright

    port, _, printed = server
    asked: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(printed)
        page.wait_for_selector("body.-first-byte", timeout=60_000)
        assert page.title() == "brook · Upriver"
        page.wait_for_function("document.activeElement?.tagName === 'TEXTAREA'", timeout=60_000)
        with page.expect_event("websocket", timeout=60_000) as opened:
            page.reload()
        assert opened.value.url.startswith(f"ws://localhost:{port}/ws")
        with opened.value.expect_event("framesent", lambda sent: "w" in str(sent), timeout=60_000):
            page.wait_for_function("document.activeElement?.tagName === 'TEXTAREA'", timeout=60_000)
            page.keyboard.press("w")
        browser.close()
    assert [url for url in asked if not url.startswith((f"http://localhost:{port}/", "data:", "blob:"))] == []


@pytest.mark.parametrize(
    ("port", "said"),
    [("80000", "80000 is no port: they go from 1 to 65535"), ("0", "above 0"), ("x", "whole number")],
)
def test_what_is_no_port_is_told(tmp_path: Path, port: str, said: str) -> None:
    """Nothing is served."""
    done = upriver(tmp_path, "ui", "--web", "--port", port)
    assert (done.code, said in done.err) == (2, True), done


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """Before an address is printed."""
    assert upriver(tmp_path, "init", "--bare").code == 0
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = upriver(tmp_path, "ui", "--web", "--port", str(other.getsockname()[1]))
    assert (done.code, done.out) == (2, "")
    assert "it is taken" in done.err
    assert "--port N" in done.err
