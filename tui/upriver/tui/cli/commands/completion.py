"""``upriver completion``: scripts that make the shell complete commands, options, assets and columns."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Prints a completion script for a shell. Keys and columns are completed from the project around the "
        "shell's folder."
    )
    parser.examples = (
        ('eval "$(upriver completion bash)"', "in ~/.bashrc"),
        ('eval "$(upriver completion zsh)"', "in ~/.zshrc, after compinit"),
        ("upriver completion fish | source", "in ~/.config/fish/config.fish"),
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="bash|zsh|fish", help="which shell")


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.completion import script

    invocation.out.raw(script(invocation.options.shell))
    return 0
