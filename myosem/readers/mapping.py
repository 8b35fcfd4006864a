"""The mapping file: what a file holds, in a few lines of YAML."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from myosem.errors import MappingError, SourceError
from myosem.prompts import load_actions
from myosem.readers.base import SourceFile
from myosem.readers.marks import Naming
from myosem.records import Channel, Span

Column = Annotated[int, Field(ge=1)] | str
Text = Annotated[str, Field(min_length=1)]
GROUPS = ("subject", "session", "name", "label", "effort", "repetition")


class Mapping(BaseModel):
    """What a file holds. Unknown keys are errors.

    Attributes:
        rate_hz: samples per second; None where the file says it, or its times do.
        columns: of a table, the columns with EMG, one a channel: names, or numbers from 1 where ``header`` is
            false; of arrays, those with one channel each; of EDF, the signals.
        header: csv: whether the first line names the columns.
        array: npz, hdf5: the name of the array ``(samples, channels)``.
        stream: xdf: name or type of the streams with EMG.
        time_from: the column or array with the time of each sample; a jump in it cuts the recording.
        time_unit: of these times; ``date`` for dates with times of day.
        label_from: the column, or the array of one value a sample, with the labels.
        labels: label texts for the values in ``label_from`` or in the group ``label``; values that are
            not listed are left unlabelled. Without it a value is its own label.
        actions: action ids for label texts.
        path: regular expression searched in the path (``/`` between parts); its named groups may be
            subject, session, name, label, effort, repetition. Without ``name`` a recording is named as
            its file, so files of one name in several folders need it.
        dataset: name of the data set, the reader's name where it is not given.
        subject: the person, where ``path`` does not say.
        session: the session, where ``path`` does not say.
        unit: of the samples.
        signal: raw EMG or its rectified envelope.
        band_hz: the band the device passes.
        angles_deg: place of each channel round the limb.
        anchored: whether these angles are anatomical.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    rate_hz: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    columns: list[Column] | None = Field(default=None, min_length=1)
    header: bool = True
    array: str | None = None
    stream: str | None = None
    time_from: Column | None = None
    time_unit: Literal["s", "ms", "us", "ns", "date"] = "s"
    label_from: Column | None = None
    labels: dict[str, str] | None = None
    actions: dict[str, str] = {}
    path: str | None = None
    dataset: Text | None = None
    subject: Text | None = None
    session: Text | None = None
    unit: Literal["V", "mV", "uV", "adc", "1"] | None = None
    signal: Literal["raw", "envelope"] = "raw"
    band_hz: tuple[float, float] | None = None
    angles_deg: list[float] | None = None
    anchored: bool = False

    @field_validator("unit", mode="before")
    @classmethod
    def _is_text(cls, unit: object) -> object:
        return "1" if unit == 1 else unit

    @field_validator("path")
    @classmethod
    def _is_pattern(cls, path: str | None) -> str | None:
        try:
            groups = re.compile(path or "").groupindex
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        strange = set(groups) - set(GROUPS)
        if strange:
            raise ValueError(f"unknown group {', '.join(sorted(strange))}; there is {', '.join(GROUPS)}")
        return path

    @field_validator("actions")
    @classmethod
    def _are_actions(cls, actions: dict[str, str]) -> dict[str, str]:
        known = load_actions() if actions else {}
        for action in sorted(set(actions.values()) - set(known)):
            near = get_close_matches(action, known) or ["fist", "wrist-flexion", "..."]
            raise ValueError(f"no action has the id {action}; there is {', '.join(near)}")
        return actions

    def fields(self, file: SourceFile, *, subject: str | None = None, session: str = "1") -> dict[str, str]:
        """What is known of a file from its path.

        Args:
            file: the file.
            subject: the person where the mapping does not say.
            session: the same for the session.

        Raises:
            MappingError: ``path`` does not fit, or nothing says who was recorded.
        """
        known = {
            "subject": self.subject or subject,
            "session": self.session or session,
            "name": file.name.rsplit(".", 1)[0],
        }
        if self.path is not None:
            match = re.search(self.path, "/".join(file.parts))
            if match is None:
                raise MappingError(
                    f"{file.source}: the mapping's path does not fit", got=file.name, expected=self.path
                )
            known |= {key: value for key, value in match.groupdict().items() if value is not None}
        if known["subject"] is None:
            raise MappingError(
                f"{file.source}: the mapping does not say who was recorded",
                expected="`subject`, or `path` with a group (?P<subject>...) that finds one",
            )
        return {key: value for key, value in known.items() if value is not None}

    def span(self, start_s: float, end_s: float, value: str, **more: Any) -> Span | None:
        """A span for a label value, None where the mapping leaves it unlabelled."""
        label = value if self.labels is None else self.labels.get(value)
        return (
            None
            if label in (None, "", "nan")
            else Span(start_s, end_s, label, self.actions.get(label), **more)
        )

    def naming(self, known: dict[str, str]) -> Naming:
        """Makes spans of marks, with the effort and repetition that the path says."""
        digits = re.search(r"\d+", known.get("repetition", ""))
        repetition = int(digits[0]) if digits else None

        def name(start_s: float, end_s: float, text: str) -> Span | None:
            return self.span(start_s, end_s, text, effort=known.get("effort"), repetition=repetition)

        return name

    def channels(self, names: list[str], source: str) -> tuple[Channel, ...]:
        """The channels of these names. Raises MappingError where the angles are not as many."""
        angles: Sequence[float | None] = self.angles_deg or [None] * len(names)
        if len(angles) != len(names):
            raise MappingError(
                f"{source}: angles_deg does not fit", got=f"{len(angles)} angles", expected=f"{len(names)}"
            )
        return tuple(Channel(name, angle) for name, angle in zip(names, angles, strict=True))


def mapping_for(file: SourceFile, given: Path | None, example: str) -> Mapping:
    """The mapping for a file: the given one, or one that lies beside the file or its archive.

    Beside ``walk.csv`` these are looked for: ``walk.csv.yaml``, ``walk.yaml``, ``myosem.yaml``.

    Raises:
        MappingError: there is none, or it does not fit the schema.
    """
    found = found_mapping(file, given)
    if found is None:
        raise MappingError(
            f"{file.source}: a {file.suffix} file needs a mapping that says what it holds",
            expected=f"myosem.yaml or {file.name}.yaml beside it",
            hint=f"myosem inspect {file.source} --write {file.name}.yaml, or put {example} into it",
        )
    return found


def found_mapping(file: SourceFile, given: Path | None) -> Mapping | None:
    """As ``mapping_for``, but None where there is none."""
    found = SourceFile(given) if given else beside(file)
    if found is None:
        return None
    try:
        return parse_mapping(found.read_bytes(), found.source)
    except SourceError as error:
        raise MappingError(f"the mapping cannot be read: {error}") from error


@lru_cache(maxsize=16)
def parse_mapping(data: bytes, source: str) -> Mapping:
    """A mapping from YAML. Raises MappingError where it does not fit the schema."""
    try:
        content = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise MappingError(f"{source}: not YAML", got=" ".join(str(error).split())) from error
    if not isinstance(content, dict):
        raise MappingError(
            f"{source}: not a mapping", got=type(content).__name__, expected="key: value lines"
        )
    try:
        return Mapping.model_validate(content)
    except ValidationError as error:
        faults = [_fault(item["loc"], item["msg"]) for item in error.errors()]
        raise MappingError(
            f"{source}: the mapping does not fit", got="; ".join(faults), exists=Mapping.model_fields
        ) from error


def beside(file: SourceFile) -> SourceFile | None:
    """The mapping that lies beside a file or its archive, see ``mapping_for``; None where there is none."""
    places = [file] if file.member is None else [file, SourceFile(file.path)]
    for place in places:
        for name in (f"{place.name}.yaml", f"{place.name.rsplit('.', 1)[0]}.yaml", "myosem.yaml"):
            found = place.sibling(name)
            if found is not None:
                return found
    return None


def _fault(place: tuple[int | str, ...], message: str) -> str:
    key = ".".join(str(part) for part in place)
    if message == "Extra inputs are not permitted":
        return f"unknown key {key}"
    message = message.removeprefix("Value error, ")
    return f"{key}: {message}" if key else message
