"""Where the ``myosem`` command starts, and the one place that turns errors into exit codes.

0 done; 1 an unexpected error, with its traceback, or a reader of the output that went away; 2 the
user can mend it, one sentence on stderr; 130 interrupted.
"""

import os
import sys

from myosem.cli.app import app
from myosem.errors import MyoSemError


def main() -> None:
    """Run the command line and exit."""
    try:
        app()
    except MyoSemError as error:
        sys.stderr.write(f"myosem: error: {one_line(str(error))}\n")
        sys.exit(error.exit_code)
    finally:
        _flush()


def run() -> None:
    """``main`` as a whole process, which ends at once: taking its libraries apart takes 50 ms or more."""
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        sys.stderr.flush()
        os._exit(end.code or 0)


def one_line(text: str) -> str:
    """The text without line breaks."""
    return " ".join(text.split())


def _flush() -> None:
    """Hand out what is buffered; a pipe nobody reads any more is not worth a word."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run()
