"""A real server process and a real browser, for the tests of the page."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from myosem.ingest import ingest
from myosem.model import Model

PATIENCE_MS = 120_000
SPEC = """\
subjects: 2
sessions: 1
actions: [fist, open-hand, wrist-flexion]
repetitions: 2
layout: {ring: 8, along_mm: 70}
rate_hz: 200
seed: 5
hold_s: [1.0, 1.5]
rest_s: [1.0, 1.5]
order: blocks
"""


def find_chromium() -> str:
    """The browser; the test is skipped where there is none."""
    named = os.environ.get("MYOSEM_CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is here; MYOSEM_CHROMIUM names one")
    return found


def simulated_library(folder: Path) -> Path:
    """Two simulated people, indexed by the packaged model."""
    spec = folder / "tiny.synth.yaml"
    spec.write_text(SPEC)
    ingest(folder / "tiny", [spec], model=Model.load())
    return folder / "tiny"


@contextmanager
def served(library: Path, *options: str) -> Iterator[str]:
    """The address of ``myosem serve`` on a free port, until the block ends."""
    command = [sys.executable, "-m", "myosem.cli.main", "serve", "--library", str(library), "--port", "0"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            greeting = process.stdout.readline()
            address = re.search(r"http://\S+", greeting)
            assert address is not None, greeting
            yield address[0]
        finally:
            process.terminate()
