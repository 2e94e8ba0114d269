"""``python -m upriver``."""

from __future__ import annotations

import sys

from upriver.tui.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
