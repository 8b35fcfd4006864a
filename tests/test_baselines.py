"""Baselines are right where actions are plain and keep to the context they state."""

from dataclasses import fields, replace

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from toys import ACTIONS
from trial_toys import noisy_trials, toy_trials

from myosem.baselines import tcn
from myosem.baselines.features import standardised, time_domain, with_covariance
from myosem.baselines.lda import LdaClassifier, WeightedLda, most_confident
from myosem.baselines.tcn import TcnClassifier, TcnConfig
from myosem.baselines.windows import windows
from myosem.systems import MODULES, PACKAGES, Fitted, System, load_system
from myosem.trials import Signals, TrialSession, balanced_accuracy, decide


def clouds(count: int = 40, width: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = np.array(["a", "b", "c"])[np.arange(count) % 3]
    middle = {name: generator.normal(size=width) for name in "abc"}
    mix = generator.normal(size=(width, width))
    rows = np.array([middle[name] for name in labels]) + generator.normal(size=(count, width)) @ mix
    return rows, labels


def test_weighted_lda_without_weights_is_that_of_scikit_learn() -> None:
    rows, labels = clouds()
    slow = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[1 / 3] * 3).fit(rows, labels)
    fast = WeightedLda().fit(rows, labels)
    np.testing.assert_allclose(fast.log_posterior(rows), slow.predict_log_proba(rows), atol=1e-6)


def test_weights_move_the_middle_of_a_class() -> None:
    values = np.array([[0.0], [4.0], [9.0], [11.0]])
    model = WeightedLda().fit(values, np.array(["a", "a", "b", "b"]), np.array([1.0, 3.0, 1.0, 1.0]))
    boundary = (3 + 10) / 2
    near = model.log_posterior(np.array([[boundary - 0.01], [boundary], [boundary + 0.01]]))
    assert near[0].argmax() == 0 and near[2].argmax() == 1
    np.testing.assert_allclose(near[1], np.log(0.5))


def test_a_constant_feature_does_no_harm() -> None:
    rows, labels = clouds()
    values = np.c_[rows, np.ones(len(rows))]
    found, wanted = (WeightedLda().fit(one, labels).log_posterior(one) for one in (values, rows))
    np.testing.assert_array_equal(found.argmax(axis=1), wanted.argmax(axis=1))


def test_the_surest_of_each_predicted_class_are_kept() -> None:
    sure = [0.9, 0.8, 0.7, 0.6, 0.95, 0.55]
    posterior = np.log([[p, 1 - p] if row < 4 else [1 - p, p] for row, p in enumerate(sure)])
    assert most_confident(posterior, 0.5).tolist() == [0, 1, 4]
    assert most_confident(posterior, 0.01).tolist() == [0, 4]
    assert most_confident(posterior, 1.0).tolist() == [0, 1, 2, 3, 4, 5]


def test_self_training_follows_a_session_that_has_moved() -> None:
    training = [toy_trials(f"p{seed}", ACTIONS * 6, seed=seed, noise=1) for seed in range(4)]
    tested = toy_trials("stranger", ACTIONS * 10, noise=1)
    drift = np.random.default_rng(0).normal(size=tested.session.channels.courses.shape[1:])
    tested.session.channels.courses[:] += 3 * drift.astype(np.float32)
    right = {}
    for rounds in (0, 4):
        model = LdaClassifier(time_domain, rounds)
        model.fit(training)
        guesses = np.array(model.actions)[model.log_posterior(tested.unlabelled).argmax(axis=1)]
        right[rounds] = (guesses == tested.labels).mean()
    assert right[4] > right[0] + 0.1


def test_own_trials_weigh_as_much_as_all_others() -> None:
    others = [toy_trials(f"p{seed}", ACTIONS * 8, seed=seed) for seed in range(3)]
    swapped = {"fist": "point", "point": "fist"}
    own = toy_trials("me", ACTIONS * 8, seed=9)
    mine = type(own)(own.session, tuple(swapped.get(one, one) for one in own.trials), own.trial_of)
    model = LdaClassifier(with_covariance)
    model.fit(others, [mine])
    means = model.log_posterior(own.unlabelled)[own.labels == "fist"].mean(axis=0)
    fist, other, point = (means[model.actions.index(action)] for action in ("fist", "open-hand", "point"))
    assert abs(fist - point) < 0.2 * abs(fist - other)
    alone = LdaClassifier(with_covariance)
    alone.fit([], [mine])
    guesses = np.array(alone.actions)[alone.log_posterior(own.unlabelled).argmax(axis=1)]
    assert [swapped.get(one, one) for one in guesses] == own.labels.tolist()


def test_standardised_features_have_the_scale_of_the_session() -> None:
    session = toy_trials("p1").session
    values = standardised(with_covariance)(session)
    assert values.shape == (16, 8 * 4 + 10)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-3)


SAMPLES = ("riemann", "riemann-recentred", "coral", "linear-transport", "tcn", "tcn-session")
"""Systems to try on sessions made of samples; MiniRocket has a test of its own, for it compiles first."""
QUICK = TcnConfig(width=8, dilations=(1, 2), steps=30, batch=16, rate=1e-2, check=10)


@pytest.fixture(scope="module")
def people() -> list[TrialSession]:
    return [noisy_trials(f"p{seed}", seed) for seed in range(5)]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks small enough for a test."""
    monkeypatch.setattr(tcn, "TcnConfig", lambda: QUICK)


def load(name: str) -> System:
    """A system; skips where its package is missing."""
    module = next(module for module, names in MODULES.items() if name in names)
    if module in PACKAGES:
        pytest.importorskip(PACKAGES[module])
    return load_system(name)


def accuracy(fitted: Fitted, session: TrialSession) -> float:
    actions = ("fist", "open-hand")
    found = decide(session, fitted.log_posterior(session.unlabelled, actions), actions)
    return balanced_accuracy(session.trials, found)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.usefixtures("quick")
def test_every_baseline_is_right_where_it_is_plain(name: str, people: list[TrialSession]) -> None:
    assert accuracy(load(name).fit(people[1:], 0), people[0]) > 0.85


@pytest.mark.slow
@pytest.mark.parametrize("name", ["minirocket", "minirocket-session"])
def test_minirocket_is_right_where_it_is_plain(name: str, people: list[TrialSession]) -> None:
    fitted = load(name).fit(people[1:], 0)
    assert accuracy(fitted, people[0]) > 0.85
    check_context(load(name), fitted, people[0])


@pytest.mark.parametrize("name", [*MODULES["myosem.baselines.lda"], *SAMPLES])
@pytest.mark.usefixtures("quick")
def test_a_baseline_without_context_looks_at_each_segment_by_itself(
    name: str, people: list[TrialSession]
) -> None:
    system = load(name)
    check_context(system, system.fit(people[1:], 0), people[0])


def check_context(system: System, fitted: Fitted, session: TrialSession) -> None:
    """What is said of the first segments changes with the others if and only if the system says so."""
    actions = ("fist", "open-hand")
    whole = fitted.log_posterior(session, actions)[:6]
    part = fitted.log_posterior(first_segments(session, 6), actions)
    assert np.allclose(whole, part, atol=1e-4) == (system.context == "none")


def first_segments(session: TrialSession, count: int) -> TrialSession:
    channels = session.session.channels
    values = {field.name: getattr(channels, field.name) for field in fields(channels)}
    cut = {name: value[:count] for name, value in values.items() if len(value) == len(session)}
    part = replace(
        session.session,
        channels=replace(channels, **cut),
        features=session.session.features[:count],
        spans=session.session.spans[:count],
    )
    signals = Signals()
    signals.__dict__["samples"] = session.samples[:count]
    return TrialSession(part, session.trials, session.trial_of[:count], signals)


@pytest.mark.usefixtures("quick")
def test_a_network_is_trained_from_its_seed_alone(people: list[TrialSession]) -> None:
    first, other, again = (TcnClassifier(False, seed) for seed in (3, 4, 3))
    for classifier in (first, other, again):
        classifier.fit(people[1:])
    values = [classifier.log_posterior(people[0]) for classifier in (first, other, again)]
    np.testing.assert_array_equal(values[0], values[2])
    assert not np.allclose(values[0], values[1])


def test_people_kept_out_of_the_training_are_whole_people() -> None:
    sessions = [toy_trials(f"p{number % 6}") for number in range(12)]
    learned, kept = tcn.split_people(sessions)
    assert {one.person for one in kept} == {"toy/p0", "toy/p5"} and len(learned) + len(kept) == 12
    assert {one.person for one in learned}.isdisjoint({one.person for one in kept})
    assert tcn.split_people(sessions[:3]) == (sessions[:3], [])


def test_windows_are_the_middle_or_the_segment_repeated(people: list[TrialSession]) -> None:
    signals = Signals()
    long, short = np.arange(10.0)[:, None], np.arange(3.0)[:, None]
    signals.__dict__["samples"] = (long, short)
    session = TrialSession(people[0].session, (), np.array([-1, -1]), signals)
    assert windows(session, 4)[:, 0].tolist() == [[3, 4, 5, 6], [0, 1, 2, 0]]
    generator = np.random.default_rng(0)
    cuts = [tcn.random_window(long.T, generator, 4)[0].tolist() for _ in range(50)]
    assert {cut[0] for cut in cuts} == set(range(7))
    assert all(cut == list(range(int(cut[0]), int(cut[0]) + 4)) for cut in cuts)
