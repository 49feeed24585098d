#!/usr/bin/env python
"""Django's command line for this project; it reaches the embedded servers, or runs its own for as long as it takes."""

import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "koogallery.settings")
    from django.core.management import execute_from_command_line

    from koogallery.kernel import embedded

    try:
        with embedded.reached(Path(__file__).resolve().parent / "var"):
            execute_from_command_line(sys.argv)
    except embedded.EmbeddedError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
