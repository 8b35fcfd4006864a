"""What the model makes of people never seen, as pictures in docs/pictures/.

    python benchmarks/draw_space.py --library LIB --folds FOLDS [--fold 0] [--steps 400]

Trains once, on the real sessions of all people but those of the fold, and draws these: the space of EMG and
words (space.png), what the views attend to (attention.png), confusions by action (confusion.png), and what
free-text queries find (retrieval.png). Queries are those of benchmarks/queries/test.yaml; which are drawn
is decided by their rank, from the best found to the worst.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.manifold import TSNE

from myosem.corpus import sessions_of, slower_sessions
from myosem.encoder import SessionEncoder
from myosem.evaluate import actions_of
from myosem.features import READ, SCALARS
from myosem.folds import read_folds
from myosem.library import Library
from myosem.metrics import average_precision
from myosem.prompts import load_actions
from myosem.prompts.schema import VIEWS
from myosem.readings import Readings
from myosem.records import Segment
from myosem.relevance import CLOSE, EXACT, WRONG
from myosem.retriever import Remembering, exported_tower, words_of
from myosem.segments import find_segments
from myosem.sentence import PLACES
from myosem.session_adapter import LEVEL, SessionAdapter
from myosem.space_pictures import (
    Answer,
    Attended,
    Confusion,
    Found,
    Place,
    plot_answers,
    plot_attention,
    plot_confusions,
    plot_space,
)
from myosem.text_queries import Query, read_queries
from myosem.tokens import TOKEN_S, token_times
from myosem.train import TextBank, TrainConfig, Trainer, embed, prompt_texts
from myosem.trials import TrialSession, as_trials, people_of, prepare_trials
from myosem.word_space import WordSpace
from myosem.zero_shot import CONTRACTION

HERE = Path(__file__).parent
PICTURES = HERE.parent / "docs" / "pictures"
QUERIES = HERE / "queries" / "test.yaml"
CONFUSED = ("3dc", "myo_up")
KINDS = ("functional", "anatomical", "colloquial", "descriptive", "compositional")
DOTS, HITS, ROWS, LEAST_DONE = 1500, 5, 6, 5
COLOURS = 200
SECONDS = READ - SCALARS
"""Which number of a segment is the logarithm of its length."""

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Model:
    """A trained model, as ``myosem.retriever.Retriever`` uses it."""

    encoder: SessionEncoder
    adapter: SessionAdapter
    words: WordSpace
    tower: Remembering

    @classmethod
    def train(cls, training: Sequence[TrialSession], config: TrainConfig) -> "Model":
        """Train from nothing on these sessions, with the packaged text tower."""
        tower = exported_tower()
        trainer = Trainer([one.session for one in training], TextBank.of(prompt_texts(), tower), config)
        trainer.run()
        readings = tower.readings or Readings.silent(trainer.head.tower_width)
        words = WordSpace(trainer.head, readings, trainer.adapter.pose).eval()
        return cls(trainer.encoder, trainer.adapter, words, tower)

    def emg(self, one: TrialSession) -> Vectors:
        """Unit vectors ``(N, D)`` of a session's segments."""
        straight = self.adapter.straightened(one.session.features)
        return self.adapter.vectors(straight, embed(self.encoder, straight))

    @torch.no_grad()
    def text(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors ``(n, D)`` of texts."""
        return np.asarray(self.words(torch.from_numpy(self.tower(texts))).numpy())

    def attention(self, one: TrialSession) -> Vectors:
        """What each view attends to: ``(N, V, PLACES + 1)``."""
        straight = torch.from_numpy(self.adapter.straightened(one.session.features))[None]
        mask = torch.ones(straight.shape[:2], dtype=torch.bool)
        return np.asarray(self.encoder.attention(straight, mask)[0].numpy())


@dataclass(frozen=True)
class Pool:
    """All labelled segments of some sessions; M of them.

    Attributes:
        sessions: the sessions.
        session: ``(M,)`` number of the session of each segment.
        row: ``(M,)`` number of each within its session.
        actions: M.
        vectors: ``(M, D)``.
    """

    sessions: Sequence[TrialSession]
    session: Rows
    row: Rows
    actions: NDArray[np.str_]
    vectors: Vectors

    @classmethod
    def of(cls, sessions: Sequence[TrialSession], emg: Callable[[TrialSession], Vectors]) -> "Pool":
        """Read and encode sessions."""
        rows = [np.flatnonzero(one.labels != "") for one in sessions]
        return cls(
            sessions,
            np.repeat(np.arange(len(sessions)), [len(own) for own in rows]),
            np.concatenate(rows),
            np.concatenate([one.labels[own] for one, own in zip(sessions, rows, strict=True)]),
            np.concatenate([emg(one)[own] for one, own in zip(sessions, rows, strict=True)]),
        )

    @cached_property
    def people(self) -> list[str]:
        """Who did each segment: M."""
        return [self.sessions[number].person for number in self.session]

    def segment(self, place: int) -> Segment:
        """Where one of the M segments is."""
        return find_segments(self.owner(place).signals.recordings)[int(self.row[place])]

    def owner(self, place: int) -> TrialSession:
        """Its session."""
        return self.sessions[int(self.session[place])]


def by_turns(groups: Sequence[Sequence[Item]]) -> Iterator[Item]:
    """The first of each group, then the second of each, and so on."""
    for turn in zip_longest(*([(one,) for one in group] for group in groups)):
        yield from (one[0] for one in turn if one is not None)


def balanced(actions: Sequence[str], people: Sequence[str], most: int, seed: int = 0) -> Rows:
    """Positions of at most ``most`` segments: actions take turns, and within each the people who did it."""
    waiting: dict[str, dict[str, list[int]]] = {}
    for place in np.random.default_rng(seed).permutation(len(actions)).tolist():
        waiting.setdefault(actions[place], {}).setdefault(people[place], []).append(place)
    turns = [list(by_turns(list(waiting[action].values()))) for action in sorted(waiting)]
    return np.array(list(by_turns(turns))[:most], dtype=np.int64)


def confusion(done: Sequence[str], answered: Sequence[str], actions: Sequence[str]) -> NDArray[np.float64]:
    """Shares ``(A, A)`` of one person's answers, each row 1 in all; NaN where the action was not done."""
    place = {action: number for number, action in enumerate(actions)}
    counts = np.zeros((len(actions), len(actions)))
    np.add.at(counts, ([place[one] for one in done], [place[one] for one in answered]), 1)
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), np.nan)


def mean_confusion(people: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean of confusions ``(A, A)``, of each row over those who did it; NaN where nobody did."""
    every = np.stack(people)  # (P, A, A)
    did = (~np.isnan(every).any(axis=2)).sum(axis=0)[:, None]
    return np.where(did > 0, np.nansum(every, axis=0) / np.maximum(did, 1), np.nan)


def draw_space(model: Model, pool: Pool, path: Path) -> Path:
    """EMG and words in one plane, by t-SNE over cosines."""
    known = load_actions()
    chosen = balanced(pool.actions.tolist(), pool.people, DOTS)
    actions = sorted(set(pool.actions[chosen].tolist()))
    texts = [[words_of(one), *(known[one].views[view][0] for view in VIEWS)] for one in actions]
    words = model.text([text for own in texts for text in own])
    plane = TSNE(metric="cosine", init="pca", perplexity=30, random_state=0).fit_transform(
        np.concatenate([pool.vectors[chosen], words])
    )
    dots, signs = np.split(plane, [len(chosen)])
    signs = signs.reshape(len(actions), 1 + len(VIEWS), 2)
    places = [
        Place(words_of(action), known[action].group, own[0], own[1:])
        for action, own in zip(actions, signs, strict=True)
    ]
    people = len(set(pool.people))
    title = f"{len(chosen)} segments of {people} people never seen, and words for {len(actions)} actions"
    return plot_space(dots, [known[one].group for one in pool.actions[chosen]], places, title, path)


def draw_attention(model: Model, pool: Pool, path: Path) -> Path:
    """A contraction louder than nine of ten, a dynamic action, and rest; none has many tokens."""
    known = load_actions()
    features = np.array([pool.owner(n).session.features[pool.row[n]] for n in range(len(pool.row))])
    level, contraction = features[:, LEVEL], features[:, CONTRACTION] > 0.5
    short = features[:, SECONDS] <= np.log(PLACES * TOKEN_S)
    dynamic = np.array([known[one].dynamic for one in pool.actions])
    raw = np.array([pool.owner(n).signals.recordings[0].signal == "raw" for n in range(len(pool.row))])
    still = raw & short & contraction & ~dynamic & (pool.actions != "rest")
    wanted = {
        "loud contraction": at_level(np.flatnonzero(still), level, 0.9),
        "dynamic": at_level(np.flatnonzero(short & contraction & dynamic), level),
        "rest": at_level(np.flatnonzero(short & ~contraction & (pool.actions == "rest")), level),
    }
    return plot_attention([attended(model, pool, n, what) for what, n in wanted.items()], path)


def at_level(rows: Rows, level: Vectors, share: float = 0.5) -> int:
    """The one of these rows that is louder than a share of them."""
    return int(rows[np.argsort(level[rows], kind="stable")[int(share * len(rows))]])


def attended(model: Model, pool: Pool, place: int, what: str) -> Attended:
    """One segment of the pool and the attention to its tokens."""
    segment, owner, action = pool.segment(place), pool.owner(place), str(pool.actions[place])
    starts = tuple(token_times(segment)[:, 0].tolist())
    weights = model.attention(owner)[pool.row[place]][:, [*range(len(starts)), PLACES]]
    title = "rest" if action == "rest" else f"{what}: {words_of(action)}"
    recording = owner.signals.recordings[segment.recording]
    return Attended(f"{title}\n{owner.dataset}", recording, starts, segment.end_s, weights)


def draw_confusions(
    model: Model, pool: Pool, vocabularies: Mapping[str, tuple[str, ...]], path: Path
) -> Path:
    """One data set after the other, the mean over its people."""
    panels = []
    for dataset, actions in vocabularies.items():
        words = model.text([words_of(one) for one in actions])
        people = people_of([one for one in pool.sessions if one.dataset == dataset])
        own = []
        for person in people:
            rows = np.array([one == person for one in pool.people]) & np.isin(pool.actions, actions)
            answered = np.array(actions)[(pool.vectors[rows] @ words.T).argmax(axis=1)]
            own.append(confusion(pool.actions[rows].tolist(), answered.tolist(), actions))
        shares = mean_confusion(own)
        right = float(np.nanmean(np.diag(shares)))
        who = f"{len(own)} people" if len(own) > 1 else "1 person"
        title = f"{dataset}: {who}, {100 * right:.0f} % right"
        panels.append(Confusion(title, tuple(words_of(one) for one in actions), shares))
    return plot_confusions(panels, path)


def draw_retrieved(model: Model, pool: Pool, queries: Sequence[Query], path: Path) -> Path:
    """Queries from the best found to the worst at equal steps of rank, each with its first hits."""
    asked = [
        one for one in queries if one.kind in KINDS and np.isin(pool.actions, one.exact).sum() >= LEAST_DONE
    ]
    scores = model.text([one.text for one in asked]) @ pool.vectors.T
    exact = np.array([np.isin(pool.actions, one.exact) for one in asked])
    precision = average_precision(scores, exact)
    order = np.argsort(-precision, kind="stable")
    answers = []
    for rank in np.linspace(0, len(asked) - 1, ROWS).round().astype(int):
        number = order[rank]
        best = np.argsort(-scores[number], kind="stable")[:HITS]
        note = (
            f"rank {rank + 1} of {len(asked)}, average precision {precision[number]:.2f}, "
            f"{exact[number].sum()} of {len(pool.row)} right"
        )
        hits = tuple(found(pool, int(place), asked[number]) for place in best)
        answers.append(Answer(asked[number].text, note, hits))
    return plot_answers(answers, path)


def found(pool: Pool, place: int, query: Query) -> Found:
    """One hit of a query."""
    segment, action = pool.segment(place), str(pool.actions[place])
    grade = EXACT if action in query.exact else CLOSE if action in query.close else WRONG
    recording = pool.owner(place).signals.recordings[segment.recording]
    return Found(recording, segment.start_s, segment.end_s, words_of(action), grade)


def read_sessions(library: Library) -> list[TrialSession]:
    """All sessions, and the fast ones as slower devices would have recorded them."""
    sessions = []
    for recordings, person in sessions_of(library):
        sessions.append(prepare_trials(recordings, person))
        sessions += [as_trials(one) for one in slower_sessions(recordings, person)]
    return sessions


def draw(model: Model, tested: Sequence[TrialSession], training: Sequence[TrialSession]) -> Iterator[Path]:
    """All pictures, one after the other."""
    PICTURES.mkdir(exist_ok=True)
    pool = Pool.of(tested, model.emg)
    there = {one.dataset for one in tested}
    vocabularies = {dataset: actions_of(training, dataset) for dataset in CONFUSED if dataset in there}
    yield draw_space(model, pool, PICTURES / "space.png")
    yield draw_attention(model, pool, PICTURES / "attention.png")
    yield draw_confusions(model, pool, vocabularies, PICTURES / "confusion.png")
    yield draw_retrieved(model, pool, read_queries(QUERIES).queries, PICTURES / "retrieval.png")


def shrunk(path: Path) -> Path:
    """A picture with few colours, which takes a third of the room."""
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    return path


def main() -> None:
    """Train and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--steps", type=int, default=400)
    words = parser.parse_args()
    torch.set_num_threads(1)
    sessions = read_sessions(Library.open(words.library))
    training, tested = read_folds(words.folds).split(sessions, words.fold)
    model = Model.train(training, TrainConfig(steps=words.steps))
    for path in draw(model, [one for one in tested if not one.session.slower], training):
        print(f"{path}: {shrunk(path).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
