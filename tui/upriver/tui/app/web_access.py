"""Access to a served terminal UI: who has the printed address may drive it, other processes and pages may not.

The address carries a token. The first request exchanges it for a cookie, so that it stays out of what follows
(addresses are kept in histories); all else is refused without that cookie.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Any


class WebAccess:
    """Who may talk to the server on *port* of *host*."""

    def __init__(self, host: str, port: int) -> None:
        self._token, self._secret = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._hosts = {f"{name}:{port}" for name in (host, "127.0.0.1", "[::1]")}
        # Cookies of a host are sent to all of its ports: two projects may be served at once.
        self._cookie = f"upriver-{port}"
        self.address = f"http://{host}:{port}/?token={self._token}"

    def middleware(self) -> Callable[..., Awaitable[Any]]:
        """What every request goes through."""
        from aiohttp import web

        @web.middleware
        async def checked(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
            origin = request.headers.get("Origin")
            if request.host not in self._hosts or (
                origin is not None and origin.partition("://")[2] not in self._hosts
            ):
                raise web.HTTPForbidden(text="upriver answers pages that it has served itself, and no others")
            if _equal(request.cookies.get(self._cookie, ""), self._secret):
                return await handler(request)
            if request.path == "/" and _equal(request.query.get("token", ""), self._token):
                answer = web.HTTPFound("/")
                answer.set_cookie(self._cookie, self._secret, httponly=True, samesite="Strict")
                raise answer
            raise web.HTTPForbidden(
                text="open the address that `upriver ui --web` has printed: it holds a token"
            )

        return checked


def _equal(given: str, known: str) -> bool:
    return compare_digest(given.encode("utf-8", "replace"), known.encode())
