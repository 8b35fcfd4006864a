"""Every error a user can meet, in one tree.

    MyoSemError                  exit code 2 in the command line
    ├── UsageError               an argument or option cannot be used (-k 0, an empty query, a bad --where)
    ├── SourceError              a file, folder or archive member cannot be read as EMG
    │   ├── UnknownFormatError   no reader recognises it
    │   ├── KnownBadError        a published file that is known to be wrong and is left out on purpose
    │   └── StreamError          a live stream is missing, one of several, lost, or carries no usable EMG
    ├── MappingError             a mapping file does not fit its schema or its data
    ├── PromptError              an action entry does not fit the schema
    ├── GenerationError          a language model cannot be reached or gives no usable answer
    ├── LibraryError             a library is missing, damaged, locked or empty
    │   └── IndexMismatchError   the index was made by another model
    ├── ModelError               a bundle is missing, damaged or of another version
    ├── HubError                 the model hub cannot be reached, or does not give or take a model
    └── MissingExtraError        an optional dependency is not installed, or does not fit the others

A message is built from parts so that none is forgotten: what failed, what was given, what was
expected, what exists, and the next command.
"""

from collections.abc import Iterable


class MyoSemError(Exception):
    """What failed, and how to go on.

    Args:
        what: one sentence, without a final period: what failed.
        got: what was given.
        expected: what would have been right.
        exists: what there is to choose from.
        hint: the next command or step.

    Attributes:
        sentence: all of it but the hint.
    """

    exit_code = 2

    def __init__(
        self,
        what: str,
        *,
        got: object = None,
        expected: object = None,
        exists: Iterable[object] | None = None,
        hint: str | None = None,
    ) -> None:
        self.what = what
        self.hint = hint
        parts = [what]
        if got is not None:
            parts.append(f"got {got}")
        if expected is not None:
            parts.append(f"expected {expected}")
        if exists is not None:
            parts.append(f"there is {', '.join(str(item) for item in exists) or 'nothing'}")
        self.sentence = "; ".join(parts)
        super().__init__(self.sentence if hint is None else f"{self.sentence}; try: {hint}")


class UsageError(MyoSemError):
    """An argument or option cannot be used."""


class SourceError(MyoSemError):
    """A file, folder or archive member cannot be read as EMG."""


class UnknownFormatError(SourceError):
    """No reader recognises the source."""


class KnownBadError(SourceError):
    """A published file that is known to be wrong, and is left out on purpose."""


class StreamError(SourceError):
    """A live stream is missing, one of several, lost, or carries no usable EMG."""


class DownloadError(MyoSemError):
    """A public data set cannot be fetched, or is not what it should be."""


class MappingError(MyoSemError):
    """A mapping file does not fit its schema or its data."""


class PromptError(MyoSemError):
    """An action entry does not fit the schema."""


class GenerationError(MyoSemError):
    """A language model cannot be reached or gives no usable answer."""


class LibraryError(MyoSemError):
    """A library is missing, damaged, locked or empty."""


class IndexMismatchError(LibraryError):
    """The index was made by another model than the one in use."""


class ModelError(MyoSemError):
    """A model bundle is missing, damaged or of another version."""


class MissingExtraError(MyoSemError):
    """An optional dependency is not installed, or does not fit the others."""


class HubError(MyoSemError):
    """The model hub cannot be reached, or does not give or take a model."""
