"""Opening a connection: finds its connector, reveals its secrets, and hides them in whatever its driver says."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, unquote, urlsplit

from upriver.assets.declare.secret import Secret
from upriver.assets.errors import UpriverError, UsageError, did_you_mean
from upriver.assets.project.connections import Connection
from upriver.assets.support.redaction import revealed
from upriver.materializer.ports.system import Address, NotInstalled, System, SystemFault

GROUP = "upriver.connectors"
"""The group of entry points by which third parties offer connectors, each named by the scheme of its urls."""

Connect: TypeAlias = Callable[[Address], System]

_HERE = "upriver.materializer.sources.systems"
CONNECTORS: Mapping[str, str] = {
    "postgresql": f"{_HERE}.postgres:connect",
    "postgres": f"{_HERE}.postgres:connect",
    "delta": f"{_HERE}.lakes:connect_delta",
    "delta+s3": f"{_HERE}.lakes:connect_delta",
    "delta+gs": f"{_HERE}.lakes:connect_delta",
    "delta+az": f"{_HERE}.lakes:connect_delta",
    "iceberg+sqlite": f"{_HERE}.lakes:connect_iceberg",
    "iceberg+postgresql": f"{_HERE}.lakes:connect_iceberg",
    "iceberg+http": f"{_HERE}.lakes:connect_iceberg",
    "iceberg+https": f"{_HERE}.lakes:connect_iceberg",
    "s3": f"{_HERE}.object_stores:connect",
    "gs": f"{_HERE}.object_stores:connect",
    "az": f"{_HERE}.object_stores:connect",
    "http": f"{_HERE}.object_stores:connect",
    "https": f"{_HERE}.object_stores:connect",
    "sqlite": f"{_HERE}.database_files:connect",
    "duckdb": f"{_HERE}.database_files:connect",
}
"""Where the connectors lie that come with Upriver, by the scheme of their urls. They are imported when used."""


@contextmanager
def opened(connection: Connection, root: Path) -> Iterator[System]:
    """The system behind *connection* of the project at *root*, left at the end of the block.

    Raises SystemFault, NotInstalled, UsageError for an unknown scheme, AssetError for a secret that is not set.
    """
    address = _address(connection, root)
    with faults_of(connection.name):
        system = _connector(connection.name, address.url.partition(":")[0].lower())(address)
    try:
        with faults_of(connection.name):
            yield system
    finally:
        with faults_of(connection.name):
            system.close()


@contextmanager
def faults_of(name: str) -> Iterator[None]:
    """Whatever a driver raises is a fault of the connection *name*, told without secrets."""
    try:
        yield
    except UpriverError as error:
        if revealed.finds(str(error)):
            raise SystemFault(revealed.hide(str(error))) from None
        raise
    except Exception as error:  # noqa: BLE001 -- each driver has errors of its own
        # Without the cause: the driver's error may carry what is secret.
        raise SystemFault(f"connection {name}: {revealed.hide(said(error))}") from None


def said(error: BaseException) -> str:
    """What *error* says, on one line as far as that goes."""
    return " ".join(str(error).split()) or type(error).__name__


def require(module: str, extra: str, what: str) -> None:
    """Import *module*. Raises NotInstalled, which says how to install it."""
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise NotInstalled(
            f"{what} needs {module.partition('.')[0]}, which can't be imported ({error})\n"
            f"  hint: pip install 'upriver[{extra}]'"
        ) from error


def unknown_settings(address: Address, known: tuple[str, ...]) -> None:
    """Raise UsageError for a setting that the connector does not understand."""
    for name in address.settings:
        if name not in known:
            hint = did_you_mean(name, known) or "possible are url, observe_every, trust, " + ", ".join(known)
            raise UsageError(f"connection {address.name} has no setting {name!r}; {hint}")


def _address(connection: Connection, root: Path) -> Address:
    settings = dict(connection.settings)
    for setting, name in connection.secrets.items():
        settings[setting] = Secret(name, str(root)).reveal()
    url = settings.pop("url", "") if "url" in connection.secrets else connection.url
    if "url" in connection.secrets:
        _hide_password(connection.secrets["url"], url)
    return Address(connection.name, url, settings, root, connection.trust == "hint")


def _hide_password(name: str, url: str) -> None:
    """A url that is secret as a whole is shown by drivers in parts."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return
    for one in (password, unquote(password)) if password else ():
        revealed.add(name, one)


def with_password(url: str, password: str) -> str:
    """*url* with the *password* of the user that it names."""
    head, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    return f"{head}://{user.partition(':')[0]}:{quote(password, safe='')}@{host if at else authority}{slash}{path}"


def _connector(name: str, scheme: str) -> Connect:
    if scheme in CONNECTORS:
        module, _, attribute = CONNECTORS[scheme].partition(":")
        found: Connect = getattr(importlib.import_module(module), attribute)
        return found
    from importlib.metadata import (
        entry_points,  # as large as all that a build with nothing to do imports from sources
    )

    offered = {one.name: one for one in entry_points(group=GROUP)}
    if scheme in offered:
        third: Connect = offered[scheme].load()
        return third
    known = sorted({*CONNECTORS, *offered})
    raise UsageError(
        f"connection {name}: nothing here connects to {scheme}://; "
        + (did_you_mean(scheme, known) or "possible are " + ", ".join(known))
    )
