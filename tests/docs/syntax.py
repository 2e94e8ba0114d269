"""The syntax of blocks that can't be run here: those that need a container engine, a cluster or another system."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import sqlglot
import yaml
from cronsim import CronSim
from tests.docs.pages import Block

from upriver.tui.cli.arguments import COMMANDS
from upriver.tui.cli.registry import load_command, parser_of

_UPRIVER = re.compile(r"(?:^|[\s&|;(\"'/])upriver((?: +[^\n&|;)>\"]+)?)")
_INSTRUCTION = re.compile(r"(?:FROM|RUN|COPY|WORKDIR|USER|ENV|ENTRYPOINT|CMD|VOLUME|EXPOSE|ARG|LABEL)\s")


def check_syntax(block: Block) -> None:
    """Raise an exception where *block* is not what it says that it is."""
    if block.language in _CHECKS:
        _CHECKS[block.language](block)


def check_words(words: str) -> None:
    """Raise an exception where a command line names a command or an option of Upriver that is not there."""
    for found in _UPRIVER.finditer(words):
        arguments = shlex.split(found[1], comments=True)
        while arguments[:1] in (["-C"], ["--color"]):
            arguments = arguments[2:]
        if not arguments or arguments[0].startswith("-") or arguments[0] == "help":
            continue
        assert arguments[0] in COMMANDS, f"there is no command {arguments[0]}"
        if "--help" not in arguments:
            parser_of(arguments[0], load_command(arguments[0])).parse(arguments[1:])


def _shell(text: str) -> None:
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def _console(block: Block) -> None:
    for command in block.commands:
        _shell(command.words)
        check_words(command.words)


def _script(block: Block) -> None:
    _shell(block.text)
    for line in block.text.splitlines():
        check_words(line)


def _yaml(block: Block) -> None:
    for document in yaml.safe_load_all(block.text):
        assert document is not None
        for text in _texts(document):
            for line in text.splitlines():
                if line.strip().startswith("upriver "):
                    check_words(line.strip())
        if isinstance(document, dict) and "apiVersion" in document:
            assert {"kind", "metadata", "spec"} <= set(document)


def _texts(document: object) -> Iterator[str]:
    match document:
        case str():
            yield document
        case dict():
            for value in document.values():
                yield from _texts(value)
        case list() if document and all(isinstance(one, str) for one in document):
            yield shlex.join(document)
        case list():
            for value in document:
                yield from _texts(value)


def _ini(block: Block) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(block.text)
    assert unit.sections()
    for section in unit.sections():
        check_words(unit[section].get("ExecStart", ""))


def _cron(block: Block) -> None:
    for line in block.text.splitlines():
        if not line.startswith("#") and "=" not in line.split()[0]:
            *ticks, words = line.split(maxsplit=5)
            next(CronSim(" ".join(ticks), datetime(2026, 1, 1, tzinfo=UTC)))
            _shell(words)
            check_words(words)


def _dockerfile(block: Block) -> None:
    for line in re.sub(r"\\\n", " ", block.text).splitlines():
        assert not line or line.startswith("#") or _INSTRUCTION.match(line), line
        if line.startswith("RUN "):
            _shell(line.removeprefix("RUN "))
        for words in re.findall(r"^(?:CMD|ENTRYPOINT) (\[.*\])$", line):
            check_words(shlex.join(json.loads(words)))


def _sql(block: Block) -> None:
    assert sqlglot.parse(block.text, read="duckdb")


_CHECKS: dict[str, Callable[[Block], object]] = {
    "console": _console,
    "sh": _script,
    "bash": _script,
    "yaml": _yaml,
    "toml": lambda block: tomllib.loads(block.text),
    "json": lambda block: json.loads(block.text),
    "ini": _ini,
    "cron": _cron,
    "dockerfile": _dockerfile,
    "sql": _sql,
    "python": lambda block: compile(block.text, "page", "exec"),
}
