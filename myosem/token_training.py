"""Pre-training on a library: its unlabelled signal and simulated forearms in, a run and its tokenizer out."""

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper

from myosem.compute import parallel
from myosem.corpus import sessions_of
from myosem.errors import LibraryError, ModelError
from myosem.library import Library
from myosem.onnx_export import to_onnx
from myosem.practice import practice_recordings
from myosem.pretrain import Pretrainer
from myosem.pretrain_config import PretrainConfig
from myosem.quantizer import FrozenTokenizer, TokenQuantizer, usage
from myosem.records import Recording
from myosem.segments import segments_of_frames
from myosem.signal import to_frames
from myosem.token_run import WEIGHTS, load_pretraining, save_pretraining, write_about
from myosem.tokens import CONTENT, VERSION, WIDTH, Tokens, session_tokens
from myosem.training_state import EVERY, check_new, read_state
from myosem.words import TOKENIZER_EMG, EmgTokenizer

Progress = Callable[[str, int, int], None]


def pretrain_library(
    library: Library,
    out: Path,
    config: PretrainConfig,
    *,
    exclude: Collection[str] = (),
    simulated: int = 0,
    seed: int = 0,
    resume: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Pre-train on all sessions of a library but those of some people, and write the run to a folder.

    Several processes started by ``torchrun`` share each batch; the first one writes.

    Args:
        library: where the sessions are; labels play no part.
        out: folder of the run.
        config: how.
        exclude: people (``dataset/person``) who are kept out.
        simulated: simulated sessions to learn from as well.
        seed: of everything random.
        resume: go on where a run in ``out`` was interrupted.
        progress: told how many steps are done.

    Returns:
        What ``pretrain.json`` says.

    Raises:
        LibraryError: nothing in the library is left to learn from.
        ModelError, UsageError: there is nothing to resume, or it was another training.
    """
    begun, tell = time.monotonic(), progress or (lambda what, done, total: None)
    if resume:
        read_state(out / WEIGHTS, "pre-training", "pretrain")
    else:
        check_new(out / WEIGHTS, "pre-training")
    sessions = library_tokens(library, exclude) + simulated_tokens(simulated)
    if not any(one.mask.any() for one in sessions):
        raise LibraryError(f"nothing in {library.path} is left to learn from", expected="recordings")
    with parallel() as first:
        trainer = Pretrainer(sessions, config, seed)
        if resume:
            load_pretraining(out, trainer)
        while trainer.step < trainer.steps:
            trainer.run(trainer.step + EVERY, lambda step, loss: tell("pre-training", step, trainer.steps))
            if first:
                save_pretraining(out, trainer)
        about = _about(trainer, len(sessions), simulated, time.monotonic() - begun)
        if first:
            export_tokenizer(out, trainer.model.quantizer.cpu().eval(), trainer.values)
            write_about(out, about)
    return about


def library_tokens(library: Library, exclude: Collection[str] = ()) -> list[Tokens]:
    """Tokens of each session of a library, but those of some people."""
    return [read_tokens(own) for own, person in sessions_of(library) if person not in exclude]


def simulated_tokens(count: int, seed: int = 0) -> list[Tokens]:
    """Tokens of simulated sessions, as ``practice_sessions`` has them."""
    return [read_tokens([recording]) for recording in practice_recordings(count, seed)]


def read_tokens(recordings: Sequence[Recording]) -> Tokens:
    """Tokens of all segments of one session."""
    frames = [to_frames(recording) for recording in recordings]
    return session_tokens(recordings, segments_of_frames(frames, recordings), frames)


def reconstruction(quantizer: TokenQuantizer, values: torch.Tensor) -> dict[str, float]:
    """How well codes stand for tokens ``(n, WIDTH)``: share of the variance explained (R2), and usage."""
    with torch.no_grad():
        codes = quantizer.codes(values)
        rebuilt = quantizer.decoder(quantizer.codebook.codebook[codes])
        error = float(quantizer.errors(values, rebuilt).mean())
        known = quantizer.scale.support(values)
        content = quantizer.scale(values)[:, CONTENT]
        mean = (content * known).sum(dim=0) / known.sum(dim=0).clamp(min=1)
        variance = float(quantizer.errors(values, mean.expand_as(content)).mean())
    return {"R2": 1 - error / variance, **usage(codes.cpu().numpy(), quantizer.config.codes)}


def export_tokenizer(folder: Path, quantizer: TokenQuantizer, probe: np.ndarray[Any, Any]) -> EmgTokenizer:
    """Write ``tokenizer_emg.onnx``: tokens ``(n, WIDTH)`` to codes ``(n,)``.

    Args:
        folder: where.
        quantizer: of a pre-training, on the CPU.
        probe: tokens ``(n, WIDTH)`` on which ONNX and torch must agree.

    Raises:
        ModelError: more than one code in a thousand differs.
    """
    graph = to_onnx(FrozenTokenizer(quantizer), {"tokens": torch.zeros(3, WIDTH)}, ("tokens",))
    helper.set_model_props(graph, {"tokens": VERSION, "codes": str(quantizer.config.codes)})
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(graph, folder / TOKENIZER_EMG)
    tokenizer = EmgTokenizer(folder)
    some = probe[:: max(len(probe) // 5000, 1)]
    differing = float(np.mean(tokenizer.codes(some) != quantizer.codes(torch.from_numpy(some)).numpy()))
    if differing > 1e-3:
        raise ModelError(
            "ONNX and torch disagree on the codes", got=f"{100 * differing:.1f} % differ", expected="0.1 %"
        )
    return tokenizer


def _about(trainer: Pretrainer, sessions: int, simulated: int, seconds: float) -> dict[str, Any]:
    config = trainer.config
    some = trainer.values[:: max(len(trainer.values) // 20_000, 1)]
    quality = reconstruction(trainer.model.quantizer.eval(), torch.from_numpy(some).to(trainer.device))
    return {
        "sessions": sessions,
        "simulated": simulated,
        "tokens": len(trainer.values),
        "steps": trainer.steps,
        "seed": trainer.seed,
        "parameters": sum(value.numel() for value in trainer.model.parameters()),
        "codes": config.quantizer.codes,
        **{name: round(value, 4) for name, value in quality.items()},
        "last loss": round(float(np.mean(trainer.losses[-50:])), 4),
        "minutes": round(seconds / 60, 1),
    }
