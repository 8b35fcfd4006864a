"""Where a training computes: on which device, how exactly, in which processes, from which random numbers."""

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator, Mapping

import torch
import torch.distributed as dist
from open_clip.loss import gather_features
from torch import Tensor
from torch.utils.checkpoint import checkpoint


def best_device() -> torch.device:
    """A GPU where there is one."""
    return torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")


def autocast(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """In bfloat16 where a GPU has it."""
    fit = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16) if fit else contextlib.nullcontext()


def autocast_cpu() -> contextlib.AbstractContextManager[object]:
    """In bfloat16 on processors that multiply it several times as fast; elsewhere as it is."""
    fit = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.autocast("cpu", torch.bfloat16) if fit else contextlib.nullcontext()


@contextlib.contextmanager
def parallel() -> Iterator[bool]:
    """Join the other processes where ``torchrun`` started several; whether this one is the first."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield dist.get_rank() == 0
    finally:
        dist.destroy_process_group()


def processes() -> int:
    """How many share the work."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def own_part(count: int) -> slice:
    """The part of a batch that is this process's."""
    if processes() == 1:
        return slice(0, count)
    size = count // processes()
    return slice(dist.get_rank() * size, (dist.get_rank() + 1) * size)


def gather_rows(own: Tensor) -> Tensor:
    """Rows of all processes in order; only one's own carry gradients."""
    if processes() == 1:
        return own
    parts = [torch.empty_like(own) for _ in range(processes())]
    dist.all_gather(parts, own.detach().contiguous())
    parts[dist.get_rank()] = own
    return torch.cat(parts)


def gather_vectors(emg: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
    """Vectors of all processes in order; each process feels the gradients of all losses.

    Args:
        emg: ``(n, ...)``, n the same in all processes.
        text: ``(m, ...)``, m likewise.
    """
    if processes() == 1:
        return emg, text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # open_clip gathers with a function that torch renames
        shared = gather_features(
            emg.contiguous(),
            text.contiguous(),
            gather_with_grad=True,
            rank=dist.get_rank(),
            world_size=processes(),
        )
    return shared[0], shared[1]


def total(value: Tensor) -> float:
    """A number summed over all processes."""
    whole = value.detach().clone()
    if processes() > 1:
        dist.all_reduce(whole)
    return float(whole)


class OwnRandom:
    """Random numbers of torch that nobody else's draws change, and that change nobody else's."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._devices = [device] if device.type == "cuda" else []
        self._state: dict[str, Tensor] = {}
        with torch.random.fork_rng(self._devices):
            torch.manual_seed(seed)
            self._remember()

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """All that torch draws inside comes from here."""
        with torch.random.fork_rng(self._devices):
            self._install()
            try:
                yield
            finally:
                self._remember()

    def in_parts(self, module: Callable[..., Tensor], parts: int, *inputs: Tensor) -> Tensor:
        """Apply a module to this process's share of the rows, part after part, in little memory.

        Where a process has several parts, only what comes out of each is kept; the way there is computed
        again, with the same random numbers, once its gradient is known. Each part has random numbers of its
        own, so that it does not matter which process computes it. With one part in all it is a plain call.

        Args:
            module: from rows to rows, row by row.
            parts: in all processes.
            inputs: ``(n, ...)`` each, all rows; n is a multiple of ``parts``.
        """
        if parts == 1:
            return module(*inputs)
        seeds = torch.randint(2**31, (parts,)).tolist()
        pieces = [one.tensor_split(parts) for one in inputs]
        mine = range(parts)[own_part(parts)]
        out = []
        for part in mine:
            rows = [piece[part] for piece in pieces]
            with torch.random.fork_rng(self._devices):
                torch.manual_seed(seeds[part])
                again = len(mine) > 1
                out.append(checkpoint(module, *rows, use_reentrant=False) if again else module(*rows))
        return torch.cat(out)

    def state(self) -> dict[str, Tensor]:
        """What ``restore`` needs to go on from here."""
        return dict(self._state)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on where another one was; without a GPU's numbers, on a GPU, these stay as they are."""
        self._state = {**self._state, **{key: state[key] for key in self._state if key in state}}

    def _remember(self) -> None:
        self._state = {"cpu": torch.get_rng_state()}
        if self._devices:
            self._state["cuda"] = torch.cuda.get_rng_state(self._devices[0])

    def _install(self) -> None:
        torch.set_rng_state(self._state["cpu"])
        if self._devices:
            torch.cuda.set_rng_state(self._state["cuda"], self._devices[0])
