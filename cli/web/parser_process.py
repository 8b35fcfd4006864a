"""The process that reads what comes from outside: a job a line on stdin, an answer a line on stdout.

``myosem.cli.web.parsing`` starts it, tells it how much memory it may have, and ends it where it takes too
long. It ends by itself when its stdin does. Samples are handed over as ``.npy`` files, the rest as JSON.
"""

import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from myosem.cli.web.parsing import READY, Job
from myosem.cli.web.uploads import TooLargeError, check_file
from myosem.errors import MappingError, MyoSemError, SourceError
from myosem.proposals import proposal_for
from myosem.readers import read_recordings
from myosem.records import Recording, check_recording

NEED_MAPPING = (".csv", ".tsv", ".npz")
NO_RATE = "NOT IN THE FILE"
"""How a proposal remarks that the rate is made up."""
MOST_RECORDINGS, MOST_CHANNELS = 200, 1024
LEAST_RATE_HZ = 20.0
"""At least a sample in each frame of 50 ms, so that what follows is never larger than the file."""


def main() -> None:
    """Answer jobs until there are no more. Arguments: bytes of memory, bytes of a file, seconds for a job."""
    memory, written, seconds = map(int, sys.argv[1:4])
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    _limit(memory, written)
    replies.write(READY)
    replies.flush()
    for line in sys.stdin.buffer:
        _limit_time(seconds)
        replies.write(answer(Job(**json.loads(line))).encode() + b"\n")
        replies.flush()


def answer(job: Job) -> str:
    """``recordings``, or what ``failed``, as JSON that does not say where the file lies."""
    name, folder = Path(job.path).name, str(Path(job.path).parent)
    try:
        said: dict[str, Any] = {"recordings": read(job)}
    except MyoSemError as error:
        said = _failed(error)
    except MemoryError:
        said = _failed(TooLargeError("reading this takes more memory than the server gives", got=name))
    except Exception as error:  # noqa: BLE001  (the file is anybody's, and the server goes on)
        said = _failed(SourceError(f"{name} cannot be read", got=type(error).__name__))
    return json.dumps(said).replace(f"{folder}/", "")


def _failed(error: MyoSemError) -> dict[str, Any]:
    parts = {"what": error.what, "sentence": error.sentence, "hint": error.hint}
    return {"failed": {"kind": type(error).__name__, **parts}}


def read(job: Job) -> list[dict[str, Any]]:
    """The recordings of a file, their samples in files of their own.

    Raises:
        SourceError, MappingError: it cannot be read, or nothing in it can be used.
        TooLargeError: it is longer than it may be.
    """
    path = Path(job.path)
    check_file(path, job.most_bytes)
    if job.propose and path.suffix.lower() in NEED_MAPPING:
        path.with_name(f"{path.name}.yaml").write_text(yaml.safe_dump(guess(path, job.rate_hz)))
    found = read_recordings(job.path)
    if len(found) > MOST_RECORDINGS:
        raise SourceError(
            "the file holds many recordings", got=len(found), expected=f"{MOST_RECORDINGS} at most"
        )
    return [_kept(one, path.with_name(f"{number}.npy")) for number, one in enumerate(found)]


def guess(path: Path, rate_hz: float | None) -> dict[str, object]:
    """What a table or arrays hold, as a mapping.

    Args:
        path: of the file.
        rate_hz: samples per second; None where the file's own times say it.

    Raises:
        SourceError: the file cannot be read.
        MappingError: nothing says the rate, or nothing in it looks like EMG.
    """
    proposal = proposal_for(str(path))
    values = {} if proposal is None else dict(proposal.values)
    if rate_hz is not None:
        for name in ("time_from", "time_unit"):
            values.pop(name, None)
        values["rate_hz"] = rate_hz
    elif proposal is None or NO_RATE in proposal.remarks.get("rate_hz", ""):
        raise MappingError(
            f"{path.name} does not say how many samples a second it has", expected="a rate in Hz"
        )
    return values | {"dataset": "opened", "subject": "visitor"}


def _kept(recording: Recording, file: Path) -> dict[str, Any]:
    """A recording without its samples, which go to a file."""
    if recording.rate_hz < LEAST_RATE_HZ or len(recording.channels) > MOST_CHANNELS:
        raise SourceError(
            f"{recording.source}: this is no EMG",
            got=f"{len(recording.channels)} channels at {recording.rate_hz:g} Hz",
            expected=f"{LEAST_RATE_HZ:g} Hz or more, {MOST_CHANNELS} channels or fewer",
        )
    check_recording(recording)
    np.save(file, recording.samples, allow_pickle=False)
    names = [one.name for one in fields(recording) if one.name != "samples"]
    return {name: _plain(getattr(recording, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return value.item()
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _limit(memory: int, written: int) -> None:
    """Bounds that the system keeps, where it knows them."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # a lower one holds already
            resource.setrlimit(kind, (most, most))


def _limit_time(seconds: int) -> None:
    """So many seconds of work from now on, should nobody be left to end this process."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    with suppress(ValueError, OSError):
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))


if __name__ == "__main__":
    main()
