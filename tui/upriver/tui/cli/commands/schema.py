"""``upriver schema``: JSON Schemas, with which editors complete and check headers and settings."""

from __future__ import annotations

from upriver.tui.cli.arguments import Parser
from upriver.tui.cli.invocation import Invocation


def configure(parser: Parser) -> None:
    """Declare arguments, options and help."""
    parser.about = (
        "Prints the JSON Schema of the header of SQL assets, or of upriver.toml: which options there are, and what "
        "each may be. Editors complete and check with it."
    )
    parser.examples = (
        (
            "upriver schema config > upriver.schema.json",
            "then `#:schema ./upriver.schema.json` in upriver.toml",
        ),
        ("upriver schema header", "the options between /* upriver: and */"),
    )
    parser.add_argument(
        "what", choices=("header", "config"), metavar="header|config", help="of which the schema is wanted"
    )


def run(invocation: Invocation) -> int:
    """Do it; return the exit code."""
    from upriver.assets.declare.json_schemas import config_schema, header_schema
    from upriver.tui.present.json.values import write_json

    write_json(invocation.out, config_schema() if invocation.options.what == "config" else header_schema())
    return 0
