"""JSON Schemas of the header of SQL modules and of ``upriver.toml``, so that editors complete and check them.

Which options and settings there are comes from the tables that read them; an option without its entry here stops the
generation. A schema is as strict as JSON Schema can say without refusing what the reader takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from upriver.assets.declare.options import DIALECTS, MOST_RETRIES, SQL_OPTIONS, VOLATILE
from upriver.assets.declare.partition import TERMS as PARTITION_TERMS
from upriver.assets.declare.retry import MOST_MORE, MOST_TIMES
from upriver.assets.declare.rules import KINDS, OF_COLUMNS, TERMS
from upriver.assets.goals import GOAL_OPTIONS
from upriver.assets.location import SINK_MODES
from upriver.assets.project.alerts import ALERT_SETTINGS, MOST_AN_HOUR, TRANSITIONS
from upriver.assets.project.alerts import KINDS as ALERT_KINDS
from upriver.assets.project.config import (
    BUILD_SETTINGS,
    CONFIG,
    ISOLATIONS,
    MOST_COUNTED,
    SECTIONS,
    WATCH_SETTINGS,
)
from upriver.assets.project.connections import TRUSTS

Fragment: TypeAlias = Mapping[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def _text(description: str, **more: Any) -> Fragment:
    return {"description": description, "type": "string", **more}


def _texts(description: str, **item: Any) -> Fragment:
    """A list, or one alone."""
    one = {"type": "string", **item}
    return {"description": description, "anyOf": [one, {"type": "array", "items": one}]}


def _choice(description: str, *words: str) -> Fragment:
    return {"description": description, "enum": list(words)}


_KEY = r"^\s*[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\s*$"
_DURATION = r"^\s*\d+(\.\d+)?\s*([A-Za-z]+\s*(\d+(\.\d+)?\s*[A-Za-z]+\s*)*)?$"
_TIME = r"^\s*([01]?\d|2[0-3]):[0-5]\d"
_AMOUNT = r"^\s*\d+(\.\d+)?\s*[A-Za-z]*\s*$"


def _quantity(description: str, pattern: str) -> Fragment:
    return {
        "description": description,
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": pattern}],
    }


_FLAG = {"anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}]}
_OPTIONS: Mapping[str, Fragment] = {
    "key": _text("The key, where the path does not give it.", pattern=_KEY),
    "description": _text("What it is, in a sentence."),
    "tags": _texts("Words to select by: tag:marts.", minLength=1),
    "owner": _text("Who answers for it: owner:orchard.", minLength=1),
    "dialect": _choice("The dialect that the query is written in.", *sorted(DIALECTS)),
    "retries": {
        "description": "How often to try again after a failure.",
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": MOST_RETRIES},
            {"type": "string", "pattern": r"^\s*\d{1,9}\s*$"},
        ],
    },
    "backoff": _quantity("The pause before the first retry, such as 10s.", _DURATION),
    "retry": {
        "description": "Rules for failures by kind: memory, timeout, or a pattern of the error.",
        "type": "array",
        "items": {
            "type": "object",
            "required": ["on", "times"],
            "additionalProperties": False,
            "properties": {
                "on": {"type": "string", "minLength": 1},
                "times": {"type": "integer", "minimum": 1, "maximum": MOST_TIMES},
                "backoff": {
                    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _DURATION}]
                },
                "more": {"type": "number", "minimum": 1, "maximum": MOST_MORE},
            },
        },
    },
    "fallback": _text("What readers get when it fails: last, its last good content.", pattern=_KEY),
    "approval": {"description": "A person approves what it is made from before it is made.", **_FLAG},
    "timeout": _quantity("After which an attempt is ended, such as 5m.", _DURATION),
    "memory": _quantity("What an attempt may take, such as 2GB.", _AMOUNT),
    "pool": _text("A name in [pools] of upriver.toml: at most so many of these run at a time.", minLength=1),
    "after": _texts("Keys that must be up to date first although they are not read.", pattern=_KEY),
    "environment": _texts("Environment variables that it reads, and patterns of them.", minLength=1),
    "variables": _texts("Variables of upriver.toml that it reads.", minLength=1),
    "volatile": _choice("When it is stale although nothing that it reads has changed.", *VOLATILE),
    "ordered": {"description": "The order of its rows is part of the result.", **_FLAG},
    "fresh_within": _quantity("Goal: what it has taken in was current at most so long ago, 15m.", _DURATION),
    "every": {
        "description": "Goal: it verifies after each tick, of an interval (15m) or of cron (0 6 * * *).",
        "anyOf": [{"type": "number", "minimum": 1}, {"type": "string", "minLength": 1}],
    },
    "by": _text(
        "Goal: it verifies at this time of day, 08:00 Europe/Berlin.", pattern=_TIME + r"(\s+\S+)?\s*$"
    ),
    "zone": _text("The time zone of every and by: Europe/Berlin.", minLength=1),
    "within": _quantity("How long after its tick an every may take, 1h.", _DURATION),
    "on": _texts("The days of by: workdays, workdays DE, mon, 2026-12-24.", minLength=1),
    "since": _text("The time of day from which observations count for by.", pattern=_TIME + r"\s*$"),
    "observe_every": _quantity("How often the sources of a goal are looked at.", _DURATION),
    "columns": {
        "description": "Its columns by name: their types, what they mean, and checks of each.",
        "type": "object",
        "additionalProperties": {
            "anyOf": [
                {"type": ["string", "null"]},
                {"type": "object", "propertyNames": {"enum": list(OF_COLUMNS)}},
            ]
        },
    },
    "checks": {
        "description": "What has to hold of its rows before they are published.",
        "type": "array",
        "items": {"type": "object", "propertyNames": {"enum": [*KINDS, *TERMS]}},
    },
    "partition": {
        "description": "How its rows are cut into slices: by a time, by values, or (a list) by several.",
        "anyOf": [
            {"type": "object", "propertyNames": {"enum": list(PARTITION_TERMS)}, "required": ["by"]},
            {"type": "array", "items": {"type": "object", "propertyNames": {"enum": list(PARTITION_TERMS)}}},
        ],
    },
    "sink": {
        "description": "The table of another system that it is written to.",
        "type": "object",
        "required": ["connection", "table"],
        "additionalProperties": False,
        "properties": {
            "connection": _text("The name of a connection in upriver.toml.", minLength=1),
            "table": _text("The table there.", minLength=1),
            "mode": _choice("How rows are written.", *SINK_MODES),
            "key": _texts("The columns that tell rows apart, of an upsert."),
            "verify": {
                "description": "Whether others' edits of the table are looked for.",
                "type": "boolean",
            },
        },
    },
    "contract": _choice("Whether it may have columns that are not in `columns`.", "open", "closed"),
}


def header_schema() -> Fragment:
    """The schema of the options between ``/* upriver:`` and ``*/``."""
    return {
        "$schema": _DRAFT,
        "title": "Header of an SQL asset of Upriver",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _or_nothing(_OPTIONS[name]) for name in SQL_OPTIONS},
    }


def _or_nothing(fragment: Fragment) -> Fragment:
    """An option without a value is as if it were not given."""
    described = {"description": fragment["description"]}
    rest = {name: value for name, value in fragment.items() if name != "description"}
    return {**described, "anyOf": [*(rest["anyOf"] if [*rest] == ["anyOf"] else [rest]), {"type": "null"}]}


_SCALAR: Fragment = {"type": ["string", "number", "boolean"]}
_NAME = {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
_LABEL = {"pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"}
_COUNT: Fragment = {"type": "integer", "minimum": 1, "maximum": MOST_COUNTED}


def _table(description: str, names: Fragment, values: Fragment) -> Fragment:
    return {
        "description": description,
        "type": "object",
        "propertyNames": names,
        "additionalProperties": values,
    }


def _settings(description: str, **settings: Fragment) -> Fragment:
    return {
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "properties": settings,
    }


_VARIABLES = _table("What recipes read by name; getvariable('name') in SQL.", _NAME, _SCALAR)
_BUILD: Mapping[str, Fragment] = {
    "jobs": {"description": "How many assets are built at a time.", **_COUNT},
    "memory": _quantity("What a build may take, such as 8GB.", _AMOUNT),
    "batch": {"description": "How many slices of a partitioned asset one query makes at most.", **_COUNT},
    "isolation": _choice("Whether the kernel holds recipes to what they may read.", *ISOLATIONS),
    "allow_read": {
        "description": "Files and folders outside of the project that every Python recipe may read.",
        "type": "array",
        "items": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "required": ["path"],
                    "additionalProperties": False,
                    "properties": {"path": {"type": "string"}, "stat": {"type": "boolean"}},
                },
            ]
        },
    },
}
_GOALS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {name: _OPTIONS[name] for name in GOAL_OPTIONS},
}
_WATCH: Mapping[str, Fragment] = {
    "zone": _text("The time zone of goals that name none.", minLength=1),
    "calendar": _text(
        "The country of workdays: DE, DE-BY.", pattern=r"^\s*[A-Za-z]{2}(-[A-Za-z0-9]{1,5})?\s*$"
    ),
    "at_most": {"description": "So many assets made stale by one edit are built without asking.", **_COUNT},
    "poll": _quantity("Seconds between two looks where the system does not report changes.", _DURATION),
}
_ALERT: Mapping[str, Fragment] = {
    "to": _texts(
        "Addresses of apprise; what is secret in them as {NAME}.", pattern=r"^\s*[A-Za-z][A-Za-z0-9+.-]*://"
    ),
    "command": {
        "description": "A program and its arguments; the message is JSON on its input.",
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "minLength": 1},
    },
    "when": _texts("Transitions and kinds that are told.", enum=[*TRANSITIONS, *ALERT_KINDS]),
    "owner": _texts("Whose assets.", minLength=1),
    "tag": _texts("Assets with which tags.", minLength=1),
    "environment": _texts("In which environments.", minLength=1),
    "quiet": _text("Hours in which nothing is sent: 22:00-07:00 Europe/Berlin.", pattern=_TIME),
    "group": _quantity("How long messages are collected to be sent as one.", _DURATION),
    "rate": {
        "description": "How many an hour at most.",
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_AN_HOUR,
    },
}
_SECRET: Fragment = {
    "type": "object",
    "required": ["secret"],
    "additionalProperties": False,
    "properties": {"secret": _text("The name of a secret.", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")},
}
_SECTIONS: Mapping[str, Fragment] = {
    "project": _settings("The project itself.", name=_text("Its name.", minLength=1)),
    "variables": _VARIABLES,
    "pools": _table("How many assets of a pool run at a time.", _LABEL, _COUNT),
    "build": _settings("How builds run.", **{name: _BUILD[name] for name in BUILD_SETTINGS}),
    "secrets": _table(
        "Files that hold secrets, by the secret's name.", _NAME, {"type": "string", "minLength": 1}
    ),
    "environments": _table(
        "What differs in an environment.",
        _LABEL,
        _settings("One environment.", variables=_VARIABLES),
    ),
    "goals": _table("What is due when, by selector; the last that fits wins.", {"minLength": 1}, _GOALS),
    "connections": _table(
        "The systems that sources are read from and tables are written to.",
        _NAME,
        {
            "type": "object",
            "required": ["url"],
            "properties": {
                "url": {
                    "anyOf": [_text("An address: postgresql://user@host/database.", minLength=1), _SECRET]
                },
                "observe_every": _quantity(
                    "How old an observation may be to count as the present one.", _DURATION
                ),
                "trust": _choice(
                    "Whether sources are hashed each time, or when a hint tells of a change.", *TRUSTS
                ),
            },
            "additionalProperties": {"anyOf": [_SCALAR, _SECRET]},
        },
    ),
    "watch": _settings("How goals are kept.", **{name: _WATCH[name] for name in WATCH_SETTINGS}),
    "alerts": {
        "description": "Who is told of which incidents.",
        "type": "array",
        "items": _settings("One way to tell.", **{name: _ALERT[name] for name in ALERT_SETTINGS}),
    },
}


def config_schema() -> Fragment:
    """The schema of ``upriver.toml``."""
    return {
        "$schema": _DRAFT,
        "title": f"{CONFIG}, the settings of a project of Upriver",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _SECTIONS[name] for name in SECTIONS},
    }
