"""Small networks and texts that the tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import pytest
import torch

from rnnscope import CharLanguageModel, Vocabulary
from rnnscope.models import LanguageModelConfig

matplotlib.use("Agg")
torch.set_num_threads(1)  # tiny networks gain nothing from more

CORPORA = Path(__file__).parents[2] / "shared" / "data"
ALPHABET = "abcdefghij \n\"'.,"
LONGEST = ("test_loop", "test_docs", "test_readme")
"""The files that take longest come first, so that at the end no worker is left alone with them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """The same random numbers for a test alone and among others."""
    torch.manual_seed(0)


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
