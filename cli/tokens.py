"""``myosem tokens``: a recording as a sentence of codes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from myosem.cli import options
from myosem.cli.render import Column, colour_wanted, plural, seconds, styled, table, terminal_width

if TYPE_CHECKING:
    from myosem.words import Sentence


def tokens(
    file: Annotated[str, typer.Argument(help="A file, folder, archive, or archive.zip!inner/path.")],
    *,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", metavar="DIR", help="A folder written by myosem pretrain, in place of a model."
        ),
    ] = None,
    model: options.ModelOption = None,
    recording: options.RecordingOption = None,
    mapping: options.MappingOption = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Also draw the codes over the signal of one recording."),
    ] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Print the sentence a recording is: each contraction with its time and its codes."""
    from myosem.model_choice import chosen
    from myosem.sources import one_recording, sessions_of
    from myosem.words import EmgTokenizer, sentences

    tokenizer = EmgTokenizer(run or chosen(model))
    sessions = sessions_of(file, None, recording, mapping)
    if plot is not None:
        from myosem.pictures import check_picture_path

        check_picture_path(plot)
        one_recording(sessions, file)
    found = [
        sentence
        for session in sessions
        for sentence in sentences(session.recordings, session.chosen, tokenizer)
    ]
    if plot is not None:
        from myosem.code_pictures import plot_sentence

        plot_sentence(found[0], plot)
    if as_json:
        content = {"source": file, "codes": tokenizer.size, "recordings": facts(found)}
        typer.echo(json.dumps(content, ensure_ascii=False))
        return
    typer.echo(listing(found, tokenizer.size, width=terminal_width(), colour=colour_wanted()))


def facts(found: "Sequence[Sentence]") -> list[dict[str, Any]]:
    """All there is to say of each sentence."""
    return [
        {
            "name": one.recording.name,
            "source": one.recording.source,
            "words": [
                {
                    "kind": word.kind,
                    "start_s": round(word.start_s, 4),
                    "end_s": round(word.end_s, 4),
                    "codes": list(word.codes),
                }
                for word in one.words
            ],
        }
        for one in found
    ]


def listing(found: "Sequence[Sentence]", size: int, *, width: int, colour: bool) -> str:
    """One line a word."""
    columns = [
        Column("recording", minimum=8),
        Column("start-end (s)", "right"),
        Column("kind"),
        Column("codes", minimum=12),
    ]
    rows = [
        [
            one.recording.name,
            f"{seconds(word.start_s)}-{seconds(word.end_s)}",
            word.kind,
            " ".join(map(str, word.codes)),
        ]
        for one in found
        for word in one.words
    ]
    used = {code for one in found for word in one.words for code in word.codes}
    closing = f"{plural(len(rows), 'word')}, {len(used)} of {plural(size, 'code')}"
    return f"{table(columns, rows, width=width, colour=colour)}\n{styled(closing, '2', colour)}"
