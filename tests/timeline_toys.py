"""Timelines made by hand, for the tests of what is drawn and printed of them."""

from fakes import FakeModel

from myosem.model_config import BundleConfig
from myosem.timeline import Activity, Asked, Curve, LabelSpan, Moment, Timeline

THRESHOLD = 0.2


class CardModel(FakeModel):
    """A fake model with a card."""

    config = BundleConfig(
        name="fake", dimension=16, feature_version="0", feature_width=1, text_tower="none", actions=(),
        temperature=0.05, threshold=0.0, files={}, metrics={"MyoSem mAP": 0.75, "steps": 3},
    )  # fmt: skip


def made(
    queries: int = 1, *, text: str = "make a fist", duration_s: float = 20.0, curve: bool = True
) -> Timeline:
    """A segment of a second every two, the third of which fits the first query best."""
    starts = [2.0 * number for number in range(int(duration_s // 2))]
    scores = [
        [0.6 - 0.1 * abs(number - 2) - 0.05 * query for query in range(queries)]
        for number in range(len(starts))
    ]
    return Timeline(
        source="files/one.npz",
        recording="0123456789abcdef",
        dataset="bench",
        subject="p1",
        session="a",
        name="one",
        rate_hz=200.0,
        duration_s=duration_s,
        simulated=False,
        model="fake",
        threshold=THRESHOLD,
        queries=[Asked(text if number == 0 else f"query {number}", 1.0) for number in range(queries)],
        segments=[
            Moment(
                f"s@{start}", start, start + 1, "contraction", text, own, [one >= THRESHOLD for one in own]
            )
            for start, own in zip(starts, scores, strict=True)
        ],
        labels=[LabelSpan(start, start + 1, text) for start in starts],
        activity=Activity(0.5, ["ch1", "ch2"], [[float(n % 4) for n in range(int(duration_s * 2))]] * 2),
        curve=Curve(1.0, 0.5, starts, [[0.1] * len(starts)] * queries) if curve else None,
    )
