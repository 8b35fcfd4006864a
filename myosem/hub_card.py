"""The README.md of a model on the hub: what it is, how to use it, and the numbers its own card states."""

from collections.abc import Iterator, Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from myosem.model_config import BundleConfig

METRICS = {
    "mAP": "map",
    "P@10": "precision_at_10",
    "nDCG@10": "ndcg_at_10",
    "R@1": "recall_at_1",
    "R@5": "recall_at_5",
}
"""Metric as a model's card calls it -> as the hub's metadata does."""
SYSTEM = "MyoSem"
MINILM = "all-MiniLM-L6-v2"
ANY_REPO = "OWNER/NAME"
TAGS = ("emg", "electromyography", "retrieval", "zero-shot", "onnx", "model_hub_mixin")

_MEANS = """means over data sets, beside plain baselines in the same run. They are numbers of the recipe: for
every fold a model is trained anew, without the people it is judged on."""


def model_card(
    config: BundleConfig, repo_id: str = ANY_REPO, *, derived: bool = True, weights: bool = False
) -> ModelCard:
    """The card of a model.

    Args:
        config: what the model says of itself.
        repo_id: where it is going to be.
        derived: whether a notice goes along, because the text tower is made from another one.
        weights: whether the weights for PyTorch go along.
    """
    data = ModelCardData(
        model_name=config.name,
        eval_results=eval_results(config) or None,
        license="other" if derived else "mit",
        license_name="mit-and-apache-2.0" if derived else None,
        license_link="NOTICE" if derived else None,
        base_model=f"sentence-transformers/{MINILM}" if config.text_tower.startswith(MINILM) else None,
        language="en",
        library_name="myosem",
        pipeline_tag="feature-extraction",
        tags=list(TAGS),
    )
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_body(config, repo_id, derived, weights)}")


def eval_results(config: BundleConfig) -> list[EvalResult]:
    """The model's own rows of what its card states, for the metadata ``model-index``."""
    return [
        EvalResult(
            task_type="feature-extraction",
            task_name="EMG and text retrieval",
            dataset_type="emg",
            dataset_name=f"Protocol {protocol}" if protocol else _title(config),
            dataset_config=protocol or None,
            dataset_split="test",
            metric_type=METRICS[metric],
            metric_name=f"{system} {metric}",
            metric_value=value,
        )
        for protocol, system, metric, value in _measured(config.metrics)
        if system.split(",")[0].split()[0] == SYSTEM
    ]


def _measured(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str, str, float]]:
    """Protocol, system, metric and number of every retrieval result; the first protocol has no name."""
    for key, value in metrics.items():
        protocol, _, row = key.rpartition(": ")
        system, _, metric = row.rpartition(" ")
        if system and metric in METRICS and isinstance(value, int | float):
            yield protocol, system, metric, value


def _title(config: BundleConfig) -> str:
    return str(config.metrics.get("protocol", "Held-out people"))


def _table(config: BundleConfig) -> str:
    """The first protocol: a row a system, a column a metric."""
    found = {(system, metric): value for own, system, metric, value in _measured(config.metrics) if not own}
    if not found:
        return "No retrieval was measured."
    systems, metrics = list(dict.fromkeys(system for system, _ in found)), list(METRICS)
    rows = [[system, *(str(found.get((system, metric), "")) for metric in metrics)] for system in systems]
    lines = [["", *metrics], ["---"] * (len(metrics) + 1), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{_title(config)}: {_MEANS}\n\n{table}"


def _listed(values: Mapping[str, Any]) -> str:
    return "\n".join(f"- {key}: {value}" for key, value in values.items()) or "- not stated"


def _body(config: BundleConfig, repo_id: str, derived: bool, weights: bool) -> str:
    run = "\n- `weights.safetensors`, `run.json`: its weights for PyTorch, to train on" if weights else ""
    licence = f"The text tower is made from {MINILM}, Apache-2.0; see NOTICE and LICENSE-MiniLM. The rest is "
    licence = f"{licence if derived else ''}MIT."
    name = repo_id.rpartition("/")[2]
    return f"""# {config.name}

A model of MyoSem, the search engine for muscle activity. It maps plain words and whole sessions of EMG to
unit vectors of width {config.dimension} in one space: moments in recordings are found by describing them.

## How to use it

```console
$ myosem model fetch {repo_id}
$ myosem model use {name}
$ myosem index --library lib
$ myosem search "make a fist" --library lib
```

```python
from myosem import Engine
from myosem.hub import PretrainedModel

model = PretrainedModel.from_pretrained("{repo_id}")
print(Engine("lib", model).search("make a fist", k=5).hits)
```

## What is in it

- `text_tower.onnx`, `text_head.onnx`, `tokenizer.json`: words to vectors
- `emg_encoder.onnx`, `adapter.npz`: sessions to vectors; {config.feature_width} features a segment, version \
{config.feature_version}
- `actions.npz`: vectors of {len(config.actions)} actions; `readings.npz`: what a text says of a pose
- `config.json`: SHA-256 of every file; fingerprint `{config.fingerprint}`{run}

Nothing in it is a pickle.

## How well it works

{_table(config)}

`CARD.md` has all that was measured.

## Limits

A score is a cosine, not a probability. Made for actions of the hand and the wrist and for electrodes on the
forearm. A research tool: no medical device, and not for diagnosis or treatment.

## How it was made

{_listed(config.provenance)}

## Licences

{licence}
"""
