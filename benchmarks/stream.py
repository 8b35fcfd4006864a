"""How soon a live stream is answered, and whether what it is told agrees with what is said afterwards.

    python benchmarks/stream.py [--data ../shared/data] [--seconds 60] [--people 3]

Real recordings are replayed at their own pace and as fast as possible; a line is printed into a file for each
answer, and the clock is read when it is written. Then the labels of whole recordings, replayed, are compared
with those of the same events when the whole session is known. Writes benchmarks/results/stream.md.
"""

import argparse
import os
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TextIO

import numpy as np

from myosem.cli.stream import line
from myosem.features import segment_session
from myosem.labelling import Candidates
from myosem.model import Model
from myosem.prompts import load_actions
from myosem.readers import read_recordings
from myosem.records import Recording
from myosem.streaming import Answer, Chunk, Listener, replay, without_samples

TIMED = {"myo_up/E2/s3e2.mat": "8 x 200 Hz", "biopatrec_10mov4ch/2.mat": "4 x 2000 Hz"}
AGREEING = ("unibo_inail", "biopatrec_10mov4ch", "myo_up")
GOAL_MS = 150.0
CONTEXTS = ((0, 4), (5, 19), (20, 49), (50, 10**9))
RESULT = Path(__file__).parent / "results" / "stream.md"

ABOUT = """# A live stream

Percentiles 50 / 95 / 99 in milliseconds. {machine}, model `{model}`, chunks of 50 ms. **The machine was
shared: {load} processes wanted a core while this ran**, so `work` and `after the end` are those of a busy
machine; the processor time of the same work, all threads together, is what a core with nothing else to do
would need at most. `detector`: how much signal after the end it took; an early answer stands at the first
silent frame, a sure one when nothing can belong to the contraction any more.

{latencies}

## Causal against offline

Share of events whose label from the past alone is the one they get when the whole recording is known;
candidates are the actions of the recording. `context`: how many earlier segments there were, with the number
of events. The model has learned from these people, so this says what the future is worth, not how well
anything is recognised.

{agreements}
"""


@dataclass(frozen=True)
class Printed:
    """An answer that was printed.

    Attributes:
        late_ms: from the end of the contraction until the line was written, in milliseconds.
        work_ms: of this, from the last sample it needed until then.
        cpu_ms: processor time of all threads of the process in that time.
    """

    answer: Answer
    late_ms: float
    work_ms: float
    cpu_ms: float


def phrases_of(recordings: Sequence[Recording]) -> list[str]:
    """What people call the actions in these recordings."""
    actions = sorted({span.action for one in recordings for span in one.spans if span.action})
    return [load_actions()[action].names[0] for action in actions]


def timed(recording: Recording, model: Model, seconds: float, speed: float, out: TextIO) -> list[Printed]:
    """Replay, print each answer, and see how late it was."""
    listener = Listener(without_samples(recording), model, phrases_of([recording]))
    listener.prepare()
    printed = []
    for chunk in until(replay(recording, speed), seconds):
        chunk_end_s = chunk.start_s + len(chunk.samples) / recording.rate_hz
        cpu = time.process_time()
        for answer in listener.push(chunk):
            out.write(f"{line(answer)}\n")
            out.flush()
            work_ms = 1000 * (time.monotonic() - chunk.arrived)
            late_ms = 1000 * (chunk_end_s - answer.end_s) + work_ms
            printed.append(Printed(answer, late_ms, work_ms, 1000 * (time.process_time() - cpu)))
    return printed


def until(chunks: Iterator[Chunk], seconds: float) -> Iterator[Chunk]:
    return takewhile(lambda chunk: chunk.start_s < seconds, chunks)


def percentiles(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.0f}" for value in np.percentile(values, (50, 95, 99)))


def latency_row(name: str, pace: str, printed: Sequence[Printed], sure: bool) -> str:
    """One line of the table of latencies."""
    own = [one for one in printed if one.answer.sure == sure]
    if not own:
        return ""
    detector = [one.answer.detector_ms for one in own]
    return (
        f"| {name} | {pace} | {'sure' if sure else 'early'} | {len(own)} | {percentiles(detector)} | "
        f"{percentiles([one.work_ms for one in own])} | {percentiles([one.cpu_ms for one in own])} | "
        f"{percentiles([one.late_ms for one in own])} |"
    )


def in_time(printed: Sequence[Printed], by_cpu: bool = False) -> str:
    """How many contractions had an answer within the goal after their end, and the same one as at the end."""
    events: dict[int, list[Printed]] = {}
    for one in printed:
        events.setdefault(one.answer.event, []).append(one)
    ended = [own for own in events.values() if own[-1].answer.sure and own[-1].answer.context]
    soon = same = 0
    for *early, last in ended:
        known = [
            one
            for one in early
            if one.answer.end_s + (one.answer.detector_ms + one.cpu_ms if by_cpu else one.late_ms) / 1000
            <= last.answer.end_s + GOAL_MS / 1000
        ]
        soon += bool(known)
        same += bool(known) and known[-1].answer.label == last.answer.label
    return f"{soon} of {len(ended)}, {same} of them with the label of the sure answer"


def agreement(recording: Recording, model: Model) -> list[tuple[int, bool, bool]]:
    """For each event found both ways: context; whether the sure, and the early answer is the offline one."""
    phrases = phrases_of([recording])
    found, features = segment_session([recording])
    labels, _ = Candidates(model, phrases).choose(model.encode_session(features))
    listener = Listener(without_samples(recording), model, phrases)
    told = [answer for chunk in replay(recording, 0) for answer in listener.push(chunk)]
    told += listener.finish()
    rows = []
    for answer in (one for one in told if one.sure):
        early = [one.label for one in told if one.event == answer.event and not one.sure]
        for segment, label in zip(found, labels, strict=True):
            shared = min(segment.end_s, answer.end_s) - max(segment.start_s, answer.start_s)
            union = max(segment.end_s, answer.end_s) - min(segment.start_s, answer.start_s)
            if segment.kind == "contraction" and shared > union / 2:
                offline = None if label < 0 else phrases[label]
                rows.append((answer.context, answer.label == offline, bool(early) and early[-1] == offline))
    return rows


def people_of(data: Path, dataset: str, count: int) -> list[Recording]:
    """The first recording of each of the first people."""
    found: dict[str, Recording] = {}
    for recording in read_recordings(data / dataset):
        found.setdefault(recording.subject, recording)
    return list(found.values())[:count]


def agreement_table(data: Path, model: Model, people: int) -> list[str]:
    heads = [f"{low} to {high}" if high < 10**9 else f"{low} or more" for low, high in CONTEXTS]
    lines = [
        f"| data set | people | events | early | sure | {' | '.join(f'context {head}' for head in heads)} |",
        "|---|---|---|---|---|" + "---|" * len(heads),
    ]
    for dataset in AGREEING:
        recordings = people_of(data, dataset, people)
        rows = [row for recording in recordings for row in agreement(recording, model)]
        cells = []
        for low, high in CONTEXTS:
            own = [sure for context, sure, _ in rows if low <= context <= high]
            cells.append(f"{np.mean(own):.2f} ({len(own)})" if own else "")
        early, sure = np.mean([row[2] for row in rows]), np.mean([row[1] for row in rows])
        known = f"{len(recordings)} | {len(rows)} | {early:.2f} | {sure:.2f}"
        lines.append(f"| {dataset} | {known} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def latency_table(data: Path, model: Model, seconds: float) -> list[str]:
    lines = [
        "| recording | pace | answer | n | detector | work | work, processor time | after the end |",
        "|---|---|---|---|---|---|---|---|",
    ]
    closing = []
    with Path(os.devnull).open("w", encoding="utf-8") as out:
        for source, kind in TIMED.items():
            [recording] = read_recordings(data / source)
            name = f"{source.split('/')[0]}, {kind}"
            for pace, speed in ((f"its own, {seconds:.0f} s", 1.0), ("full speed, all of it", 0.0)):
                length = seconds if speed else recording.duration_s
                began = time.monotonic()
                printed = timed(recording, model, length, speed, out)
                took = time.monotonic() - began
                rows = [latency_row(name, pace, printed, sure) for sure in (False, True)]
                lines += [row for row in rows if row]
                closing.append(
                    f"- {name}, {pace}: {in_time(printed)}; by processor time {in_time(printed, True)}."
                )
                if not speed:
                    closing[-1] += f" {length / took:.1f} times real time."
                print("\n".join([*rows, closing[-1]]), flush=True)
    return [
        *lines,
        "",
        f"Contractions answered within {GOAL_MS:.0f} ms of their end (the first is left out):",
        "",
        *closing,
    ]


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--people", type=int, default=3)
    options = parser.parse_args()
    model = Model.load()
    before = os.getloadavg()[0]
    latencies = latency_table(options.data, model, options.seconds)
    load = f"{before:.0f} to {os.getloadavg()[0]:.0f}"
    agreements = agreement_table(options.data, model, options.people)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    text = ABOUT.format(
        machine=machine,
        model=model.name,
        load=load,
        latencies="\n".join(latencies),
        agreements="\n".join(agreements),
    )
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
