"""Discriminants learn from a session they have no labels of, and harm nothing where it is too short."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from toys import ACTIONS, RING, contraction, record, toy_session

from myosem import adaptation, tokens
from myosem.adaptation import Scale, Statistics, Told
from myosem.features import READ, WIDTH, WORDS, session_features

Features = NDArray[np.float32]
Wide = NDArray[np.float64]
Labels = tuple[str | None, ...]

DIMENSION = 12
STRETCHES = [contraction(0.5 + 1.5 * i, 1.5 + 1.5 * i) for i in range(6)]


def statistics(people: int = 4, context: bool = True, **changes: object) -> Statistics:
    sessions = [toy_session(f"p{number}", noise=2.0, seed=number, **changes) for number in range(people)]  # type: ignore[arg-type]
    return Statistics.of("toy", RING, [(one.features, one.actions) for one in sessions], people, context)


def session(count: int = 16, seed: int = 50, noise: float = 3.0) -> Features:
    actions = ACTIONS * (count // len(ACTIONS) + 1)
    return toy_session("stranger", actions, seed=seed, noise=noise).features[:count]


def units(count: int, seed: int = 0) -> Features:
    rows = np.random.default_rng(seed).normal(size=(count, DIMENSION))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def anchors(count: int = len(ACTIONS)) -> Wide:
    return units(count, seed=9).astype(np.float64)


# The same in loops: each segment, each action, one after the other.


def slow_log_posterior(
    known: Statistics,
    features: Features,
    vectors: Features | None = None,
    words: Wide | None = None,
    told: Told | None = None,
) -> Wide:
    views, count = known.views(features), len(features)
    trained = [slow_discriminant(*one) for one in zip(known.mean, known.covariance, strict=True)]
    fitted, lying = trained, words
    for _ in range(15):
        likely = np.exp(slow_agree(known, views, fitted, vectors, lying))
        rows, weight = list(range(count)), [list(row) for row in likely]
        pool = [[view[row] for row in rows] for view in views]
        if told is not None:
            weight += [[3.0 * one for one in row] for row in told.member]
            pool = [own + list(view) for own, view in zip(pool, told.views, strict=True)]
        fitted = [
            slow_update(np.array(points), slow_weights(known, weight, told), mean, covariance)
            for points, mean, covariance in zip(pool, known.mean, known.covariance, strict=True)
        ]
        if vectors is not None and words is not None:
            lying = np.array([slow_word(words[k], vectors, likely[:, k]) for k in range(len(words))])
    return slow_agree(known, views, fitted, vectors, lying)


def slow_agree(
    known: Statistics,
    views: Sequence[Wide],
    fitted: Sequence[tuple[Wide, Wide]],
    vectors: Features | None,
    words: Wide | None,
) -> Wide:
    rows = []
    for n in range(len(views[0])):
        scores = []
        for k in range(len(known.actions)):
            score = 0.0
            for view, (means, inverse) in zip(views, fitted, strict=True):
                distance = view[n] - means[k]
                common = view[n] @ inverse @ view[n]  # the same for all actions
                score += (common - distance @ inverse @ distance) / 2 / len(views) / 2.0
            if vectors is not None and words is not None:
                score += known.trust * 20.0 * float(vectors[n].astype(np.float64) @ words[k])
            scores.append(score)
        rows.append(np.array(scores) - np.logaddexp.reduce(scores))
    return np.array(rows)


def slow_weights(known: Statistics, likely: list[list[float]], told: Told | None) -> Wide:
    """In every action the segments weigh alike, half as much as the training people in all."""
    shares = np.zeros((len(likely), len(known.actions)))
    for k in range(len(known.actions)):
        total = sum(row[k] for row in likely)
        for n, row in enumerate(likely):
            shares[n, k] = row[k] / (total + 1e-3)
    weight = 0.5 * shares / shares.sum()
    for k in range(len(known.actions)):
        if told is not None and told.member[:, k].any():
            weight[:, k] *= 4.0
    return np.asarray(weight)


def slow_update(points: Wide, weight: Wide, mean: Wide, covariance: Wide) -> tuple[Wide, Wide]:
    """Pool the training people, one point an action, with the session; ``np.cov`` around each mean."""
    count = len(mean)
    means, scatter, total = [], covariance.copy(), 0.0
    for k in range(count):
        together = np.concatenate([mean[k : k + 1], points])
        weights = np.concatenate([[1 / count], weight[:, k]])
        means.append(np.average(together, axis=0, weights=weights))
        scatter += weights.sum() * np.cov(together.T, aweights=weights, ddof=0)
        total += weights.sum()
    return slow_discriminant(np.array(means), scatter / total)


def slow_discriminant(mean: Wide, covariance: Wide) -> tuple[Wide, Wide]:
    ball = np.eye(len(covariance)) * np.diag(covariance).mean()
    return mean, np.linalg.inv(0.6 * covariance + 0.4 * ball + 1e-9 * np.eye(len(covariance)))


def slow_word(word: Wide, vectors: Features, likely: Wide) -> Wide:
    seen = np.average(vectors.astype(np.float64), axis=0, weights=likely)
    moved = word + seen / np.linalg.norm(seen)
    return np.asarray(moved / np.linalg.norm(moved))


def some_told(known: Statistics, actions: Sequence[str] = ("fist", "rest", "fist")) -> Told:
    member = (np.array(actions)[:, None] == np.array(known.actions)).astype(np.float64)
    return Told(known.views(session(len(actions), seed=70)), member)


def test_it_is_what_loops_over_segments_and_actions_give() -> None:
    known, features = statistics(), session(9)
    np.testing.assert_allclose(known.log_posterior(features), slow_log_posterior(known, features), atol=1e-8)


def test_it_is_what_loops_give_with_an_encoder_and_with_labels_somebody_gave() -> None:
    known, features, vectors = replace(statistics(), people=30), session(9), units(9)
    for told in (None, some_told(known)):
        found = known.log_posterior(features, vectors, anchors(), told)
        wanted = slow_log_posterior(known, features, vectors, anchors(), told)
        np.testing.assert_allclose(found, wanted, atol=1e-8)
    assert not np.allclose(found, known.log_posterior(features), atol=0.1)


def test_means_and_covariances_are_those_of_the_labelled_segments_of_training_people() -> None:
    labelled: Labels = (*ACTIONS * 3, "fist", "fist", None, None)
    sessions = [toy_session(f"p{number}", labelled, noise=2.0, seed=number) for number in range(3)]
    known = Statistics.of("toy", RING, [(one.features, one.actions) for one in sessions], 3)
    views = [
        np.concatenate(own) for own in zip(*(known.views(one.features) for one in sessions), strict=True)
    ]
    labels = np.array([str(action) for one in sessions for action in one.actions])
    assert known.actions == ACTIONS
    for view, mean, covariance in zip(views, known.mean, known.covariance, strict=True):
        classes = [view[labels == action] for action in ACTIONS]
        np.testing.assert_allclose(mean, [one.mean(axis=0) for one in classes], atol=1e-9)
        within = np.mean([np.cov(one.T, ddof=0) for one in classes], axis=0)
        np.testing.assert_allclose(covariance, within, atol=1e-9)


def test_a_segment_without_a_label_teaches_where_the_session_lies_and_nothing_else() -> None:
    labelled: Labels = (*ACTIONS * 3, None, None)
    one = toy_session("p", labelled, noise=2.0)
    known = Statistics.of("toy", RING, [(one.features, one.actions)], 1)
    swapped = one.features.copy()
    swapped[-2:] = swapped[-2:][::-1]
    again = Statistics.of("toy", RING, [(swapped, one.actions)], 1)
    for first, second in zip(known.mean, again.mean, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-9)
    for first, second in zip(known.covariance, again.covariance, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-9)


def test_trust_in_the_encoder_grows_with_people() -> None:
    trust = [replace(statistics(), people=people).trust for people in (0, 1, 5, 15, 40, 1000)]
    assert trust == sorted(trust) and trust[0] == 0 and trust[3] == 0.5 and trust[-1] > 0.99


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_a_short_session_is_drawn_towards_the_scale_of_all_people(count: int) -> None:
    numbers = np.random.default_rng(count).normal(3, 2, size=(count, 4))
    drawn = Scale(np.zeros(4), np.ones(4)).of_session(numbers)
    share = count**2 / (count**2 + 4)
    np.testing.assert_allclose(drawn.mean, share * numbers.mean(axis=0))
    np.testing.assert_allclose(drawn.variance, share * numbers.var(axis=0) + 1 - share)


def test_each_kind_of_number_has_a_scale_of_its_own() -> None:
    features = session(40)
    known = statistics()
    each, kindwise, words = known.views(features)
    assert each.shape == kindwise.shape == (40, 8 * 4 + 2 * 10) and words.shape == (40, tokens.SUMMARY)
    kinds = np.split(kindwise, [*range(4, 36, 4), 42], axis=1)
    assert [one.shape[1] for one in kinds] == [4] * 8 + [10] * 2
    for one in kinds:
        assert np.sqrt((one**2).mean()) == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(each.std(axis=0), 1, atol=0.01)
    for view in (each, kindwise, words):
        np.testing.assert_allclose(view.mean(axis=0), 0, atol=0.02)
    ratio = kindwise / each
    np.testing.assert_allclose(ratio, ratio[:1].repeat(40, axis=0), rtol=1e-6)


def test_order_of_the_segments_does_not_matter() -> None:
    known, features, vectors = statistics(), session(), units(16)
    order = np.random.default_rng(3).permutation(16)
    np.testing.assert_allclose(
        known.log_posterior(features[order], vectors[order], anchors()),
        known.log_posterior(features, vectors, anchors())[order],
        atol=1e-8,
    )


def test_a_training_session_without_segments_teaches_nothing() -> None:
    one = toy_session("p")
    known = Statistics.of("toy", RING, [(one.features, one.actions)], 1)
    again = Statistics.of("toy", RING, [(one.features, one.actions), (one.features[:0], ())], 1)
    for first, second in zip((*known.mean, *known.covariance), (*again.mean, *again.covariance), strict=True):
        np.testing.assert_allclose(first, second)


# Persons whose actions lie elsewhere than other people's.


def strangers(person: int, actions: Sequence[str], shift: float = 1.0) -> Features:
    """Tight clusters round middles that are as far from those of all people as ``shift`` says; no tokens."""
    middles = np.random.default_rng(5).normal(size=(len(actions), WORDS.stop))
    generator = np.random.default_rng([6, person])
    middles += shift * generator.normal(size=middles.shape)
    features = np.repeat(middles, 8, axis=0)
    features += 0.4 * generator.normal(size=features.shape)
    return np.pad(features, ((0, 0), (0, WIDTH - WORDS.stop))).astype(np.float32)


def accuracy(known: Statistics, people: Sequence[int], shift: float) -> float:
    labels = np.repeat(np.arange(len(known.actions)), 8)
    found = [known.log_posterior(strangers(one, known.actions, shift)).argmax(axis=1) for one in people]
    return float(np.mean([one == labels for one in found]))


def test_a_session_teaches_how_this_person_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    actions = tuple(f"a{number}" for number in range(8))
    labels = [action for action in actions for _ in range(8)]
    training = [(strangers(one, actions, shift=2.0), labels) for one in range(2)]
    known = Statistics.of("toy", RING, training, 2)
    adapted = accuracy(known, range(100, 112), shift=3.0)
    monkeypatch.setattr(adaptation, "ROUNDS", 0)
    fixed = accuracy(known, range(100, 112), shift=3.0)
    assert 0.5 < fixed < adapted - 0.08 and adapted > 0.75


def test_labels_somebody_gave_help() -> None:
    actions = tuple(f"a{number}" for number in range(8))
    labels = [action for action in actions for _ in range(8)]
    shift, given = 3.5, np.arange(0, 64, 8)
    known = Statistics.of("toy", RING, [(strangers(one, actions, shift), labels) for one in range(6)], 6)
    right: list[float] = []
    told_right: list[float] = []
    for person in range(100, 104):
        features = strangers(person, actions, shift)
        views = tuple(view[given] for view in known.views(features))
        told = Told(views, np.eye(8))
        rest = np.setdiff1d(np.arange(64), given)
        for found, extra in ((right, None), (told_right, told)):
            best = known.log_posterior(features, told=extra)[rest].argmax(axis=1)
            found.append(float((best == rest // 8).mean()))
    assert np.mean(told_right) > np.mean(right) + 0.2, (told_right, right)


def test_without_context_a_segment_reads_alone_as_among_others() -> None:
    known, features, vectors = statistics(context=False), session(), units(16)
    together = known.log_posterior(features, vectors, anchors())
    for row in range(16):
        one = slice(row, row + 1)
        alone = known.log_posterior(features[one], vectors[one], anchors())
        np.testing.assert_allclose(alone, together[one], atol=1e-9)
    seeing = statistics()
    assert not np.allclose(seeing.log_posterior(features[:3]), seeing.log_posterior(features)[:3], atol=1e-2)


def test_labels_are_learned_from_without_context_too() -> None:
    known = statistics(context=False)
    plain, told = known.log_posterior(session()), known.log_posterior(session(), told=some_told(known))
    assert not np.allclose(plain, told, atol=1e-2)


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("context", [True, False])
def test_the_shortest_sessions_have_an_answer(count: int, context: bool) -> None:
    known = statistics(context=context)
    found = known.log_posterior(session(count), units(count), anchors())
    assert found.shape == (count, 4)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1)


@pytest.mark.parametrize("features", [session(1).repeat(6, axis=0), np.zeros((5, WIDTH), np.float32)])
def test_a_session_in_which_nothing_changes_has_one_answer(features: Features) -> None:
    found = statistics().log_posterior(features, units(1).repeat(len(features), axis=0), anchors())
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, found[:1].repeat(len(features), axis=0), atol=1e-9)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1)


def test_numbers_far_from_everything_seen_are_finite() -> None:
    found = statistics().log_posterior(session() * 1e4)
    assert np.isfinite(found).all() and np.isfinite(np.exp(found)).all()


# From samples to views.


def limb(electrodes: int, seed: int = 0) -> NDArray[np.float32]:
    """Ten seconds round a limb: in each stretch one muscle is loud; every electrode sees all of them."""
    generator = np.random.default_rng(seed)
    sources = generator.normal(size=(2000, 6))
    time_s = np.arange(2000) / 200
    for muscle, stretch in enumerate(STRETCHES):
        active = (time_s >= stretch.start_s) & (time_s < stretch.end_s)
        sources[active, muscle] *= 15
        sources[active, (muscle + 2) % 6] *= 4
    noise = generator.normal(size=(2000, 16))[:, :: 16 // electrodes]
    angles = np.arange(electrodes) * 2 * np.pi / electrodes
    distance = angles - (np.arange(6) * np.pi / 3 + 0.2)[:, None]
    seen = sources @ np.exp(1.5 * np.cos(distance) - 1.5)
    return np.asarray(seen + 0.2 * noise, dtype=np.float32)


def limb_views(samples: NDArray[np.float32], angles: Sequence[float] | None = None) -> list[Wide]:
    """The two views of electrodes."""
    eight = np.arange(8) * np.pi / 4
    training = session_features([record(limb(8, seed=1))], STRETCHES)
    known = Statistics.of("limb", eight, [(training, ACTIONS[:3] * 2)], 1)
    return list(known.views(session_features([record(samples, angles=angles)], STRETCHES)))[:2]


def close(views: Sequence[Wide], others: Sequence[Wide], tolerance: float) -> None:
    for one, other in zip(views, others, strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance)


@pytest.mark.parametrize("turn", [-1, 0, 1])
def test_a_band_one_electrode_further_round_is_turned_back(turn: int) -> None:
    eight = np.arange(8) * np.pi / 4
    people = [
        (session_features([record(limb(8, seed=seed))], STRETCHES * 2), ACTIONS[:3] * 4) for seed in (1, 2)
    ]
    known = Statistics.of("limb", eight, people, 20)
    straight = session_features([record(limb(8))], STRETCHES)
    moved = session_features([record(np.roll(limb(8), turn, axis=1))], STRETCHES)
    np.testing.assert_allclose(known.straightened(moved)[:, :READ], straight[:, :READ], atol=1e-3)
    assert replace(known, context=False).straightened(moved) is moved
    assert replace(known, angles=eight**2 / 7).straightened(moved) is moved


@pytest.mark.parametrize("gain", [0.1, 10, 1000])
def test_gain_does_not_matter(gain: float) -> None:
    close(limb_views(limb(8) * np.float32(gain)), limb_views(limb(8)), 5e-3)


def test_channels_may_come_in_any_order() -> None:
    order = np.random.default_rng(2).permutation(8)
    angles = np.arange(8) * 45.0
    close(limb_views(limb(8)[:, order], angles[order].tolist()), limb_views(limb(8)), 5e-3)


def test_eight_electrodes_and_sixteen_see_nearly_the_same() -> None:
    for eight, sixteen in zip(limb_views(limb(8)), limb_views(limb(16)), strict=True):
        assert np.corrcoef(eight.ravel(), sixteen.ravel())[0, 1] > 0.9
        apart = np.linalg.norm(eight[:, None] - sixteen[None], axis=2)
        assert apart.argmin(axis=1).tolist() == list(range(6))
