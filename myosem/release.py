"""A training run as the bundle that search uses."""

import datetime
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from myosem import features
from myosem.bundle import export_bundle
from myosem.checkpoint import load_run
from myosem.encoder import SessionEncoder
from myosem.errors import ModelError, UsageError
from myosem.model import Model
from myosem.onnx_tower import OnnxTextTower
from myosem.prompts import load_actions
from myosem.prompts.signature import signature
from myosem.session_adapter import SessionAdapter
from myosem.train import prompt_texts
from myosem.word_space import WordSpace
from myosem.words import EmgTokenizer

DETAILS = ("P@10", "nDCG@10", "R@5")
"""What the card leaves to the tables for all protocols but the first."""


class OneSession(nn.Module):
    """The encoder as the bundle wants it: ``(N, WIDTH)`` of one session to ``(N, dimension)``."""

    def __init__(self, encoder: SessionEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, features: Tensor) -> Tensor:
        """Without padding."""
        mask = torch.ones(1, features.shape[0], dtype=torch.bool)
        vectors: Tensor = self.encoder(features[None], mask)[0]
        return vectors


def export_run(
    run: Path,
    out: Path,
    *,
    name: str,
    results: Sequence[Path] = (),
    pretrained: Path | None = None,
    tower: Path | None = None,
) -> Model:
    """Export a run written by ``train_library``.

    Args:
        run: its folder.
        out: where the bundle goes.
        name: the model's name.
        results: JSON of evaluations for the card; the first, of people never seen, also for temperature and
            threshold. Without it the temperature is that of training and any score fits.
        pretrained: a folder of ``myosem pretrain``, whose EMG tokenizer goes along.
        tower: the text tower it was trained with, a folder of ``myosem ground``; the packaged one where None.

    Raises:
        ModelError: no run there, one of other features, or ONNX and torch disagree.
        UsageError: the results cannot be read.
    """
    encoder, head, adapter, about = load_run(run)
    if about.get("features") != features.VERSION:
        raise ModelError(
            f"{run} was trained on other features",
            got=about.get("features"),
            expected=features.VERSION,
            hint="myosem train",
        )
    measured, text_tower = card_numbers(results), OnnxTextTower(tower)
    if text_tower.about["weights_sha256"] != about["tower"]:
        raise ModelError(
            f"{run} was trained with another text tower",
            got=text_tower.about["weights_sha256"],
            expected=about["tower"],
            hint=f"myosem export {run} --tower DIR",
        )
    words = WordSpace(head, text_tower.readings, adapter.pose).eval()
    texts = prompt_texts()
    provenance = {
        key: about[key] for key in ("datasets", "people", "sessions", "simulated", "steps", "seed", "minutes")
    }
    return export_bundle(
        out,
        name=name,
        encoder=OneSession(encoder),
        adapter=adapter,
        text_head=words,
        tower=text_tower,
        feature_version=features.VERSION,
        feature_width=features.WIDTH,
        action_texts=texts,
        entries=_entries(words, texts, text_tower),
        new=_new_actions(adapter),
        temperature=measured.get("calibrated temperature", about["temperature"]),
        threshold=measured.get("calibrated threshold", -1.0),
        provenance={"commit": _commit(), "date": datetime.date.today().isoformat(), **provenance},
        metrics=measured,
        words=None if pretrained is None else EmgTokenizer(pretrained).file,
    )


@torch.no_grad()
def _entries(
    words: WordSpace, texts: Mapping[str, Sequence[str]], tower: OnnxTextTower
) -> NDArray[np.float32]:
    """Vectors ``(A, D)`` of actions by all that the prompts say of them, their pose included."""
    known = load_actions()
    rows = [
        words.entry(torch.from_numpy(tower.encode(own)), torch.from_numpy(signature(known[action])))
        for action, own in texts.items()
    ]
    return np.asarray(torch.cat(rows).numpy())


def _new_actions(adapter: SessionAdapter) -> list[str]:
    """Actions that nobody did in training."""
    done = {action for known in adapter.statistics for action in known.actions}
    return [action for action in load_actions() if action not in done]


def card_numbers(results: Sequence[Path]) -> Mapping[str, Any]:
    """Means of evaluations, flat: the first with how it was made, the others after the protocol's name."""
    found: dict[str, Any] = {}
    for file in results:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            title, about = str(content["title"]), dict(content["about"])
            prefix = f"{_protocol(title)}: " if found else ""
            found |= {} if found else {"protocol": title, **about}
            found |= {
                f"{prefix}{name}": value
                for name, value in _means(content)
                if not prefix or not name.endswith(DETAILS)
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{file} cannot be read", got=error, expected="JSON written by myosem evaluate --out"
            ) from error
    return found


def _protocol(title: str) -> str:
    """What a table's title has in brackets after the word protocol, or else the title."""
    named = re.search(r"\(protocol (\S+)\)", title)
    return named[1] if named else title


def _means(content: Mapping[str, Any]) -> list[tuple[str, float]]:
    """System and metric, and its mean, in either kind of table."""
    if "rows" in content:
        found = {f"{row['system']} balanced accuracy": row["mean"] for row in content["rows"]}
    else:
        found = {
            f"{system} {metric}": value
            for system, values in content["means"].items()
            for metric, value in values.items()
        }
    return [(name, round(float(value), 4)) for name, value in found.items()]


def _commit() -> str:
    """The commit of the source tree, or ``unknown`` outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"
