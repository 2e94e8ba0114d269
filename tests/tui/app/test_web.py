"""``upriver ui --web``: a browser's socket gets the picture, keys act, and pages from elsewhere are refused."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.heavy import reason

from upriver.assets.support.process_tree import descendants

pytest.importorskip("textual_serve", reason=reason("web"))

import aiohttp

pytestmark = pytest.mark.web

CODES = re.compile(r"\x1b\[[^a-zA-Z]*[a-zA-Z]")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, int, str]]:
    """The port and the process that serve a small project, and the address that was printed."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "upriver.toml").write_text('[project]\nname = "brook"\n')
    (tmp_path / "assets" / "one.sql").write_text("select 1 as x\n")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "upriver", "-C", str(tmp_path), "ui", "--web", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    address = next(line for line in process.stdout if line.startswith("Open ")).removeprefix("Open ").strip()
    yield port, process.pid, address
    process.terminate()
    process.wait(20)
    process.stdout.close()


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
        assert "upriver" in await until_served(client, printed)
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
