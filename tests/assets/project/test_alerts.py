"""``[[alerts]]``: what is read, and what is said of what is wrong, with its line and without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.assets.project.alerts import Alert, Quiet
from upriver.assets.project.config import read_config


def alerts(root: Path, text: str) -> tuple[tuple[Alert, ...], list[tuple[int, str]]]:
    """The alerts of a file, and what is wrong with it, by line."""
    (root / "upriver.toml").write_text(text)
    config, problems = read_config(root)
    return config.alerts, [(one.place.line if one.place else 0, one.message) for one in problems]


def test_alerts_are_read_in_full(tmp_path: Path) -> None:
    """One value for each entry."""
    found, problems = alerts(
        tmp_path,
        '[[alerts]]\nto = "mailto://{USER}:{PASSWORD}@example.com"\nwhen = ["opened", "failed", "overdue"]\n'
        'owner = "eng"\ntag = ["a", "b"]\nenvironment = "prod"\nquiet = "22:00-07:00 Europe/Berlin"\ngroup = "5m"\nrate = 10\n'
        '[[alerts]]\ncommand = ["./page.sh", "x"]\n',
    )
    assert problems == []
    assert found == (
        Alert(
            ("mailto://{USER}:{PASSWORD}@example.com",),
            (),
            ("opened",),
            ("failed", "overdue"),
            ("eng",),
            ("a", "b"),
            ("prod",),
            Quiet(22 * 60, 7 * 60, "Europe/Berlin"),
            300.0,
            10,
        ),
        Alert(command=("./page.sh", "x")),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('wen = "opened"', "did you mean"),
        ('when = "openend"', "did you mean"),
        ('quiet = "late"', "hours such as"),
        ("rate = 0", "how many an hour"),
        ('group = "soon"', "alerts.group"),
        ('command = "page.sh"', "a program and its arguments"),
        ('to = "me"', "an address of apprise"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    """Of the entry that it stands in, not of the first one."""
    _, problems = alerts(tmp_path, f'[[alerts]]\ncommand = ["a"]\nrate = 3\n\n[[alerts]]\n{line}\nto = "json://h"\n'
                         if not line.startswith("to") else f'[[alerts]]\nto = "json://h"\n\n\n[[alerts]]\n{line}\n')  # fmt: skip
    assert problems[0][0] == 6
    assert said in problems[0][1]


def test_an_address_is_never_shown(tmp_path: Path) -> None:
    """It may hold what is secret, also where it is wrong."""
    _, problems = alerts(tmp_path, '[[alerts]]\nto = ["hunter22@nowhere"]\n')
    assert "hunter22" not in problems[0][1]


def test_alerts_that_tell_nobody(tmp_path: Path) -> None:
    """Are wrong, and so is a plain table."""
    assert "tells nobody" in alerts(tmp_path, "[[alerts]]\nrate = 1\n")[1][0][1]
    assert "list of tables" in alerts(tmp_path, "[alerts]\nrate = 1\n")[1][0][1]
