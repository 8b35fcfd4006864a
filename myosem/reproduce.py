"""What a bundle says of itself, run again: its recipe on the same folds, beside the numbers it states."""

from collections.abc import Mapping
from dataclasses import dataclass

from myosem.errors import ModelError
from myosem.model_config import BundleConfig
from myosem.table import METRICS, Table
from myosem.train import TrainConfig

SYSTEM = "MyoSem"
CLOSE = 0.005
"""Rounding and the order of sums differ between machines; a difference above this is a different model."""


@dataclass(frozen=True)
class Recipe:
    """How a bundle was trained.

    Attributes:
        config: steps and seed.
        simulated: simulated sessions it was trained on as well.
        stated: metric -> mean over data sets, as the bundle states it.
        folds: over which folds.
    """

    config: TrainConfig
    simulated: int
    stated: Mapping[str, float]
    folds: str

    @classmethod
    def of(cls, bundle: BundleConfig) -> "Recipe":
        """The recipe of a bundle.

        Raises:
            ModelError: the bundle does not say how it was trained, or states no numbers.
        """
        try:
            about = bundle.provenance
            config = TrainConfig(steps=int(about["steps"]), seed=int(about["seed"]))
            stated = {metric: float(bundle.metrics[f"{SYSTEM} {metric}"]) for metric in METRICS}
            return cls(config, int(about["simulated"]), stated, str(bundle.metrics["folds"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"the bundle {bundle.name} does not say how to reproduce it",
                got=f"no {error}" if isinstance(error, KeyError) else error,
                expected="steps, seed, simulated sessions and measured numbers",
                hint="myosem export RUN --results RESULTS.json --out BUNDLE",
            ) from error

    def comparison(self, table: Table) -> str:
        """A line a metric: what the bundle states, what the table has, whether they agree."""
        if table.about["folds"] != self.folds:
            here = table.about["folds"]
            return f"No comparison: the bundle's numbers are over folds {self.folds}, these over {here}."
        lines = ["| metric | the bundle states | measured now | |", "|---|---|---|---|"]
        for metric, stated in self.stated.items():
            measured = table.mean(SYSTEM, metric)
            verdict = "reproduced" if abs(measured - stated) <= CLOSE else "differs"
            lines.append(f"| {metric} | {stated:.3f} | {measured:.3f} | {verdict} |")
        return "\n".join(lines)
