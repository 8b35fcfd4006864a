"""Runs the notebooks of the documentation; as a program, writes what they show into them.

python tests/notebook_runner.py
"""

import asyncio
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

FOLDER = Path(__file__).parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
STRICT = "import warnings\n\nwarnings.simplefilter('error')"
LENIENT = "warnings.simplefilter('default')"
"""For the kernel's own end."""


def executed(path: Path, folder: Path) -> Any:
    """The notebook with what its cells show, run in ``folder`` by a new kernel; a warning is an error."""
    book = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    book.cells.insert(0, new_code_cell(STRICT))  # type: ignore[no-untyped-call]
    book.cells.append(new_code_cell(LENIENT))  # type: ignore[no-untyped-call]
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    client = NotebookClient(book, timeout=300, resources={"metadata": {"path": str(folder)}})
    asyncio.run(client.async_execute())
    book.cells = book.cells[1:-1]
    for number, cell in enumerate(one for one in book.cells if one.cell_type == "code"):
        cell.execution_count = number + 1
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number + 1
    for cell in book.cells:
        cell.metadata = {}
    return book


if __name__ == "__main__":
    for notebook in NOTEBOOKS:
        with TemporaryDirectory() as place:
            nbformat.write(executed(notebook, Path(place)), notebook)  # type: ignore[no-untyped-call]
