"""Shell completion: the scripts, and the hidden ``upriver __complete WORDS…`` that they ask.

The last of WORDS is the one being typed, as far as it goes. The answer is one candidate a line, a tab, and
what it means. A candidate that ends in ``.``, ``:``, ``=`` or ``/`` goes on; the scripts put no
blank after it. Whatever goes wrong, completion is silent: an error message in the middle of a prompt is of no
use.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from upriver.tui.cli.arguments import COMMANDS, Parser
from upriver.tui.cli.registry import load_command, parser_of
from upriver.tui.present.console import Console
from upriver.tui.present.spans import shown

if TYPE_CHECKING:
    from upriver.materializer.operations import ProjectApi
    from upriver.tui.cli.invocation import OpenSession

Candidates: TypeAlias = Iterable[tuple[str, str]]

_TAG, _STATE, _OWNER, _KIND = "tag:", "state:", "owner:", "kind:"
_FIELDS = {
    _TAG: "assets with a tag",
    _STATE: "assets in a state",
    _OWNER: "assets of an owner",
    _KIND: "assets of a kind",
}

MANY = 150
"""More keys than this are offered up to the next dot only."""

_GLOBAL = {
    "-C": "work as if started in a folder",
    "--color": "when to colour",
    "--help": "show help",
    "--version": "print the version",
}


def complete(
    words: Sequence[str], out: Console, environ: Mapping[str, str], open_session: OpenSession | None
) -> int:
    """Answer the scripts. Always 0."""
    current = words[-1] if words else ""
    try:
        found = sorted(set(_candidates(list(words[:-1]), current, environ, open_session)))
    except Exception:  # noqa: BLE001 - see the module's docstring
        found = []
    fitting = [(shown(text), about) for text, about in found if text.startswith(current)]
    out.raw("".join(f"{text}\t{shown(about)}\n" for text, about in fitting))
    return 0


def _candidates(
    before: list[str], current: str, environ: Mapping[str, str], open_session: OpenSession | None
) -> Candidates:
    directory, name, rest = _split(before)
    if before and before[-1] == "-C":
        return _folders(current)
    if name is None:
        if before and before[-1] == "--color":
            return _choices(("auto", "always", "never"))
        if current.startswith("-"):
            return _GLOBAL.items()
        return [(command.name, command.summary) for command in COMMANDS.values()] + [("help", "show help")]
    if name == "help":
        return [(command.name, command.summary) for command in COMMANDS.values()]
    if name not in COMMANDS:
        return []
    parser = parser_of(name, load_command(name))
    return _for_command(parser, rest, current, _Project(directory, environ, open_session))


def _split(before: list[str]) -> tuple[str | None, str | None, list[str]]:
    """The folder of ``-C``, the command, and the words after it."""
    directory: str | None = None
    name: str | None = None
    rest: list[str] = []
    words = iter(before)
    for word in words:
        if word == "-C":
            directory = next(words, None)
        elif word.startswith("-C") and name is None:
            directory = word[2:]
        elif name is None and word == "--color":
            next(words, None)
        elif name is None and not word.startswith("-"):
            name = word
        elif name is not None:
            rest.append(word)
    return directory, name, rest


class _Project:
    """The project to complete from, opened only when keys are wanted."""

    def __init__(
        self, directory: str | None, environ: Mapping[str, str], open_session: OpenSession | None
    ) -> None:
        self.directory = directory
        self.environ = environ
        self.open_session = open_session

    def session(self) -> ProjectApi:
        """Open it."""
        from upriver.assets.project.config import find_project
        from upriver.tui.cli.consent import ensure_consent
        from upriver.tui.cli.invocation import open_project

        directory = Path.cwd() if self.directory is None else Path(self.directory).expanduser().absolute()
        root = find_project(directory)
        ensure_consent("", Namespace(), lambda: root, self.environ, None)
        return (self.open_session or open_project)(root, "dev")


def _for_command(parser: Parser, rest: Sequence[str], current: str, project: _Project) -> Candidates:
    actions = parser.actions()
    options = {option: action for action in actions for option in action.option_strings}
    if rest and (action := options.get(rest[-1])) is not None and action.nargs != 0:
        if action.choices:
            return _choices(action.choices)
        if action.dest == "drop":
            return _keys_and_columns(project.session(), current)
        if action.nargs != "?":
            return []
    if current.startswith("-"):
        return [(o, a.help or "") for o, a in options.items() if o.startswith("--") or len(current) < 2]
    positional = [action for action in actions if not action.option_strings]
    given = _count_positional(rest, {o for o, a in options.items() if a.nargs != 0 and a.nargs != "?"})
    action = next(
        (a for i, a in enumerate(positional) if i == given or (a.nargs == "*" and i <= given)), None
    )
    if action is None:
        return []
    if action.choices:
        return _choices(action.choices)
    match action.dest:
        case "select":
            return _selectors(project, current)
        case "asset":
            return _keys(project.session().keys(), current)
        case "name":
            return _keys_and_columns(project.session(), current)
        case "run":
            runs = project.session().runs(limit=20)
            return [("last", "the last run"), *((run.id, run.status.value) for run in runs)]
        case "folder":
            return _folders(current)
        case _:
            return []


def _count_positional(rest: Sequence[str], takes_value: set[str]) -> int:
    count, skip = 0, False
    for word in rest:
        if skip:
            skip = False
        elif word in takes_value:
            skip = True
        elif not word.startswith("-"):
            count += 1
    return count


def _choices(choices: Iterable[object]) -> Candidates:
    return [(str(choice), "") for choice in choices]


def _selectors(project: _Project, current: str) -> Candidates:
    if current.startswith(_STATE):
        from upriver.materializer.model import State

        return [(f"{_STATE}{state.value}", "") for state in State]
    if current.startswith(_KIND):
        return [(f"{_KIND}{kind}", "") for kind in ("table", "file", "source", "sql", "python")]
    session = project.session()
    if current.startswith(_TAG):
        return [(f"{_TAG}{tag}", "") for status in session.status() for tag in status.tags]
    if current.startswith(_OWNER):
        return [(f"{_OWNER}{status.owner}", "") for status in session.status() if status.owner]
    sign = "+" if current.startswith("+") else ""
    keys = [(f"{sign}{key}", about) for key, about in _keys(session.keys(), current.removeprefix("+"))]
    return keys if sign else [*keys, *_FIELDS.items()]


def _keys(keys: Sequence[str], current: str) -> list[tuple[str, str]]:
    fitting = [key for key in keys if key.startswith(current)]
    if len(fitting) <= MANY:
        return [(key, "") for key in fitting]
    parts = current.count(".") + 1
    return [
        (".".join(key.split(".")[:parts]) + ("." if key.count(".") >= parts else ""), "") for key in fitting
    ]


def _keys_and_columns(session: ProjectApi, current: str) -> Candidates:
    keys = session.keys()
    found = _keys(keys, current)
    owner = max((key for key in keys if current.startswith(f"{key}.")), key=len, default=None)
    if owner is not None:
        found += [(f"{owner}.{column}", "") for column in session.columns(owner)]
    return found


def _folders(current: str) -> Candidates:
    head, slash, _ = current.rpartition("/")
    folder = Path(head + slash).expanduser() if head or slash else Path()
    return [(f"{head}{slash}{entry.name}/", "") for entry in folder.iterdir() if entry.is_dir()]


def script(shell: str) -> str:
    """The completion script for a shell."""
    return {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}[shell]


# Bash splits words at the characters of COMP_WORDBREAKS and replaces only what follows the last of them: the
# whole word is taken from COMP_LINE, and what stands before that character is cut off each candidate.
_BASH = r"""# upriver completion for bash: eval "$(upriver completion bash)"
_upriver() {
    local line="${COMP_LINE:0:COMP_POINT}" word prefix="" candidate
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    word="${words[${#words[@]}-1]}"
    case $COMP_WORDBREAKS in
        *:*) [[ $word == *[:=]* ]] && prefix="${word%"${word##*[:=]}"}" ;;
    esac
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        COMPREPLY+=("${candidate#"$prefix"}")
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[.:=/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _upriver upriver
"""

_ZSH = r"""#compdef upriver
# upriver completion for zsh: eval "$(upriver completion zsh)" after compinit
_upriver() {
    local candidate about
    local -a whole whole_shown partial
    while IFS=$'\t' read -r candidate about; do
        if [[ $candidate == *[.:=/] ]]; then
            partial+=("$candidate")
        else
            whole+=("$candidate")
            whole_shown+=("$candidate${about:+  -- $about}")
        fi
    done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( $#partial )) && compadd -S '' -- "${partial[@]}"
    (( $#whole )) && compadd -l -d whole_shown -- "${whole[@]}"
}
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
    _upriver "$@"
else
    compdef _upriver upriver
fi
"""

_FISH = r"""# upriver completion for fish: upriver completion fish | source
function __upriver_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete $words[2..-1] "$current" 2>/dev/null
end
complete -c upriver -f -a '(__upriver_complete)'
"""
