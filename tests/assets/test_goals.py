"""Goals as they are written are read alike in a header, in ``@asset`` and under ``[goals]``; what is wrong has its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.assets import asset
from upriver.assets.errors import DeclarationError
from upriver.assets.goals import in_words, read_goals, span
from upriver.assets.loading.sql_module import parse_sql_module
from upriver.assets.model import Asset, By, Every, FreshWithin, Goal
from upriver.assets.project.config import read_config

RIGHT: list[tuple[dict[str, str], tuple[Goal, ...], str]] = [
    ({"fresh_within": "15m"}, (FreshWithin(900),), "fresh within 15m"),
    ({"fresh_within": "1d", "observe_every": "10m"}, (FreshWithin(86400, 600),), "fresh within 1d"),
    ({"every": "15m"}, (Every(interval=900),), "every 15m"),
    (
        {"every": "0 6 * * *", "zone": "Europe/Berlin", "within": "1h30m"},
        (Every("0 6 * * *", zone="Europe/Berlin", within=5400),),
        "0 6 * * * Europe/Berlin within 1h30m",
    ),
    ({"by": "08:00 Europe/Berlin"}, (By(480, "Europe/Berlin"),), "by 08:00 Europe/Berlin"),
    (
        {"by": "8:00", "on": "workdays de-by", "since": "05:30"},
        (By(480, None, ("workdays DE-BY",), 330),),
        "by 08:00 on workdays DE-BY since 05:30",
    ),
    ({"by": "23:59", "on": "Monday", "zone": "UTC"}, (By(1439, "UTC", ("mon",)),), "by 23:59 UTC on mon"),
]

WRONG = [
    ({"every": "61 6 * * *"}, "every", "is not cron"),
    ({"every": "0 6 * *"}, "every", "has 4 fields"),
    ({"every": "0 0 31 2 *"}, "every", "is not cron: bad day-of-month"),
    ({"every": "@daily"}, "every", "has 1 fields"),
    ({"every": "2d"}, "every", "longer than a day"),
    ({"every": "0s"}, "every", "too short"),
    ({"every": "soon"}, "every", "write an interval such as '15m'"),
    ({"every": "15m", "zone": "Europe/Berln"}, "zone", "did you mean 'Europe/Berlin'?"),
    ({"every": "15m", "zone": "../etc"}, "zone", "no time zone"),
    ({"zone": "UTC"}, "zone", "says nothing without 'every' or 'by'"),
    ({"fresh_within": "1h", "within": "5m"}, "within", "says nothing without 'every'"),
    ({"by": "25:00"}, "by", "a time of day"),
    ({"by": "08:00", "since": "09:00"}, "since", "nothing can be observed since 09:00"),
    ({"by": "00:00"}, "by", "nothing can be observed since 00:00"),
    ({"by": "08:00 UTC", "zone": "Europe/Berlin"}, "zone", "by names the zone UTC"),
    ({"by": "08:00", "on": "workday"}, "on", "did you mean 'workdays'?"),
    ({"by": "08:00", "on": "2026-02-30"}, "on", "there is no day"),
    ({"observe_every": "5m"}, "observe_every", "says nothing without"),
]


@pytest.mark.parametrize(("written", "goals", "words"), RIGHT)
def test_a_goal_is_read_as_it_is_meant(written: dict[str, str], goals: tuple[Goal, ...], words: str) -> None:
    """Each form gives its value, and the value one line that says the same."""
    assert read_goals(written) == (goals, [])
    assert in_words(goals[0]) == words


@pytest.mark.parametrize(("written", "option", "message"), WRONG)
def test_a_wrong_goal_is_told_at_its_option(written: dict[str, str], option: str, message: str) -> None:
    """No goal comes of it, and the sentence names what is wrong."""
    goals, problems = read_goals(written)
    assert goals == ()
    assert any(name == option and message in f"{text} {hint}" for name, text, hint in problems), problems


def test_a_header_and_a_decorator_declare_alike() -> None:
    """The same options give the same goals in SQL and in Python."""
    text = "/* upriver:\nfresh_within: 15m\nby: 08:00 Europe/Berlin\non: [mon, 2026-12-24]\n*/\nselect 1 as a"
    found = parse_sql_module("assets/a.sql", text)
    assert isinstance(found, Asset)

    @asset(fresh_within="15m", by="08:00 Europe/Berlin", on=["mon", "2026-12-24"])
    def a() -> None: ...

    assert found.goals == a.options.goals
    assert [type(goal) for goal in found.goals] == [FreshWithin, By]


def test_a_wrong_goal_in_a_header_has_its_place() -> None:
    """Line and column are those of the value."""
    found = parse_sql_module("assets/a.sql", "/* upriver:\nevery: 0 25 * * *\n*/\nselect 1 as a")
    assert isinstance(found, tuple)
    assert str(found[0].place) == "assets/a.sql:2:8"
    assert "is not cron" in found[0].message


def test_a_wrong_goal_in_a_decorator_refuses_the_declaration() -> None:
    """As every other wrong option does."""
    with pytest.raises(DeclarationError, match="is longer than a day"):

        @asset(every="3d")
        def a() -> None: ...


def test_the_project_declares_goals_by_selector(tmp_path: Path) -> None:
    """[goals] keeps its order, and what is wrong in it is told at its line."""
    (tmp_path / "upriver.toml").write_text(
        '[goals]\n"marts.*" = { fresh_within = "1h" }\n"tag:daily" = { every = "0 6 * * *" }\n'
        '[goals."raw.x"]\nevry = "5m"\n[watch]\nat_most = 0\nzone = "Europe/Berlin"\n'
    )
    config, problems = read_config(tmp_path)
    assert [(rule.select, rule.goals) for rule in config.goals] == [
        ("marts.*", (FreshWithin(3600),)),
        ("tag:daily", (Every("0 6 * * *"),)),
        ("raw.x", ()),
    ]
    assert config.watch.zone == "Europe/Berlin"
    assert {(str(one.place), one.hint) for one in problems} >= {("upriver.toml:5", "did you mean 'every'?")}
    assert any("at_most" in one.message for one in problems)


@pytest.mark.parametrize("seconds", [1, 59, 60, 61, 3600, 5400, 86_400, 90_061, 0.5])
def test_a_span_is_written_as_it_is_read(seconds: float) -> None:
    """What is shown can be declared."""
    assert read_goals({"fresh_within": span(seconds)})[0] == ((FreshWithin(seconds),) if seconds >= 1 else ())
