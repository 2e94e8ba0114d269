"""Declared goals of each asset of a project: its own, and those of ``[goals]`` for the kinds that it leaves out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec

from upriver.assets.errors import Diagnosis, UsageError
from upriver.assets.goals import WORKDAYS, in_words, kind_of, read_zone, span
from upriver.assets.model import Asset, By, Every, FreshWithin, Goal, Key, Place, Value
from upriver.assets.project.config import CONFIG, Watching
from upriver.lineage.project.project import Project
from upriver.materializer.automation.model import DeclaredGoal
from upriver.materializer.automation.ticks import works_on
from upriver.materializer.selection import Scope, parse_select, select


class Goals(Value, frozen=True):
    """The goals of a project, in the order of its graph, and what is wrong with their declarations."""

    goals: tuple[DeclaredGoal, ...]
    diagnoses: tuple[Diagnosis, ...] = ()

    @property
    def keys(self) -> frozenset[Key]:
        """The assets that have one."""
        return frozenset(one.asset for one in self.goals)


def goals_of(project: Project, zone: str) -> Goals:
    """The goals of *project*. *zone* is that of goals for which neither they nor ``[watch]`` name one.

    A broken asset keeps the goals that it was last declared with.
    """
    problems: list[Diagnosis] = []
    declared: dict[Key, Asset] = dict(project.assets)
    for key, broken in project.broken.items():
        if isinstance(broken.declared, Asset):
            declared[key] = broken.declared
    chosen: dict[Key, dict[str, Goal]] = {}
    for rule in project.config.goals:
        for key in _selected(project, rule.select, rule.line, problems):
            chosen.setdefault(key, {}).update({kind_of(goal): goal for goal in rule.goals})
    watching = project.config.watch
    found = []
    for key in project.graph.order:
        if (asset := declared.get(key)) is None:
            continue
        goals = chosen.get(key, {}) | {kind_of(goal): goal for goal in asset.goals}
        for kind, goal in goals.items():
            filled = _filled(goal, watching, zone)
            place = asset.place if goal in asset.goals else Place(CONFIG)
            if problem := _problem(key, kind, filled, place):
                problems.append(problem)
            else:
                found.append(DeclaredGoal(key, filled, f"{key}/{kind}", kind, in_words(goal)))
    return Goals(tuple(found), tuple(dict.fromkeys(problems)))


def _selected(project: Project, text: str, line: int, problems: list[Diagnosis]) -> frozenset[Key]:
    place = Place(CONFIG, line)
    try:
        if any(part.field in ("state", "col") for term in parse_select([text]) for part in term.parts):
            message = (
                f"goals of {text!r}: a goal can't depend on what is built; select by key, tag, owner or kind"
            )
            problems.append(Diagnosis("bad-goal", message, place))
            return frozenset()
        scope = Scope(project.graph, project.assets, project.sources, dict, dict, project.broken)
        return select([text], scope)
    except UsageError as error:
        problems.append(Diagnosis("bad-goal", f"goals of {text!r}: {error}", place))
        return frozenset()


def _filled(goal: Goal, watching: Watching, zone: str) -> Goal:
    match goal:
        case Every():
            return msgspec.structs.replace(goal, zone=goal.zone or watching.zone or zone)
        case By():
            days = tuple(
                f"{WORKDAYS} {watching.calendar}" if one == WORKDAYS and watching.calendar else one
                for one in goal.on
            )
            return msgspec.structs.replace(goal, zone=goal.zone or watching.zone or zone, on=days)
        case FreshWithin():
            return goal


def _problem(key: Key, kind: str, goal: Goal, place: Place) -> Diagnosis | None:
    """What is wrong with a goal as a whole. One that only wastes is told as well; it is left out, for it can't hold."""
    if isinstance(goal, FreshWithin) and goal.observe_every is not None and goal.observe_every > goal.seconds:
        message = (
            f"{key}: fresh_within {span(goal.seconds)} can't hold, when sources are looked at every "
            f"{span(goal.observe_every)}"
        )
        return Diagnosis(
            "bad-goal", message, place, hint="make observe_every shorter, or leave it out", key=key
        )
    if isinstance(goal, By):
        for one in goal.on:
            country = one.partition(" ")[2]
            if country:
                try:
                    works_on(country, date(2024, 1, 1))
                except ValueError as error:
                    return Diagnosis("bad-goal", f"{key}: {kind}: {error}", place, key=key)
    return None


def machine_zone(environ: Mapping[str, str] = os.environ, link: Path = Path("/etc/localtime")) -> str:
    """The name of the machine's time zone: that of ``TZ``, or of the file that ``/etc/localtime`` leads to, or UTC."""
    candidates = [environ.get("TZ", "").removeprefix(":")]
    try:
        candidates.append(str(link.readlink()).partition("zoneinfo/")[2])
    except OSError:
        candidates.append("")  # no link: a copy, or another system
    for name in candidates:
        if name:
            try:
                return read_zone(name)
            except ValueError:
                continue  # a rule such as CET-1CEST has no name
    return "UTC"
