"""Simulated people: a ``*.synth.yaml`` file says who does what, ``myosem.synth`` makes the signals."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from myosem.errors import SourceError, UsageError
from myosem.prompts import load_actions
from myosem.readers.base import Reader, SourceFile
from myosem.records import Recording
from myosem.synth import ElectrodeLayout, ForearmSubject, SessionSettings, simulate_session
from myosem.synth.session import DATASET

SUFFIX = ".synth.yaml"
Count = Annotated[int, Field(ge=1, le=100_000)]
Electrodes = Annotated[int, Field(ge=1, le=1024)]
MOST_VALUES = 200_000_000
"""Samples of all channels of one session: 34 hours of 8 channels at 200 Hz."""
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Layout(_Strict):
    """Where the electrodes sit: one of ``ring``, ``grid`` and ``at``.

    Attributes:
        ring: pairs equally spaced round the limb.
        grid: rows and columns of a patch.
        at: angle in degrees and distance from the elbow in mm of each pair.
        along_mm: distance of the ring or of the middle of the patch from the elbow.
        angle_deg: place of the ring's first pair or of the middle of the patch.
        pair_mm: distance within a pair.
    """

    ring: Electrodes | None = None
    grid: tuple[Electrodes, Electrodes] | None = None
    at: Annotated[list[tuple[float, float]], Field(min_length=1, max_length=1024)] | None = None
    along_mm: float = 70.0
    angle_deg: float = 0.0
    pair_mm: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "Layout":
        if sum(kind is not None for kind in (self.ring, self.grid, self.at)) != 1:
            raise ValueError("give one of ring, grid and at")
        return self

    def electrodes(self) -> ElectrodeLayout:
        """The layout that this describes."""
        if self.ring is not None:
            made = ElectrodeLayout.ring(self.ring, self.along_mm, self.angle_deg)
        elif self.grid is not None:
            made = ElectrodeLayout.grid(*self.grid, angle_deg=self.angle_deg, along_mm=self.along_mm)
        else:
            made = ElectrodeLayout.at(self.at or [])
        return made if self.pair_mm is None else replace(made, pair_mm=self.pair_mm)


class Spec(_Strict):
    """What a file says. Every field of ``SessionSettings`` may stand beside these.

    Attributes:
        subjects: how many people, numbered on from ``seed``, or their seeds.
        sessions: of each person; the electrodes are put on anew for each.
        actions: ids of actions, or ``all``.
        choose: each session does this many of them, drawn at random.
        varied: whether each session has its own noise, hum, artefacts and fatigue.
        layout: the electrodes.
        seed: of everything; the same file gives the same recordings.
        settings: of every session.
    """

    subjects: Count | Annotated[list[Seed], Field(min_length=1)]
    sessions: Count = 1
    actions: Literal["all"] | Annotated[list[str], Field(min_length=1)]
    choose: Count | None = None
    varied: bool = False
    layout: Layout
    seed: Seed = 0
    settings: SessionSettings

    @model_validator(mode="after")
    def _knows_its_actions(self) -> "Spec":
        unknown = [] if self.actions == "all" else sorted(set(self.actions) - set(load_actions()))
        if unknown:
            raise ValueError(f"no action has the id {unknown[0]}; there is {', '.join(load_actions())}")
        return self

    @model_validator(mode="after")
    def _comes_to_an_end(self) -> "Spec":
        actions = len(load_actions() if self.actions == "all" else self.actions)
        trial_s = max(self.settings.hold_s) + max(self.settings.rest_s)
        session_s = min(actions, self.choose or actions) * self.settings.repetitions * trial_s
        values = session_s * self.settings.rate_hz * len(self.layout.electrodes().angles_deg)
        if values > MOST_VALUES:
            raise ValueError(f"a session would have {values:.2g} samples; {MOST_VALUES:.2g} is the most")
        return self

    def people(self) -> list[int]:
        """The seed of each person."""
        if isinstance(self.subjects, int):
            return list(range(self.seed, self.seed + self.subjects))
        return list(self.subjects)


class Simulator(Reader):
    """A recording for every session of every person."""

    name = DATASET
    description = "simulated forearms, described by a file *.synth.yaml"

    def matches(self, file: SourceFile) -> bool:
        """Whether the name ends with ``.synth.yaml``."""
        return file.name.lower().endswith(SUFFIX)

    def read(self, file: SourceFile) -> Iterator[Recording]:
        """The recordings, person by person."""
        spec = parse_spec(file.read_bytes(), file.source)
        stem = file.name[: -len(SUFFIX)] if self.matches(file) else file.name
        names = list(load_actions()) if spec.actions == "all" else list(spec.actions)
        for person in spec.people():
            subject = ForearmSubject.sample(person)
            for number in range(spec.sessions):
                seeds = np.random.SeedSequence([spec.seed, person, number])
                seed, chance = (int(word) for word in seeds.generate_state(2))
                settings = replace(spec.settings, seed=seed)
                try:
                    yield simulate_session(
                        _chosen(names, spec.choose, chance),
                        subject=subject,
                        layout=spec.layout.electrodes(),
                        settings=settings.varied() if spec.varied else settings,
                        session=f"{stem}-{number + 1}",
                        source=file.source,
                    )
                except UsageError as error:
                    raise SourceError(f"{file.source}: {error}") from error


def parse_spec(data: bytes, source: str) -> Spec:
    """A specification from YAML.

    Raises:
        SourceError: it is not YAML or does not fit.
    """
    try:
        content = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SourceError(f"{source}: not YAML", got=" ".join(str(error).split())) from error
    if not isinstance(content, dict):
        raise SourceError(f"{source}: not a specification", got=type(content).__name__, expected="key: value")
    own = set(Spec.model_fields) - {"settings"}
    known = {field.name for field in fields(SessionSettings)}
    unknown = [key for key in content if key not in own | known]
    if unknown:
        raise SourceError(f"{source}: unknown key", got=unknown[0], exists=sorted(own | known))
    try:
        settings = {key: value for key, value in content.items() if key in known - own}
        made = TypeAdapter(SessionSettings).validate_python(settings)
        rest: dict[str, Any] = {key: value for key, value in content.items() if key in own}
        return Spec(**rest, settings=made)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the specification"
        fault = first["msg"].removeprefix("Value error, ")
        raise SourceError(f"{source}: {place} does not fit: {fault}") from error
    except UsageError as error:
        raise SourceError(f"{source}: {error}") from error


def _chosen(names: list[str], count: int | None, seed: int) -> list[str]:
    """All names, or ``count`` of them in their order."""
    if count is None or count >= len(names):
        return names
    return [names[i] for i in sorted(np.random.default_rng(seed).choice(len(names), count, replace=False))]


READER = Simulator()
