"""Recordings become sentences without torch, and the exported codes are those of training."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from toy_tokens import toy_tokens
from toys import bursts, record

from myosem.errors import ModelError
from myosem.pretrain_config import QuantizerConfig
from myosem.quantizer import TokenQuantizer
from myosem.segments import find_segments
from myosem.token_training import export_tokenizer
from myosem.tokens import WIDTH, session_tokens, token_times
from myosem.words import TOKENIZER_EMG, EmgTokenizer, sentences


@pytest.fixture(scope="module")
def quantizer() -> TokenQuantizer:
    torch.manual_seed(0)
    quantizer = TokenQuantizer(QuantizerConfig(codes=16, code_width=4, hidden=16))
    values = np.concatenate([one.values[one.mask] for one in (toy_tokens(), toy_tokens(1, device=1))])
    quantizer.scale.fit(values)
    quantizer.quantise(quantizer.encode(torch.from_numpy(values)))
    return quantizer.eval()


@pytest.fixture(scope="module")
def folder(quantizer: TokenQuantizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    one = toy_tokens(2)
    export_tokenizer(path, quantizer, one.values[one.mask])
    return path


@pytest.mark.parametrize("count", [0, 1, 2, 5000])
def test_exported_codes_are_those_of_torch(folder: Path, quantizer: TokenQuantizer, count: int) -> None:
    one = toy_tokens(7, segments=2000)
    values = one.values[one.mask][:count]
    found = EmgTokenizer(folder).codes(values)
    assert found.dtype == np.int64 and found.shape == (count,)
    assert np.mean(found == quantizer.codes(torch.from_numpy(values)).numpy()) >= 0.999 if count else True


def test_a_sentence_has_the_words_of_its_recording(folder: Path) -> None:
    tokenizer = EmgTokenizer(folder)
    first, second = record(bursts()), record(bursts(seed=1))
    [found] = sentences([first, second], [1], tokenizer)
    segments = [one for one in find_segments([first, second]) if one.recording == 1]
    tokens = session_tokens([first, second], segments)
    assert found.recording is second and len(found.words) == len(segments) > 3
    for word, segment, values, mask in zip(found.words, segments, tokens.values, tokens.mask, strict=True):
        assert (word.kind, word.start_s, word.end_s) == (segment.kind, segment.start_s, segment.end_s)
        np.testing.assert_allclose(word.times_s, token_times(segment))
        np.testing.assert_array_equal(word.codes, tokenizer.codes(values[mask]))


def test_it_says_how_many_codes_there_are(folder: Path) -> None:
    assert EmgTokenizer(folder).size == 16


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no EMG tokenizer.*myosem pretrain"):
        EmgTokenizer(tmp_path)


def test_a_tokenizer_of_other_tokens_is_refused(folder: Path, tmp_path: Path) -> None:
    graph = onnx.load(folder / TOKENIZER_EMG)
    helper.set_model_props(graph, {"tokens": "0", "codes": "16"})
    onnx.save(graph, tmp_path / TOKENIZER_EMG)
    with pytest.raises(ModelError, match="another version"):
        EmgTokenizer(tmp_path)


def test_a_network_that_is_not_what_torch_has_is_not_published(
    quantizer: TokenQuantizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TokenQuantizer, "codes", lambda self, values: torch.full((len(values),), 99))
    with pytest.raises(ModelError, match="disagree"):
        export_tokenizer(tmp_path, quantizer, np.zeros((4, WIDTH), dtype=np.float32))
