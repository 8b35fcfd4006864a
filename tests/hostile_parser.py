"""A parser process in which what a file is called says what its reader does to the process."""

import os
import time
from pathlib import Path

import numpy as np

from myosem.cli.web import parser_process
from myosem.readers import read_recordings
from myosem.records import Channel, Recording


def read(path: str) -> list[Recording]:
    """The recordings of a file, or harm."""
    name = Path(path).stem
    if name == "hangs":
        time.sleep(600)
    if name == "dies":
        os._exit(1)
    if name == "eats":
        np.ones(1 << 40)
    if name == "fails":
        raise ZeroDivisionError(path)
    if name == "lies":
        os.write(1, b'{"recordings": []}\n')
    if name == "slow":
        samples = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
        channels = (Channel("a"), Channel("b"))
        return [Recording(samples, 1e-6, channels, "d", "s", "1", "r", path)]
    return list(read_recordings(path))


if __name__ == "__main__":
    vars(parser_process)["read_recordings"] = read
    parser_process.main()
