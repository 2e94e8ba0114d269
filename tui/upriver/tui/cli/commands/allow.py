"""``upriver allow``: let the Python modules of a project run when it is looked at."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser, WrongUsage
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Lets the Python modules of the project around this folder run when it is looked at. To know what a project "
        "declares, Upriver imports its modules; in a folder that was neither built nor created here, commands "
        "that only read ask first. The folders are listed in a file of your own, not in the project."
    )
    parser.examples = (
        ("upriver allow", "after you have read what is there"),
        ("UPRIVER_ALLOW=1 upriver status", "for one command, in a script"),
    )


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.tui.cli.consent import ALLOW, Consents
    from upriver.tui.present.spans import line

    consents = Consents(invocation.environ)
    root = invocation.root
    if not consents.add(root):
        raise WrongUsage(f"{consents.path} can't be written", f"{ALLOW}=1 allows one command")
    invocation.out.write(line(f"the modules of {root} may run"))
    return 0
