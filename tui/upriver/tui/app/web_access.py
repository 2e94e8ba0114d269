"""Access to a served terminal UI: who has the printed address may drive it, other processes and pages may not.

The address carries a token. The first request exchanges it for a cookie, so that it stays out of what follows
(addresses are kept in histories); all else is refused without that cookie.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from hmac import compare_digest
from typing import Any

_STRANGE = """\
this was asked as {asked}, under which upriver does not answer: another site could ask so, too

If it is your own proxy or forwarded port, name it: upriver ui --web --allow-host {asked}
"""
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; frame-ancestors 'none'"
)
"""What the page may load: nothing from elsewhere. Its script styles cells, and stands in the page itself."""


class WebAccess:
    """Who may talk to the server on *port* of *host*; *others* are names under which a proxy passes it on."""

    def __init__(self, host: str, port: int, others: Sequence[str] = ()) -> None:
        self._token, self._secret = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._hosts = {f"{name}:{port}" for name in (host, "127.0.0.1", "[::1]")}
        self._hosts |= {name.lower() for name in others}
        # Cookies of a host are sent to all of its ports: two projects may be served at once.
        self._cookie = f"upriver-{port}"
        self.address = f"http://{host}:{port}/?token={self._token}"

    def middleware(self) -> Callable[..., Awaitable[Any]]:
        """What every request goes through."""
        from aiohttp import web

        @web.middleware
        async def checked(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
            origin = request.headers.get("Origin")
            for asked in (request.host, *([] if origin is None else [origin.partition("://")[2]])):
                if asked.lower() not in self._hosts:
                    raise web.HTTPForbidden(text=_STRANGE.format(asked=asked))
            if _equal(request.cookies.get(self._cookie, ""), self._secret):
                answer = await handler(request)
                if not answer.prepared:
                    answer.headers["Content-Security-Policy"] = _POLICY
                return answer
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
