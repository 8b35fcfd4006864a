"""``myosem inspect``: what a reader makes of a file, with nothing stored."""

import json
from collections import Counter
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from myosem.cli import options
from myosem.cli.info import MOST_LEFT_OUT
from myosem.cli.render import (
    Column,
    colour_wanted,
    duration,
    plural,
    styled,
    table,
    terminal_width,
)
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.proposals import Proposed
    from myosem.readers.propose import Proposal
    from myosem.records import Recording

SPARK_WIDTH = 36
WIDE = 110
INDENT = 8


def inspect(
    file: Annotated[str, typer.Argument(help="A file, folder, archive, or archive.zip!inner/path.")],
    *,
    reader: options.ReaderOption = None,
    mapping: options.MappingOption = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="FILE", help="Write the mapping that is proposed to this new file."),
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Show what a reader makes of a file; nothing is stored.

    A table or archive without a mapping, or a folder of them, gets a proposed one, with a word on what is a
    guess.
    """
    from myosem.proposals import propose_mapping
    from myosem.readers import read_recordings

    proposed = None if mapping is not None else propose_mapping(file, reader)
    if write is not None:
        write_mapping(write, proposed.proposal if proposed else None, file)
    recordings = (
        list(proposed.recordings) if proposed else read_recordings(file, reader=reader, mapping=mapping)
    )
    if as_json:
        found: dict[str, Any] = {"source": file, "recordings": facts(recordings)}
        if proposed is not None:
            found["proposal"] = proposed.as_dict()
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    shown = listing(recordings, width=terminal_width(), colour=colour_wanted())
    typer.echo(with_proposal(shown, proposed, file, write) if proposed else shown)


def with_proposal(shown: str, proposed: "Proposed", file: str, written: Path | None) -> str:
    """A listing between the mapping that gave it and what to do next."""
    fitting = (
        f"{plural(len(proposed.fits), 'file')} fit" if len(proposed.fits) + len(proposed.others) > 1 else ""
    )
    parts = [f"# a mapping for {file}; check what stands after #", proposed.proposal.text(), shown]
    if proposed.others:
        few = proposed.others[:MOST_LEFT_OUT]
        unfit = [f"  {name}: {reason.partition('; there is')[0]}" for name, reason in few]
        more = len(proposed.others) - len(unfit)
        parts += ["", f"{fitting}, {len(proposed.others)} do not:", *unfit]
        parts += [f"  and {more:,} more: --json names them"] if more else []
    elif fitting:
        parts.append(f"all {fitting}")
    name = f"{Path(file).absolute().name if Path(file).is_dir() else Path(file).stem}.yaml"
    if written is None:
        parts += ["", f"keep it: myosem inspect {file} --write {name}"]
    else:
        parts += ["", f"next: myosem ingest {file} --mapping {written}"]
    return "\n".join(parts)


def write_mapping(path: Path, proposal: "Proposal | None", file: str) -> None:
    """Write a proposed mapping to a new file.

    Raises:
        UsageError: there is none to write, or the file exists.
    """
    if proposal is None:
        raise UsageError(
            f"there is no mapping to propose for {file}",
            expected="a table or archive, or a folder of them, that has no mapping yet",
        )
    if path.exists():
        raise UsageError(f"{path} exists", expected="the name of a new file")
    options.check_output(path)
    path.write_text(proposal.text(), encoding="utf-8")


def facts(recordings: "list[Recording]") -> list[dict[str, Any]]:
    """All there is to say about each recording but its samples, and how many segments are found."""
    found = segment_counts(recordings)
    return [_facts(one, counts) for one, counts in zip(recordings, found, strict=True)]


def segment_counts(recordings: "list[Recording]") -> list[Counter[str]]:
    """How many contractions and rests are found in each recording, session by session."""
    from myosem.segments import find_segments

    sessions: dict[tuple[str, str, str], list[int]] = {}
    for position, one in enumerate(recordings):
        sessions.setdefault((one.dataset, one.subject, one.session), []).append(position)
    counts: list[Counter[str]] = [Counter() for _ in recordings]
    for positions in sessions.values():
        for segment in find_segments([recordings[position] for position in positions]):
            counts[positions[segment.recording]][segment.kind] += 1
    return counts


def _facts(recording: "Recording", counts: Counter[str]) -> dict[str, Any]:
    from myosem.records import dead_channels

    plain = ("name", "source", "dataset", "subject", "session", "rate_hz", "duration_s", "unit", "signal")
    return {
        **{name: getattr(recording, name) for name in plain},
        "samples": int(recording.samples.shape[0]),
        "channels": [
            {"name": channel.name, "angle_deg": channel.angle_deg, "along_mm": channel.along_mm}
            for channel in recording.channels
        ],
        "dead_channels": [recording.channels[c].name for c in dead_channels(recording.samples)],
        "band_hz": list(recording.band_hz) if recording.band_hz else None,
        "anchored": recording.anchored,
        "simulated": recording.simulated,
        "contractions": counts["contraction"],
        "rests": counts["rest"],
        "spans": [
            {"start_s": span.start_s, "end_s": span.end_s, "label": span.label, "action": span.action}
            for span in recording.spans
        ],
        "notes": list(recording.notes),
    }


def listing(recordings: "list[Recording]", *, width: int, colour: bool) -> str:
    """A table of recordings, then their labels and what the reader had to mend."""
    columns = [
        Column("dataset", minimum=6),
        Column("subject", minimum=6),
        Column("session", minimum=6),
        Column("recording", minimum=8),
        Column("ch", "right"),
        Column("Hz", "right"),
        Column("length", "right"),
        Column("segments", "right"),
        Column("signal"),
    ]
    rows = [
        [
            *(one.dataset, one.subject, one.session, one.name, len(one.channels), f"{one.rate_hz:g}"),
            *(
                duration(one.duration_s),
                counts.total(),
                _spark(one, SPARK_WIDTH if width >= WIDE else SPARK_WIDTH // 3),
            ),
        ]
        for one, counts in zip(recordings, segment_counts(recordings), strict=True)
    ]
    parts = [table(columns, rows, width=width, colour=colour)]
    labels = Counter(span.label for one in recordings for span in one.spans)
    said = ", ".join(f"{label} ×{count}" if count > 1 else label for label, count in labels.items())
    parts.append(_remark("labels", said or "none", width, colour))
    mended = Counter(note for one in recordings for note in one.notes)
    parts += [
        _remark("note", f"{note} (×{count})" if count > 1 else note, width, colour)
        for note, count in mended.items()
    ]
    total = duration(sum(one.duration_s for one in recordings))
    simulated = ", simulated" if all(one.simulated for one in recordings) else ""
    closing = f"{plural(len(recordings), 'recording')}, {total}{simulated}; nothing was stored"
    return "\n".join([*parts, styled(closing, "2", colour)])


def _remark(name: str, text: str, width: int, colour: bool) -> str:
    """A line of prose, wrapped, with its name in front."""
    body = fill(text, max(width - INDENT, 20)).replace("\n", "\n" + " " * INDENT)
    return f"{styled(name, '2', colour)}{' ' * (INDENT - len(name))}{body}"


def _spark(recording: "Recording", width: int) -> str:
    import numpy as np

    from myosem.cli.sparkline import envelope, sparkline

    return sparkline(envelope(recording, np.linspace(0, recording.duration_s, width + 1)))
