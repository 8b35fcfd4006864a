"""What the hits answer, and what a visitor said to make them better; all of it fits into an address."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from myosem.cli.web.filters import Filters
from myosem.errors import UsageError

if TYPE_CHECKING:
    from myosem.cli.web.desk import Moment

PAGE_HITS = 12
MOST_MARKS, MOST_PARTS = 100, 20
LONGEST = 500
SEGMENT = re.compile(r"[0-9a-f]{16}@\d{1,9}\.\d{3}")
MORE, LESS, TOLD = "more", "less", "told"


@dataclass(frozen=True)
class Mark:
    """What somebody said of a hit.

    Attributes:
        kind: ``more`` or ``less`` of it is looked for, or ``told`` what it is.
        segments: of the hit, the best first.
        words: what was looked for then, or the name.
    """

    kind: str
    segments: tuple[str, ...]
    words: str

    @property
    def text(self) -> str:
        """As the value of an address."""
        return f"{','.join(self.segments)}={self.words}"

    @classmethod
    def of(cls, kind: str, text: str) -> Self | None:
        """The mark of an address; None where it is none."""
        ids, _, words = text.partition("=")
        segments = tuple(ids.split(","))
        known = kind in (MORE, LESS, TOLD) and all(SEGMENT.fullmatch(one) for one in segments)
        return cls(kind, segments, words[:LONGEST]) if known else None

    def replaces(self, other: "Mark") -> bool:
        """Whether only one of the two can be so."""
        if not set(self.segments) & set(other.segments):
            return False
        if TOLD in (self.kind, other.kind):
            return self.kind == other.kind
        return self.words == other.words


@dataclass(frozen=True)
class Wishes:
    """What a visitor wants besides the words.

    Attributes:
        plus: words and segments that hits are also to be near to.
        minus: the same, to be far from.
        diverse: whether hits are to differ.
        merge: whether neighbours are one hit.
        marks: what was said of hits; those of other searches wait until these are searched for again.
    """

    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    diverse: bool = False
    merge: bool = True
    marks: tuple[Mark, ...] = ()

    @property
    def told(self) -> dict[str, str]:
        """Segments and what they are; this counts in every search."""
        return {segment: one.words for one in self.marks if one.kind == TOLD for segment in one.segments}

    def judged(self, kind: str, topic: str) -> list[str]:
        """Segments that are ``more`` or ``less`` what a search is about."""
        own = (one for one in self.marks if (one.kind, one.words) == (kind, topic))
        return list(dict.fromkeys(segment for one in own for segment in one.segments))

    def aside(self, topic: str) -> dict[str, int]:
        """How many marks wait for each other search."""
        others = [one.words for one in self.marks if one.kind != TOLD and one.words != topic]
        return {words: others.count(words) for words in dict.fromkeys(others)}

    def marked(self, mark: Mark) -> "Wishes":
        """With one more mark. The same mark again takes it away, as does a name without letters.

        Raises:
            UsageError: there are enough.
        """
        left = tuple(one for one in self.marks if not mark.replaces(one))
        again = any(mark.replaces(one) and one.kind == mark.kind for one in self.marks)
        if (again and mark.kind != TOLD) or (mark.kind == TOLD and not mark.words):
            return replace(self, marks=left)
        if len(left) >= MOST_MARKS:
            raise UsageError("there are many marks already", expected=f"at most {MOST_MARKS}")
        return replace(self, marks=(*left, mark))

    def taken(self, words: str, topic: str | None) -> "Wishes":
        """With the marks of another search for this one, or without them where ``topic`` is None."""
        moved = [one for one in self.marks if one.kind != TOLD and one.words == words]
        wishes = replace(self, marks=tuple(one for one in self.marks if one not in moved))
        for one in moved if topic is not None else ():
            wishes = wishes.marked(replace(one, words=topic or ""))
        return wishes

    def with_part(self, name: str, part: str) -> "Wishes":
        """With words or a segment added (``plus``) or taken away (``minus``).

        Raises:
            UsageError: there are enough.
        """
        part = part.strip()[:LONGEST]
        own: tuple[str, ...] = getattr(self, name)
        if not part or part in own:
            return self
        if len(own) >= MOST_PARTS:
            raise UsageError("there are many parts already", expected=f"at most {MOST_PARTS}")
        other = "minus" if name == "plus" else "plus"
        kept = tuple(one for one in getattr(self, other) if one != part)
        return replace(self, **{name: (*own, part), other: kept})  # type: ignore[arg-type]

    def without(self, name: str, value: str) -> "Wishes":
        """Less one thing, as a chip names it."""
        if name in ("plus", "minus"):
            kept = tuple(one for one in getattr(self, name) if one != value)
            return replace(self, **{name: kept})  # type: ignore[arg-type]
        if name in ("diverse", "merge"):
            return replace(self, **{name: name == "merge"})  # type: ignore[arg-type]
        return replace(self, marks=tuple(one for one in self.marks if (one.kind, one.text) != (name, value)))

    @property
    def segments(self) -> tuple[str, ...]:
        """Every segment that is named."""
        parts = [one for one in (*self.plus, *self.minus) if SEGMENT.fullmatch(one)]
        return tuple(dict.fromkeys([*parts, *(one.segments[0] for one in self.marks)]))

    def to_query(self) -> list[tuple[str, str]]:
        """As names and values of an address."""
        pairs = [("plus", one) for one in self.plus] + [("minus", one) for one in self.minus]
        pairs += [("diverse", "1")] * self.diverse + [("merge", "0")] * (not self.merge)
        return pairs + [(one.kind, one.text) for one in self.marks]

    @classmethod
    def from_query(cls, pairs: Iterable[tuple[str, str]]) -> "Wishes":
        """Those of an address; what is none of them is left alone."""
        wishes = cls()
        for name, value in pairs:
            mark = Mark.of(name, value)
            if mark is not None and len(wishes.marks) < MOST_MARKS:
                wishes = replace(wishes, marks=(*wishes.marks, mark))
            elif name in ("plus", "minus") and len(getattr(wishes, name)) < MOST_PARTS:
                wishes = wishes.with_part(name, value)
            elif (name, value) in (("diverse", "1"), ("merge", "0")):
                wishes = replace(wishes, **{name: name == "diverse"})  # type: ignore[arg-type]
        return wishes


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        words: that describe a movement.
        near: a moment that others are to be like; then the words wait.
        filters: what narrows the search.
        wishes: what the visitor wants besides.
        count: how many hits at most.
        nearest: whether hits that do not fit are shown.
    """

    words: str = ""
    near: "Moment | None" = None
    filters: Filters = field(default_factory=Filters)
    wishes: Wishes = field(default_factory=Wishes)
    count: int = PAGE_HITS
    nearest: bool = False

    @property
    def topic(self) -> str:
        """What marks are about."""
        return self.words if self.near is None else str(self.near.source)

    @property
    def asked(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.words or self.near or self.wishes.plus)

    @property
    def markable(self) -> bool:
        """Whether hits can be judged: not those that are like something the library does not hold."""
        return self.near is None or self.near.stored

    @property
    def address(self) -> str:
        """The page's address for it, which can be kept and sent."""
        pairs = [("q", self.words)] if self.words else []
        if self.near is not None and self.near.stored:
            pairs = [("like", str(self.near.source))]
        return f"?{urlencode(pairs + self.wishes.to_query() + self.filters.to_query())}"


Names = Mapping[str, str]
"""Segments in words a person reads."""
