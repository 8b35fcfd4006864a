"""What the most used codes of a pre-training mean: one small picture each, and how they are used.

    python benchmarks/draw_codes.py --library LIB --run RUN [--count 12]

A picture shows the mean of the tokens that a code stands for: the level round the limb over its quarter of a
second, and the shape of the spectrum. Writes docs/tokens/*.png and benchmarks/results/codes.md.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myosem.code_pictures import plot_code
from myosem.corpus import sessions_of
from myosem.library import Library
from myosem.token_training import read_tokens
from myosem.tokens import CONTENT, LEVEL, support
from myosem.words import EmgTokenizer

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "tokens"
RESULT = Path(__file__).parent / "results" / "codes.md"

Array = NDArray[np.float32]


def mean_content(values: Array) -> NDArray[np.float64]:
    """Mean content ``(CONTENT,)`` of tokens ``(n, WIDTH)``, each number where a device gives it."""
    known = support(values)
    total = (values[:, CONTENT] * known).sum(axis=0, dtype=np.float64)
    return np.asarray(total / np.maximum(known.sum(axis=0), 1))


def draw(values: Array, codes: NDArray[np.int64], size: int, count: int) -> list[tuple[int, float, float]]:
    """Pictures of the most used codes; number, share and level in dB over rest of each."""
    used = np.bincount(codes, minlength=size)
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("code-*.png"):
        old.unlink()
    rows = []
    for place, code in enumerate(np.argsort(-used, kind="stable")[:count]):
        mean, share = mean_content(values[codes == code]), float(used[code] / len(codes))
        plot_code(int(code), mean, share, PICTURES / f"code-{place + 1:02d}.png")
        rows.append((int(code), share, float(10 / np.log(10) * mean[LEVEL.start])))
    return rows


def report(rows: Sequence[tuple[int, float, float]], about: dict[str, object]) -> str:
    """A table of what was drawn."""
    lines = ["# The most used codes", "", *(f"- {name}: {value}" for name, value in about.items()), ""]
    lines += ["| picture | code | share of tokens | level over rest |", "|---|---|---|---|"]
    lines += [
        f"| {place + 1} | {code} | {100 * share:.2f} % | {level:.1f} dB |"
        for place, (code, share, level) in enumerate(rows)
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read a library, code its tokens, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--count", type=int, default=12)
    words = parser.parse_args()
    tokenizer = EmgTokenizer(words.run)
    sessions = [read_tokens(own) for own, _ in sessions_of(Library.open(words.library))]
    values = np.concatenate([one.values[one.mask] for one in sessions])
    codes = tokenizer.codes(values)
    share = np.bincount(codes, minlength=tokenizer.size) / len(codes)
    entropy = -(share[share > 0] * np.log(share[share > 0])).sum()
    about: dict[str, object] = {
        "sessions": len(sessions),
        "tokens": f"{len(values):,}",
        "codes": tokenizer.size,
        "codes that occur": int((share > 0).sum()),
        "perplexity": round(float(np.exp(entropy)), 1),
    }
    text = report(draw(values, codes, tokenizer.size, words.count), about)
    RESULT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
