"""``upriver goals``: what is on time, due, at risk or overdue, and why; pausing and resuming."""

from __future__ import annotations

import re
from datetime import datetime

from upriver.tui.cli.arguments import Parser, WrongUsage, add_environment, add_json, seconds
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Shows how each goal stands, the late ones first: when it is due, when it will be done by what builds took "
        "so far, how long ago its content was last seen to be current, and what it waits for."
    )
    parser.examples = (
        ("upriver goals", "all goals"),
        ("upriver goals tag:daily", "those of some assets"),
        ("upriver goals --check", "exit code 3 when one is overdue"),
        ("upriver goals pause marts.prices --until 2h", "let `upriver watch` leave it alone for two hours"),
        ("upriver goals resume marts.prices", "go on"),
    )
    parser.add_argument(
        "words", metavar="[pause|resume] SELECT", nargs="*", default=[], help="which assets; default: all"
    )
    parser.add_argument(
        "--until", metavar="WHEN", help="of pause: a moment (2026-12-24T08:00) or a length of time (2h)"
    )
    parser.add_argument("--check", action="store_true", help="exit with 3 when a goal is overdue")
    add_environment(parser)
    add_json(parser)


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.materializer.automation.model import GoalState
    from upriver.tui.cli.failure import DONE, STALE
    from upriver.tui.present.json import goals as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.diagnoses import diagnoses_lines
    from upriver.tui.present.text.goals import goal_lines

    options = invocation.options
    if options.words[:1] in (["pause"], ["resume"]):
        return _pause(invocation, options.words[0], options.words[1:])
    if options.until is not None:
        raise WrongUsage("--until belongs to `upriver goals pause`")
    report = invocation.session.goals(options.words)
    if report.diagnoses:
        invocation.err.write(*diagnoses_lines(report.diagnoses))
    if invocation.json:
        write_json(invocation.out, json_output.goals(report))
    else:
        invocation.out.write(*goal_lines(report.goals, invocation.out.page, now=invocation.clock()))
    late = options.check and any(goal.state is GoalState.OVERDUE for goal in report.goals)
    return STALE if late else DONE


def _pause(invocation: Invocation, action: str, select: list[str]) -> int:
    from upriver.tui.cli.failure import DONE
    from upriver.tui.present.json import goals as json_output
    from upriver.tui.present.json.values import write_json
    from upriver.tui.present.text.goals import paused_lines

    if not select:
        raise WrongUsage(f"{action} what?", f"`upriver goals {action} marts.prices`; `'*'` is all")
    now, until = invocation.clock(), None
    if action == "pause":
        until = _until(invocation.options.until, now)
        keys = invocation.session.pause_goals(select, until=until)
    elif invocation.options.until is not None:
        raise WrongUsage("--until belongs to `upriver goals pause`")
    else:
        keys = invocation.session.pause_goals(select, resume=True)
    if invocation.json:
        write_json(invocation.out, json_output.goals_paused(keys, until))
    else:
        invocation.out.write(*paused_lines(keys, until, now, resumed=action == "resume"))
    return DONE


def _until(text: str | None, now: float) -> float | None:
    if text is None:
        return None
    if re.fullmatch(r"\d+(\.\d+)?[smhdw]", text):
        return now + seconds(text)
    try:
        until = datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        raise WrongUsage(
            f"--until: {text!r} is neither a moment nor a length of time", "write 2026-12-24T08:00 or 2h"
        ) from None
    if until <= now:
        raise WrongUsage(f"--until: {text} is over already")
    return until
