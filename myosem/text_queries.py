"""Free-text queries with graded answers, and how well a text model finds the action that is meant.

A scorer turns texts into scores over all actions, in the order of ``load_actions()``. No EMG takes part.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from sklearn.metrics import roc_auc_score

from myosem.errors import UsageError
from myosem.metrics import Values, bootstrap_interval, first_rank, ndcg_at, precision_at
from myosem.prompts import load_actions, normal
from myosem.relevance import CLOSE, EXACT

Kind = Literal[
    "functional",
    "anatomical",
    "colloquial",
    "descriptive",
    "compositional",
    "effort",
    "misspelt",
    "negated",
    "language",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
METRICS = ("P@1", "nDCG@10", "MRR", "P@10")

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Matrix = NDArray[np.floating]
Scorer = Callable[[Sequence[str]], Matrix]
"""Texts to scores ``(n, A)``."""
Confidence = Callable[[Sequence[str]], NDArray[np.floating]]
"""Texts to ``(n,)``: how sure it is that a text describes an action."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Query(_Strict):
    """A text and its answers.

    Attributes:
        text: what is searched for.
        kind: how it speaks.
        exact: ids of the right actions.
        close: ids of actions that share meaning with it, but are not right.
        language: ISO 639 code, for the kind ``language`` only.
    """

    text: Text
    kind: Kind
    exact: Annotated[tuple[str, ...], Field(min_length=1)]
    close: tuple[str, ...] = ()
    language: str | None = None

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "Query":
        ids = self.exact + self.close
        if len(set(ids)) < len(ids):
            raise ValueError(f"{self.text!r} names an action twice")
        if (self.language is not None) != (self.kind == "language"):
            raise ValueError(f"{self.text!r}: the kind 'language', and no other, says its language")
        _check_known(ids, info)
        return self


class Antonyms(_Strict):
    """Two texts that say opposite things, and the action of each."""

    texts: tuple[Text, Text]
    actions: tuple[str, str]

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "Antonyms":
        if self.actions[0] == self.actions[1]:
            raise ValueError(f"{self.texts[0]!r} has one action in place of two")
        _check_known(self.actions, info)
        return self


class QuerySet(_Strict):
    """A file of queries.

    Attributes:
        about: by whom and how they were written.
        queries: texts that mean an action.
        antonyms: pairs of opposites.
        unrelated: texts that mean no action.
    """

    about: Annotated[str, Field(min_length=1)]
    queries: Annotated[tuple[Query, ...], Field(min_length=1)]
    antonyms: tuple[Antonyms, ...] = ()
    unrelated: tuple[Text, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text: queries, antonyms, unrelated."""
        pairs = tuple(text for pair in self.antonyms for text in pair.texts)
        return tuple(query.text for query in self.queries) + pairs + self.unrelated

    @model_validator(mode="after")
    def _without_repeats(self) -> "QuerySet":
        seen: set[str] = set()
        for text in self.texts:
            if normal(text) in seen:
                raise ValueError(f"{text!r} stands there twice")
            seen.add(normal(text))
        return self


def read_queries(path: Path, actions: Collection[str] | None = None) -> QuerySet:
    """Read and check a YAML file of queries.

    Args:
        path: the file.
        actions: ids that it may name; default: all of ``load_actions()``.

    Raises:
        UsageError: the file cannot be read, does not fit, repeats a text or names an unknown action.
    """
    known = set(load_actions() if actions is None else actions)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return QuerySet.model_validate(content, context=known)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read as queries", got=" ".join(str(error).split())) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the whole file"
        raise UsageError(
            f"{path}, {place}: {first['msg'].removeprefix('Value error, ')}",
            expected="about, queries, antonyms, unrelated, as in benchmarks/queries/test.yaml",
        ) from None


@dataclass(frozen=True)
class Measure:
    """A mean over ``count`` texts or pairs, with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Judgement:
    """What a scorer reached.

    Attributes:
        kinds: kind of each of the Q queries.
        values: metric -> ``(Q,)``, one value a query, for each of ``METRICS``.
        antonyms: ``(P,)``, for each pair the share of its texts whose own action is above the opposite.
        related: ``(Q,)``, confidence in each query.
        unrelated: ``(U,)``, confidence in each text that means no action.
    """

    kinds: tuple[Kind, ...]
    values: dict[str, Values]
    antonyms: Values
    related: Values
    unrelated: Values

    def measure(self, metric: str, kind: Kind | None = None) -> Measure:
        """Mean of one of ``METRICS`` over the queries of a kind; over all where it is None."""
        chosen = np.array([kind in (None, own) for own in self.kinds])
        return _mean(self.values[metric][chosen])

    def antonym_accuracy(self) -> Measure:
        """Share of texts above their opposite; the interval is over pairs."""
        return _mean(self.antonyms)

    def told_apart(self, seed: int = 0, rounds: int = 2000) -> Measure:
        """AUROC of queries against unrelated texts; the interval draws both anew."""
        count = len(self.related) + len(self.unrelated)
        if not len(self.related) or not len(self.unrelated):
            return Measure(np.nan, np.nan, np.nan, count)
        truth = np.repeat([1, 0], [len(self.related), len(self.unrelated)])
        value = roc_auc_score(truth, np.concatenate([self.related, self.unrelated]))
        difference = self.related[:, None] - self.unrelated[None]
        wins = (np.sign(difference) + 1) / 2
        generator = np.random.default_rng(seed)
        first, second = (_draws(generator, size, rounds) for size in wins.shape)
        low, high = np.quantile(((first @ wins) * second).sum(axis=1), [0.025, 0.975])
        return Measure(float(value), float(low), float(high), count)


def judge(queries: QuerySet, scorer: Scorer, confidence: Confidence | None = None) -> Judgement:
    """Let a scorer answer every text.

    Args:
        queries: the texts.
        scorer: texts to scores ``(n, A)`` over all actions, in the order of ``load_actions()``.
        confidence: texts to ``(n,)``, high where a text means an action; default: the best score.

    Raises:
        UsageError: the scores have another shape, or are not numbers.
    """
    actions = tuple(load_actions())
    texts = queries.texts
    scores = _checked(scorer(texts), (len(texts), len(actions)), "scores")
    sure = scores.max(axis=1) if confidence is None else confidence(texts)
    sure = _checked(sure, (len(texts),), "confidence")
    asked, pairs = len(queries.queries), 2 * len(queries.antonyms)
    return Judgement(
        tuple(query.kind for query in queries.queries),
        query_values(scores[:asked], gains_of(queries.queries, actions)),
        _antonyms(scores[asked : asked + pairs], queries.antonyms, actions),
        sure[:asked],
        sure[asked + pairs :],
    )


def chance(queries: QuerySet, seed: int = 0, rounds: int = 200) -> Judgement:
    """What random scores reach on average."""
    actions = tuple(load_actions())
    gains = gains_of(queries.queries, actions)
    generator = np.random.default_rng(seed)
    draws = [query_values(generator.random(gains.shape), gains) for _ in range(rounds)]
    return Judgement(
        tuple(query.kind for query in queries.queries),
        {metric: np.mean([draw[metric] for draw in draws], axis=0) for metric in METRICS},
        np.full(len(queries.antonyms), 0.5),
        np.zeros(len(queries.queries)),
        np.zeros(len(queries.unrelated)),
    )


def gains_of(queries: Sequence[Query], actions: Sequence[str]) -> NDArray[np.int64]:
    """``(Q, A)``: 2 where an action is exact, 1 where it is close, else 0."""
    column = {action: place for place, action in enumerate(actions)}
    gains = np.zeros((len(queries), len(actions)), dtype=np.int64)
    for row, query in enumerate(queries):
        gains[row, [column[action] for action in query.close]] = CLOSE
        gains[row, [column[action] for action in query.exact]] = EXACT
    return gains


def query_values(scores: Matrix, gains: NDArray[np.int64]) -> dict[str, Values]:
    """Each of ``METRICS`` for each query ``(Q,)``, from scores and gains ``(Q, A)``.

    P@1 and MRR ask for an exact action; P@10 counts exact and close ones.
    """
    exact = gains == EXACT
    return {
        "P@1": precision_at(1, scores, exact),
        "nDCG@10": ndcg_at(10, scores, gains),
        "MRR": 1 / first_rank(scores, exact),
        "P@10": precision_at(10, scores, gains > 0),
    }


def _antonyms(scores: Matrix, pairs: Sequence[Antonyms], actions: Sequence[str]) -> Values:
    def right() -> Iterator[float]:
        for number, pair in enumerate(pairs):
            first, second = (actions.index(action) for action in pair.actions)
            one, other = scores[2 * number], scores[2 * number + 1]
            yield (float(one[first] > one[second]) + float(other[second] > other[first])) / 2

    return np.fromiter(right(), dtype=np.float64, count=len(pairs))


def _checked(values: Matrix, shape: tuple[int, ...], name: str) -> Values:
    if values.shape != shape:
        raise UsageError(f"the {name} do not fit the texts", got=f"shape {values.shape}", expected=shape)
    if np.isnan(values).any():
        raise UsageError(f"the {name} are not all numbers", got="NaN")
    return np.asarray(values, dtype=np.float64)


def _check_known(ids: Collection[str], info: ValidationInfo) -> None:
    if info.context is not None and (unknown := sorted(set(ids) - set(info.context))):
        raise ValueError(f"no such action: {', '.join(unknown)}")


def _mean(values: Values) -> Measure:
    value = float(values.mean()) if len(values) else float("nan")
    return Measure(value, *bootstrap_interval(values), len(values))


def _draws(generator: np.random.Generator, size: int, rounds: int) -> Values:
    """``(rounds, size)``: the share that each of ``size`` things has in a sample drawn with replacement."""
    return generator.multinomial(size, np.full(size, 1 / size), rounds) / size
