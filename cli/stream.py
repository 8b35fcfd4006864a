"""``myosem stream``: a live stream, or a recording as if it were one, and what each contraction is."""

import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli import options
from myosem.cli.label import NONE, read_candidates
from myosem.cli.render import plural, seconds
from myosem.errors import StreamError, UsageError

if TYPE_CHECKING:
    from myosem.model import Model
    from myosem.recorder import Recorder
    from myosem.records import Recording
    from myosem.sources import SourceSession
    from myosem.streaming import Answer, Chunk, Listener

RECORDED = Path("streams")
DASH = "–"


@dataclass(frozen=True)
class Source:
    """Where samples come from.

    Attributes:
        about: as a recording without samples.
        chunks: the samples.
        clock: of the chunks.
    """

    about: "Recording"
    chunks: "Iterator[Chunk]"
    clock: Callable[[], float]


def stream(
    name: Annotated[
        str | None, typer.Argument(help="Name or source id of an LSL stream; the only one of type EMG.")
    ] = None,
    *,
    replay: Annotated[
        str | None,
        typer.Option(
            "--replay", metavar="SOURCE", help="Replay a file, or a recording of the library, instead."
        ),
    ] = None,
    speed: Annotated[
        float,
        typer.Option("--speed", metavar="X", min=0.0, help="Replay X times as fast; 0 as fast as possible."),
    ] = 1.0,
    candidates: Annotated[
        Path | None,
        typer.Option("--candidates", metavar="FILE", help="Choose from these phrases, one a line."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    after: Annotated[
        str | None,
        typer.Option(
            "--after", metavar="SOURCE", help="Hear this earlier recording of the same session first."
        ),
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="DIR", help="Keep the stream as .csv files here.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="LIBRARY", help="At the end, ingest what was recorded."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="NAME", help="Data set of what is recorded.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="NAME", help="Who is recorded, a code.")
    ] = None,
    session: Annotated[
        str | None, typer.Option("--session", metavar="NAME", help="Session of what is recorded.")
    ] = None,
    duration: Annotated[
        float | None, typer.Option("--duration", metavar="S", min=0.0, help="Stop after S seconds.")
    ] = None,
    library: options.LibraryOption = None,
    recording: options.RecordingOption = None,
    mapping: options.MappingOption = None,
    model: options.ModelOption = None,
) -> None:
    """Say what each contraction of a live stream is, as it ends; Ctrl-C stops (needs the extra [stream])."""
    _check(name, replay, speed, (record, into))
    phrases = [] if candidates is None else read_candidates(candidates)
    encoder = options.open_model(model)
    source = _replayed(replay, speed, library, recording, mapping) if replay else _live(name)
    about = replace(
        source.about,
        dataset=dataset or source.about.dataset,
        subject=subject or source.about.subject,
        session=session or source.about.session,
    )
    listener = _listener(about, encoder, phrases, source.clock)
    for earlier in [] if after is None else _earlier(after, library, mapping):
        listener.remember(earlier)
    lost: StreamError | None = None
    with ExitStack() as stack:
        recorder = _recorder(stack, listener.about, record, into)
        try:
            _follow(_until(source.chunks, duration), listener, recorder, as_json)
        except StreamError as error:
            lost = error
    if recorder is not None:
        _keep(recorder, into, encoder)
    if lost is not None:
        raise lost


def _check(name: str | None, replay: str | None, speed: float, folders: Sequence[Path | None]) -> None:
    """Refuse what cannot be before anything is opened."""
    if name is not None and replay is not None:
        raise UsageError("a stream and a replay cannot both be listened to", expected="NAME or --replay")
    if replay is None and speed != 1:
        raise UsageError("a live stream has its own pace", got=f"--speed {speed:g}", hint="--replay SOURCE")
    for folder in folders:
        if folder is not None:
            options.check_output(folder, folder=True)


def _live(name: str | None) -> Source:
    from myosem.lsl import open_stream

    opened = open_stream(name)
    for note in opened.notes:
        _say(f"myosem: warning: {note}")
    return Source(opened.about, opened.chunks(), opened.clock)


def _replayed(
    source: str, speed: float, library: Path | None, recording: str | None, mapping: Path | None
) -> Source:
    from myosem.sources import one_recording
    from myosem.streaming import replay, without_samples

    own, position = one_recording(_sessions(source, library, recording, mapping), source)
    found = own.recordings[position]
    return Source(without_samples(found), replay(found, speed), monotonic)


def _earlier(source: str, library: Path | None, mapping: Path | None) -> "list[Recording]":
    """All recordings of a source."""
    sessions = _sessions(source, library, None, mapping)
    return [one.recordings[position] for one in sessions for position in one.chosen]


def _sessions(
    source: str, library: Path | None, recording: str | None, mapping: Path | None
) -> "list[SourceSession]":
    from myosem.library import Library
    from myosem.sources import sessions_of

    alone = library is None and Path(source).exists()
    opened = None if alone else Library.open(options.library_path(library))
    return sessions_of(source, opened, recording, mapping)


def _listener(
    about: "Recording", model: "Model", phrases: Sequence[str], clock: Callable[[], float]
) -> "Listener":
    from myosem.streaming import Listener

    listener = Listener(about, model, phrases, clock=clock)
    listener.prepare()
    for phrase in listener.unrelated:
        _say(f"myosem: warning: “{phrase}” is no action that the model knows; nothing is called that")
    signals = "raw EMG" if about.signal == "raw" else "envelope"
    _say(
        f"listening to {about.name}: {plural(len(about.channels), 'channel')} at {about.rate_hz:g} Hz, "
        f"{signals}; contractions are found once rest and a contraction were heard"
    )
    return listener


def _recorder(
    stack: ExitStack, about: "Recording", record: Path | None, into: Path | None
) -> "Recorder | None":
    if record is None and into is None:
        return None
    from myosem.recorder import Recorder

    name = f"{about.name}-{datetime.now():%Y%m%d-%H%M%S}"
    return stack.enter_context(Recorder(record or RECORDED, replace(about, name=name)))


def _until(chunks: "Iterator[Chunk]", duration_s: float | None) -> "Iterator[Chunk]":
    for chunk in chunks:
        if duration_s is not None and chunk.start_s >= duration_s:
            return
        yield chunk


def _follow(
    chunks: "Iterator[Chunk]", listener: "Listener", recorder: "Recorder | None", as_json: bool
) -> None:
    """Print answers until the stream ends or somebody stops it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    printer = Printer(as_json)
    warm = False
    try:
        for chunk in chunks:
            if recorder is not None:
                recorder.write(chunk)
            for answer in listener.push(chunk):
                printer(answer)
            if listener.warm and not warm:
                _say(f"rest and contraction are known after {seconds(listener.heard_s)} s")
                warm = True
        for answer in listener.finish():
            printer(answer)
    except KeyboardInterrupt:
        _say("stopped")
    finally:
        signal.signal(signal.SIGTERM, before)
    if not warm:
        _say("nothing was found: rest and contraction never stood apart")


class Printer:
    """Prints answers, each at once."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._shown: tuple[int, str | None] | None = None

    def __call__(self, answer: "Answer") -> None:
        """Print one; for people not again what stands there already."""
        if self._as_json:
            typer.echo(json.dumps(asdict(answer), ensure_ascii=False))
        elif answer.sure or self._shown != (answer.event, answer.label):
            typer.echo(line(answer))
        self._shown = answer.event, answer.label
        sys.stdout.flush()


def line(answer: "Answer") -> str:
    """An answer for people; ``~`` where the contraction may yet go on."""
    label = answer.label or NONE
    place = f"{seconds(answer.start_s)}{DASH}{seconds(answer.end_s)} s"
    mark = " " if answer.sure else "~"
    return f"{mark} {place:>20}  {answer.score:.2f}  {label}  ({answer.latency_ms:.0f} ms after its end)"


def _keep(recorder: "Recorder", into: Path | None, model: "Model") -> None:
    """Say where the files are, and ingest them."""
    if not recorder.files:
        _say("nothing was recorded")
        return
    _say(f"recorded: {', '.join(map(str, recorder.files))}")
    if into is None:
        return
    from myosem.cli.ingest import summarise
    from myosem.cli.progress import progress_bar
    from myosem.ingest import ingest

    with progress_bar() as progress:
        report = ingest(into, recorder.files, model=model, reader="csv", progress=progress)
    if report.failed:
        summarise(report, into)
    _say(f"{into}, version {report.version}: {plural(report.stored, 'new recording')}")


def _say(text: str) -> None:
    """A word about the stream, beside the answers."""
    typer.echo(text, err=True)
