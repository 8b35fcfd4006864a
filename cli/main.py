"""Where the ``myosem`` command starts, and the one place that turns errors into exit codes.

0 done; 1 an unexpected error, with its traceback, or a reader of the output that went away; 2 the
user can mend it, one sentence on stderr; 130 interrupted.
"""

import errno
import os
import sys
from typing import Any

from myosem.cli.app import app
from myosem.errors import MyoSemError

USAGE = 2
DISK = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
"""What the user alone can mend: no permission, no space."""


def main() -> None:
    """Run the command line and exit."""
    try:
        sys.exit(app(prog_name="myosem", standalone_mode=False))
    except MyoSemError as error:
        sys.stderr.write(f"myosem: error: {one_line(str(error))}\n")
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in DISK:
            raise
        sys.stderr.write(f"myosem: error: {one_line(str(error))}\n")
        sys.exit(USAGE)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        sys.stderr.write(f"{wrong_words(error.format_message(), getattr(error, 'ctx', None))}\n")
        sys.exit(USAGE)
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


def wrong_words(said: str, context: Any) -> str:
    """One sentence about a command line that cannot be parsed; the whole help where there are no words.

    Args:
        said: by the parser, which is Typer's own or click's, depending on the version of Typer.
        context: where it was in the command line, None where that is unknown.
    """
    if said.startswith("Usage: "):
        return said
    command = context.command_path if context else "myosem"
    return f"myosem: error: {one_line(said).removesuffix('.')}; try: {command} --help"


def _flush() -> None:
    """Hand out what is buffered; a pipe nobody reads any more is not worth a word."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    run()
