"""Networks that several tests of recordings run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from .adapted import page
from .networks import INPUTS, KINDS, UNITS


@pytest.fixture
def counter() -> nn.RNN:
    """Two units that add up their input, the second one tenfold."""
    module = nn.RNN(1, 2, nonlinearity="relu", bias=False)
    module.get_parameter("weight_ih_l0").detach().copy_(torch.tensor([[1.0], [10.0]]))
    module.get_parameter("weight_hh_l0").detach().copy_(torch.eye(2))
    return module


@pytest.fixture(params=sorted(KINDS))
def network(request: pytest.FixtureRequest) -> Any:
    """Two layers of each kind in float64."""
    torch.manual_seed(0)
    return KINDS[request.param](INPUTS, UNITS, 2).double()


@pytest.fixture
def leaky() -> Any:
    """The cell of docs/adapters.md, registered as the page says."""
    torch.manual_seed(0)
    return page()["LeakyCell"](3, 4).double()
