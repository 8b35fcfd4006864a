"""Baselines are right where actions are plain and keep to the context they state."""

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from toys import ACTIONS
from trial_toys import toy_trials

from myosem.baselines.features import standardised, time_domain, with_covariance
from myosem.baselines.lda import LdaClassifier, WeightedLda, most_confident


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
