"""Small networks and texts that the tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import pytest
import torch

from rnnscope import CharLanguageModel, LanguageModelConfig, Vocabulary

matplotlib.use("Agg")
torch.set_num_threads(1)  # tiny networks gain nothing from more

CORPORA = Path(__file__).parents[2] / "shared" / "data"
ALPHABET = "abcdefghij \n\"'.,"


@pytest.fixture
def corpora() -> Path:
    """The folder of real corpora, which lies beside the repository on some machines."""
    if not CORPORA.is_dir():
        pytest.skip("the folder of real corpora does not lie beside the repository")
    return CORPORA


@pytest.fixture
def make_model() -> Callable[..., CharLanguageModel]:
    """Small random language models in eval mode, the same at each call."""

    def make(alphabet: str = ALPHABET, **config: object) -> CharLanguageModel:
        torch.manual_seed(0)
        options = {"hidden_size": 12, "embedding_size": 5, **config}
        return CharLanguageModel(LanguageModelConfig(**options), Vocabulary(alphabet)).eval()  # pyright: ignore[reportArgumentType]

    return make
