"""A sentence-transformers model that is quick to train."""

import json
import shutil
from pathlib import Path

import torch

from myosem.text import SentenceTower


def small_tower(minilm: SentenceTower, folder: Path) -> SentenceTower:
    """Random weights in two narrow layers, and the tokenizer of MiniLM."""
    from transformers import BertConfig, BertModel

    shutil.copytree(minilm.folder, folder, ignore=shutil.ignore_patterns("model.safetensors", "config.json"))
    shutil.copyfile(minilm.folder / "1_Pooling" / "config.json", folder / "1_Pooling" / "config.json")
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=256,
    )
    BertModel(config).save_pretrained(folder)
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
    pooling["word_embedding_dimension"] = 64
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return SentenceTower.load(folder)
