"""``[connections.NAME]``: the systems that sources are read from and tables are written to.

What is secret is named, ``password = {secret = "SHOP_PASSWORD"}``, and revealed when it is used; see
:mod:`upriver.assets.declare.secret` for where its value is looked up.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from upriver.assets.support.quantities import expected, parse_duration
from upriver.assets.value import Value

_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*", re.ASCII)
_TELLING = re.compile(r"pass(word|wd)?|token|secret|api_?key|private_?key|credential", re.IGNORECASE)
DATABASES = ("sqlite", "duckdb")
"""Schemes of databases that are files: they are looked at as files are."""
TRUSTS = ("content", "hint")
"""What ``trust`` of a connection may be: hashed each time, or only when a hint of the system tells of a change."""


class Connection(Value, frozen=True):
    """One system. *url* is empty where it is a secret as a whole, named ``url`` in *secrets*.

    *settings* are what its connector understands beside the url, *secrets* the names of the secret ones.
    *observe_every* is how old an observation of a source may be to count as the present one, for those that say
    nothing else; *trust* is one of :data:`TRUSTS`.
    """

    name: str
    url: str = ""
    settings: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}
    observe_every: float | None = None
    trust: str = "content"
    line: int = 1

    @property
    def database(self) -> str:
        """The path of the SQLite or DuckDB file that it is, relative to the project; empty for everything else."""
        return database_of(self.url) if self.scheme in DATABASES else ""

    @property
    def scheme(self) -> str:
        """The kind of the system, ``postgresql``; empty where the url is a secret."""
        return self.url.partition(":")[0].lower()


def database_of(url: str) -> str:
    """The path in the *url* of a database file: three slashes for one in the project, four for one of the machine."""
    path = url.partition(":")[2]
    return posixpath.normpath(path[3:] if path.startswith("///") else path)


def read_connection(
    name: str, given: Mapping[str, object], line: int
) -> tuple[Connection | None, list[tuple[str, str]]]:
    """The connection *name* as *given*, and what is wrong with it, each as a setting and a sentence."""
    problems: list[tuple[str, str]] = []
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    every: float | None = None
    trust = "content"
    for setting, value in given.items():
        try:
            if setting == "observe_every":
                every = parse_duration(value)
            elif setting == "trust":
                trust = _trust(value)
            elif isinstance(value, Mapping):
                secrets[setting] = _secret(setting, value)
            else:
                settings[setting] = _setting(setting, value)
        except ValueError as error:
            problems.append((setting, str(error)))
    url = settings.pop("url", "")
    if not url and "url" not in secrets and not any(setting == "url" for setting, _ in problems):
        problems.append(("", 'it has no url, such as "postgresql://user@host/database"'))
    if problems:
        return None, problems
    return Connection(name, url, settings, secrets, every, trust, line), problems


def _setting(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        raise expected('text, a number, or { secret = "NAME" },', value)
    if _TELLING.search(name):
        # The value is not shown: it is the secret.
        raise ValueError(
            f'{name} would be readable to everybody who sees the project: {name} = {{ secret = "NAME" }}'
        )
    return _url(value) if name == "url" else value


def _url(value: str) -> str:
    if not value.isprintable() or not _SCHEME.fullmatch(value.partition(":")[0]) or ":" not in value:
        raise ValueError('url: an address such as "postgresql://user@host/database" is expected')
    try:
        parts = urlsplit(value)
        told = bool(parts.password) or any(
            _TELLING.search(one.partition("=")[0]) for one in parts.query.split("&")
        )
    except ValueError:
        raise ValueError("url: it can't be taken apart; is an address in brackets not closed?") from None
    if told:
        raise ValueError(
            "url: it holds a password, readable to everybody who sees the project: take it out, and say password = "
            '{ secret = "NAME" }'
        )
    return value


def _secret(setting: str, value: Mapping[str, object]) -> str:
    name = value.get("secret")
    if set(value) != {"secret"} or not isinstance(name, str) or not _SECRET.fullmatch(name):
        raise ValueError(f'{setting}: {{ secret = "NAME" }} is expected, with the name of a secret')
    return name


def _trust(value: object) -> str:
    if value not in TRUSTS:
        raise expected(" or ".join(f'"{one}"' for one in TRUSTS) + " for trust", value)
    return str(value)
