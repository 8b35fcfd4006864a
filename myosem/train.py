"""Training: sessions of EMG against the words for what was done.

Each step takes some sessions, hides part of each (segments, whole actions) so that the encoder never
relies on a complete or balanced session, turns the electrodes by a random angle, and pulls each
segment towards the words of its action (the mean text over all views) and away from those of the
other actions of its data set. At the same time each single text is pulled towards the words of its
action, so that one phrase is enough to find them.

Everything random belongs to the trainer: one that was interrupted goes on exactly as it would have, and
several processes draw the same step and take their parts of it.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from myosem.adaptation import Statistics
from myosem.compute import OwnRandom, autocast, best_device, gather_vectors, processes
from myosem.corpus import Session
from myosem.discriminants import Example, fit_discriminants, fit_gate
from myosem.encoder import SessionEncoder, TextHead
from myosem.errors import UsageError
from myosem.losses import MultiPositiveClipLoss, PairLoss, SigmoidLoss
from myosem.prompts import load_actions
from myosem.prompts.signature import signature
from myosem.ring import on_ring
from myosem.session_adapter import SessionAdapter
from myosem.train_batch import Material, Sampler
from myosem.train_config import TextBank, TrainConfig, prompt_texts
from myosem.zero_shot import PoseReader

__all__ = ["TextBank", "TrainConfig", "Trainer", "embed", "prompt_texts"]


class Trainer:
    """One model and its training; everything random comes from the configuration's seed.

    Args:
        sessions: what to learn from.
        bank: texts of the A actions.
        config: how.
        similarity: ``(A, A)`` how similar the bank's actions are, 0 or more; for ``config.soft``.

    Raises:
        UsageError: the steps cannot be divided as asked, or soft targets lack similarities.
    """

    def __init__(
        self,
        sessions: Sequence[Session],
        bank: TextBank,
        config: TrainConfig,
        similarity: NDArray[np.floating] | None = None,
    ) -> None:
        self.config, self.bank, self.sessions = config, bank, list(sessions)
        self.step_number = 0
        self.losses: list[float] = []
        self.parts = _parts(config)
        self.device = best_device()
        self.material = Material.of(sessions, bank.actions)
        self.random = OwnRandom(config.seed, self.device)
        with self.random():
            self.encoder, scores = self._encoder()
            self.head = TextHead(bank.vectors.shape[1], config.encoder.dimension, len(bank.actions))
        self.sampler = Sampler(self.material, scores, self.encoder.spread(), bank, config)
        self.log_scale = torch.nn.Parameter(torch.tensor(math.log(15.0), device=self.device))
        self.anchors = torch.from_numpy(bank.anchors()).to(self.device)
        views = [bank.anchors(view) for view in range(self.encoder.config.queries)]
        self.view_anchors = [torch.from_numpy(own).to(self.device) for own in views]
        self.loss = _loss(config, len(bank.actions), similarity).to(self.device)
        self.encoder.to(self.device).train()
        self.head.to(self.device).train()
        parameters = [*self.encoder.parameters(), *self.head.parameters()]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": parameters, "weight_decay": config.weight_decay},
                {"params": [self.log_scale, *self.loss.parameters()], "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
        )

    def run(self, until: int | None = None, report: Callable[[int, float], None] | None = None) -> None:
        """Go on to step ``until``, to the end by default; evaluation mode, on the CPU, once it is reached."""
        steps = self.config.steps
        while self.step_number < min(steps if until is None else until, steps):
            self.losses.append(self.step())
            if report is not None:
                report(self.step_number, self.losses[-1])
        if self.step_number == steps:
            self._finish()

    def step(self) -> float:
        """One optimiser step; the loss."""
        with self.random(), autocast(self.device):
            loss = self._loss_of_step()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._average_gradients()
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self._rate(self.step_number)
        self.optimizer.step()
        self.step_number += 1
        return float(loss.detach())

    def modules(self) -> dict[str, torch.nn.Module]:
        """All that is learned, but for the temperature, by name."""
        return {"encoder": self.encoder, "head": self.head, "loss": self.loss}

    def _loss_of_step(self) -> Tensor:
        batch = self.sampler.vary(self.sampler.draw()).to(self.device)
        emg = self.random.in_parts(
            self.encoder.with_views, self.parts, batch.features, batch.mask, batch.scores
        )
        anchors = self.head(self.anchors).float()
        text, text_action = (one.to(self.device) for one in self.sampler.texts())
        text = self.random.in_parts(self.head, self.parts, text)
        emg, text = gather_vectors(emg.float(), text.float())
        labelled = batch.action >= 0
        dataset = batch.dataset[:, None].expand_as(labelled)[labelled]
        owner = torch.arange(len(anchors), device=self.device)
        scale = self.log_scale.exp().clamp(max=100)
        comparable = self.material.vocabulary.to(self.device)[dataset]
        everything = torch.ones(len(text), len(anchors), dtype=torch.bool, device=self.device)
        with torch.autocast(self.device.type, enabled=False):
            said = self._said(emg[labelled], anchors, batch.action[labelled], scale, comparable)
            read: Tensor = self.loss(text, anchors, text_action, owner, scale, everything)
        return said + read

    def _said(
        self, emg: Tensor, anchors: Tensor, action: Tensor, scale: Tensor, comparable: Tensor
    ) -> Tensor:
        """Loss of n segments ``(n, 1 + V, D)`` with all words, and of one view, in turn, with its own."""
        owner = torch.arange(len(anchors), device=self.device)
        whole: Tensor = self.loss(emg[:, 0], anchors, action, owner, scale, comparable)
        if not self.view_anchors:
            return whole
        view = self.step_number % len(self.view_anchors)
        words = self.head(self.view_anchors[view]).float()
        viewed: Tensor = self.loss(emg[:, 1 + view], words, action, owner, scale, comparable)
        return whole + self.config.views * viewed

    def _average_gradients(self) -> None:
        if processes() == 1:
            return
        for group in self.optimizer.param_groups:
            for value in group["params"]:
                value.grad = torch.zeros_like(value) if value.grad is None else value.grad
                dist.all_reduce(value.grad)
                value.grad /= processes()

    def _rate(self, step: int) -> float:
        warm = max(self.config.steps // 20, 1)
        progress = min(max(step - warm, 0) / max(self.config.steps - warm, 1), 1)
        return min((step + 1) / warm, 1.0) * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)

    def _finish(self) -> None:
        self.encoder.cpu().eval()
        self.head.cpu().eval()
        with torch.no_grad():
            self.head.memory.zero_()
            anchors = self.head(self.anchors.cpu())
            self.head.remember(anchors)
        self.adapter = self._adapter(anchors.numpy())

    def _encoder(self) -> tuple[SessionEncoder, list[Tensor]]:
        """An encoder that knows scale and discriminants, and their scores of each training session."""
        config = self.config.encoder if self.config.views else replace(self.config.encoder, queries=0)
        scale = SessionEncoder(config)
        scale.fit_scale(self.material.classes())
        examples = []
        for number, session in enumerate(self.sessions):
            values, actions = self.material.known[number]
            fixed, own = (view.numpy() for view in scale.alone(values))
            dataset = self.material.dataset[number]
            examples.append(Example(dataset, session.person, fixed, own, actions.numpy()))
        discriminants, scores = fit_discriminants(examples)
        encoder = SessionEncoder(replace(config, scores=len(discriminants.bias)))
        fitted = {name: own for name, own in scale.named_buffers() if not name.startswith("score")}
        encoder.load_state_dict(fitted, strict=False)
        spread = torch.from_numpy(np.concatenate(scores).std(axis=0)).clamp(min=1e-3)
        encoder.fit_scores(discriminants, spread)
        return encoder, [torch.from_numpy(score) for score in scores]

    def _adapter(self, anchors: NDArray[np.float32]) -> SessionAdapter:
        """What the training people of each data set say, and where the words for it lie ``(A, D)``."""
        number = {action: position for position, action in enumerate(self.bank.actions)}
        vocabularies = zip(self.material.names, self.material.vocabulary, strict=True)
        names = [name for name, known in vocabularies if known.sum() > 1]
        statistics = tuple(self._statistics(name) for name in names)
        members = [session for session in self.sessions if session.dataset in names]
        gate = fit_gate(
            [session.features for session in members],
            [names.index(session.dataset) for session in members],
            self.encoder.center.numpy(),
            self.encoder.scale.numpy(),
            self.config.seed,
        )
        rows = [[number[action] for action in one.actions] for one in statistics]
        own_anchors = tuple(anchors[own].astype(np.float64) for own in rows)
        return SessionAdapter(gate, statistics, own_anchors, self._pose(members, names))

    def _pose(self, members: Sequence[Session], names: Sequence[str]) -> PoseReader | None:
        """What people of these data sets did, as a reader of poses."""
        known = load_actions()
        signatures = {action: signature(known[action]) for action in self.bank.actions if action in known}
        sessions = [(one.dataset, one.features, one.actions) for one in members if not one.slower]
        able = any(action in signatures for _, _, actions in sessions for action in actions)
        return PoseReader.fit(sessions, signatures, names) if able else None

    def _statistics(self, dataset: str) -> Statistics:
        own = [one for one in self.sessions if one.dataset == dataset and not one.slower]
        rings = [session.channels.angles[on_ring(session.channels.angles)] for session in own]
        [(angles, _)] = Counter(tuple(ring.tolist()) for ring in rings).most_common(1)
        labelled = [
            (session.features, [a if a in self.bank.actions else None for a in session.actions])
            for session in own
        ]
        people = len({session.person for session in own})
        return Statistics.of(dataset, np.array(angles), labelled, people, self.config.encoder.context)


@torch.no_grad()
def embed(encoder: SessionEncoder, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vectors ``(N, D)`` of one session's ``(N, WIDTH)`` features."""
    values = torch.from_numpy(features)[None]
    vectors: NDArray[np.float32] = encoder(values, torch.ones(values.shape[:2], dtype=torch.bool))[0].numpy()
    return vectors


def _parts(config: TrainConfig) -> int:
    """Parts of a step in all processes: as many in each, and as many sessions and texts in each part."""
    parts = math.lcm(config.chunks, processes())
    if config.sessions % parts or config.texts % parts:
        raise UsageError(
            "a step cannot be divided evenly",
            got=f"{config.sessions} sessions and {config.texts} texts in {parts} parts "
            f"(chunks {config.chunks}, processes {processes()})",
            expected="a number of parts that divides both",
        )
    return parts


def _loss(config: TrainConfig, actions: int, similarity: NDArray[np.floating] | None) -> PairLoss:
    known = None if similarity is None else torch.from_numpy(np.asarray(similarity, dtype=np.float32))
    if known is not None and known.shape != (actions, actions):
        raise UsageError("similarities of other actions", got=tuple(known.shape), expected=(actions, actions))
    if config.loss == "sigmoid":
        return SigmoidLoss(config.soft, known, bias=-math.log(max(actions - 1, 1)))
    return MultiPositiveClipLoss(config.soft, known)
