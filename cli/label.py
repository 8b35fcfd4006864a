"""``myosem label``: names for every segment of a source, chosen from any list of phrases."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myosem.cli import options
from myosem.cli.render import Column, colour_wanted, plural, seconds, styled, table, terminal_width
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.search import LabelResult

NONE = "none of these"


def label(
    source: Annotated[str, typer.Argument(help="A file, or a recording or source of the library.")],
    *,
    candidates: Annotated[
        Path, typer.Option("--candidates", metavar="FILE", help="A text file, one phrase a line.")
    ],
    library: options.LibraryOption = None,
    recording: options.RecordingOption = None,
    mapping: options.MappingOption = None,
    model: options.ModelOption = None,
    told: Annotated[
        list[str] | None,
        typer.Option(
            "--told", metavar="SEGMENT=PHRASE", help="This segment of the library is that; may be repeated."
        ),
    ] = None,
    as_json: options.JsonOption = False,
    bids: Annotated[bool, typer.Option("--bids", help="Print a BIDS events.tsv.")] = False,
) -> None:
    """Name each segment from any list of phrases.

    A segment that none of them fits is called "none of these". A phrase that is about no action is said to
    be, and names no segment.
    """
    if as_json and bids:
        raise UsageError("--json and --bids cannot both be printed", expected="one of them")
    phrases, known = read_candidates(candidates), read_told(told or [])
    engine = options.open_engine(library, model, source)
    result = engine.label(source, phrases, recording=recording, mapping=mapping, told=known)
    for phrase in result.unrelated:
        typer.echo(
            f"myosem: warning: “{phrase}” is no action that the model knows; it names no segment", err=True
        )
    if as_json:
        typer.echo(json.dumps(asdict(result), ensure_ascii=False))
    elif bids:
        typer.echo(as_bids(result), nl=False)
    else:
        typer.echo(listing(result, width=terminal_width(), colour=colour_wanted()))


def read_candidates(path: Path) -> list[str]:
    """The phrases of a text file; empty lines and lines that begin with ``#`` do not count.

    Raises:
        UsageError: the file cannot be read as text or holds no phrase.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the candidates {path} cannot be read", got=error, expected="a text file"
        ) from error
    phrases = list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not phrases:
        raise UsageError(f"the candidates {path} hold no phrase", expected="one phrase a line")
    return phrases


def read_told(pairs: Sequence[str]) -> dict[str, str]:
    """Segment id -> phrase, from ``SEGMENT=PHRASE``.

    Raises:
        UsageError: one is something else.
    """
    parts = [pair.partition("=") for pair in pairs]
    for pair, (segment, _, phrase) in zip(pairs, parts, strict=True):
        if not segment.strip() or not phrase.strip():
            raise UsageError("what is told cannot be read", got=pair, expected="--told SEGMENT=PHRASE")
    return {segment.strip(): phrase.strip() for segment, _, phrase in parts}


def as_bids(result: "LabelResult") -> str:
    """Events as BIDS wants them: tab-separated onset, duration, trial_type, and the score besides.

    Raises:
        UsageError: segments of several recordings, whose onsets would not be comparable.
    """
    recordings = list(dict.fromkeys(one.recording for one in result.segments))
    if len(recordings) > 1:
        raise UsageError(
            "a BIDS events.tsv belongs to one recording",
            got=f"{len(recordings)} recordings in {result.source}",
            exists=recordings,
            hint="name one of them as SOURCE, or use --json",
        )
    lines = ["onset\tduration\ttrial_type\tscore"]
    for one in result.segments:
        name = " ".join((one.label or "n/a").split())
        lines.append(f"{one.start_s:.4f}\t{one.end_s - one.start_s:.4f}\t{name}\t{one.score:.4f}")
    return "\n".join(lines) + "\n"


def listing(result: "LabelResult", *, width: int, colour: bool) -> str:
    """One line a segment."""
    columns = [
        Column("recording", minimum=8),
        Column("start-end (s)", "right"),
        Column("score", "right"),
        Column("label", minimum=12),
    ]
    rows = [
        [one.recording, f"{seconds(one.start_s)}-{seconds(one.end_s)}", f"{one.score:.3f}", one.label or NONE]
        for one in result.segments
    ]
    named = sum(one.label is not None for one in result.segments)
    closing = f"{plural(len(rows), 'segment')}, {named:,} named, {len(rows) - named:,} none of these"
    return f"{table(columns, rows, width=width, colour=colour)}\n{styled(closing, '2', colour)}"
