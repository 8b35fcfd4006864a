"""Pictures of codes are pictures, and show what they should."""

from pathlib import Path

import numpy as np
import pytest
from toys import bursts, record

from myosem.code_pictures import code_colour, plot_code, plot_sentence
from myosem.errors import UsageError
from myosem.tokens import CONTENT, LEVEL
from myosem.words import Sentence, Word


def sentence(words: int = 3, duration_s: float = 13.0) -> Sentence:
    said = [
        Word(
            "contraction" if n % 2 else "rest",
            n * 2.0,
            n * 2.0 + 0.5,
            ((n * 2.0, n * 2.0 + 0.25), (n * 2.0 + 0.25, n * 2.0 + 0.5)),
            (n, 7),
        )
        for n in range(words)
    ]
    return Sentence(record(bursts(duration_s=duration_s)), tuple(said))


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_sentence_is_drawn_with_its_codes(tmp_path: Path, ending: str) -> None:
    path = plot_sentence(sentence(), tmp_path / f"one.{ending}")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG") if ending == "png" else b"<svg" in content


def test_of_a_long_recording_the_first_minute_is_drawn(tmp_path: Path) -> None:
    path = plot_sentence(sentence(words=60, duration_s=130.0), tmp_path / "long.svg")
    assert path.stat().st_size < 8_000_000


def test_no_words_are_no_picture(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no words"):
        plot_sentence(sentence(words=0), tmp_path / "none.png")
    with pytest.raises(UsageError, match="known ending"):
        plot_sentence(sentence(), tmp_path / "none.doc")


def test_a_code_has_a_picture_of_its_mean(tmp_path: Path) -> None:
    quiet, loud = np.zeros(CONTENT.stop), np.zeros(CONTENT.stop)
    loud[LEVEL] = np.tile([5.0, 1, 0, 0, 0, 0, 0, 0, 0], 4)
    files = [plot_code(n, mean, 0.1, tmp_path / f"{n}.png") for n, mean in enumerate((quiet, loud))]
    assert files[0].read_bytes() != files[1].read_bytes()


def test_neighbouring_codes_have_unlike_colours() -> None:
    colours = np.array([code_colour(code) for code in range(64)])
    assert colours.min() >= 0 and colours.max() <= 1
    assert np.linalg.norm(np.diff(colours, axis=0), axis=1).min() > 0.2
