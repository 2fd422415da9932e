"""Patched states against states put in by hand, and on networks that are known to keep or to forget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnscope import CharLanguageModel
from rnnscope.analysis.causes import patching
from rnnscope.analysis.causes.patching import patch_lifetime
from rnnscope.errors import AddressError, ArgumentError, ModelError, RnnscopeError, TextError
from tests.handmade import counter, latch, random_network
from tests.printing import printed

DONOR = 'ab cd.\n"abcd. ab" cd ab.'
RECEIVER = 'abcd ab cd ab cd abcd ab.\nab cd abcd ab:"cd ab" ab.'


def tokens_of(model: CharLanguageModel, text: str) -> Tensor:
    return torch.from_numpy(model.vocabulary.encode(text))[:, None]


def of_two(state: Any) -> tuple[Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("step", [0, 9])
def test_a_whole_state_put_in_is_the_donors_network_on_the_receivers_text(
    cell: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patching, "_CHUNK", 7)
    model = random_network(1, cell, layers=2)
    found = patch_lifetime(model, DONOR, RECEIVER, step)
    assert found.units == (("l0.h", "l0.c", "l1.h", "l1.c") if cell == "lstm" else ("l0.h", "l1.h"))
    runs, series = [], []
    with torch.no_grad():
        for text in (RECEIVER, DONOR):
            logits, state = model(tokens_of(model, text[: step + 1]))
            logits, states = [logits[-1:]], [state]
            for token in tokens_of(model, RECEIVER[step + 1 :]):
                more, state = model(token[None], state)
                logits.append(more)
                states.append(state)
            runs.append(torch.cat(logits)[:, 0].double().log_softmax(dim=-1))
            series.append(torch.stack([torch.cat([part.flatten() for part in of_two(one)]) for one in states]))
    p, q = runs
    assert np.allclose(found.table["kl"], (p.exp() * (p - q)).sum(dim=-1), atol=1e-6)
    assert found.table.index.tolist() == list(range(step, len(RECEIVER)))
    assert "".join(found.table["character"]) == RECEIVER[step:]
    both = torch.cat([torch.cat(states_of(model, text)) for text in (DONOR, RECEIVER)])
    expected = (((series[0] - series[1]) / both.std(dim=0, correction=0)) ** 2).mean(dim=1).sqrt()
    assert np.allclose(found.table["distance"], expected, rtol=1e-3, atol=1e-5)


def states_of(model: CharLanguageModel, text: str) -> list[Tensor]:
    """All states after each character of a text but the last, each of shape (1, unit)."""
    state, found = None, []
    with torch.no_grad():
        for token in tokens_of(model, text[:-1]):
            _, state = model(token[None], state)
            found.append(torch.cat([part.flatten() for part in of_two(state)])[None])
    return found


def test_a_latch_keeps_what_it_is_given_to_the_end() -> None:
    found = patch_lifetime(latch(), DONOR, RECEIVER, 9, ["l0.c.3"])
    assert DONOR[:10].count('"') == 1
    assert found.lasts == len(RECEIVER) - 9
    assert not found.ended
    values = found.table["kl"].to_numpy()
    before, after = values[: RECEIVER.index(":") - 9], values[RECEIVER.index('"') + 1 - 9 : RECEIVER.rindex('"') - 9]
    assert np.allclose(before, np.log(9 / 8), atol=0.01)  # a quote has a probability of 1/9 instead of 0
    assert (after > 2).all()  # the patched network has toggled to off


def test_a_counter_keeps_a_count_until_the_newline() -> None:
    model = counter(3)
    rnn: Any = model.rnn
    rnn.weight_hh_l0.data[:, 3] = 0.0
    found = patch_lifetime(model, DONOR, RECEIVER, 9, ["l0.c.3"])
    newline = RECEIVER.index("\n")
    assert found.lasts == newline - 9
    assert found.ended
    kl, distance = found.table["kl"].to_numpy(), found.table["distance"].to_numpy()
    assert (kl[: newline - 9] > 1e-6).all()
    assert (kl[newline - 9 :] < 1e-12).all()
    assert (distance[newline - 9 :] < 1e-6).all()
    assert np.allclose(distance[: newline - 9], distance[0], rtol=1e-3)


def test_a_state_of_its_own_makes_no_difference() -> None:
    found = patch_lifetime(random_network(2), RECEIVER, RECEIVER, 9)
    assert found.lasts == 0
    assert found.ended
    assert found.table["distance"].to_numpy().max() < 1e-5


def test_the_card_and_the_picture_say_how_long_it_lasts() -> None:
    model = counter(3)
    for width in (80, 120):
        card = printed(patch_lifetime(model, DONOR, RECEIVER, 9, ["l0.c.3", "l0.h.1"]), width)
        assert all(len(line) <= width for line in card.splitlines())
        assert "l0.c.3, l0.h.1 from another text at step 9" in card
        assert "The effect lasts" in card
    found = patch_lifetime(latch(), DONOR, RECEIVER, 9, ["l0.c.3"])
    axes = found.plot()
    assert len(axes.lines[0].get_xdata()) == len(found.table)  # pyright: ignore[reportArgumentType]
    assert found.plot(axes) is axes


BAD: list[tuple[dict[str, Any], type[RnnscopeError], str]] = [
    ({"model": torch.nn.LSTM(3, 3)}, ModelError, "reads forward"),
    ({"donor": "a"}, TextError, "donor is one text"),
    ({"receiver": ["ab", "cd"]}, TextError, "receiver is one text"),
    ({"receiver": ""}, TextError, "empty"),
    ({"step": len(DONOR)}, TextError, "donor has the steps 0 to"),
    ({"step": -1}, ArgumentError, "step is a whole number of at least 0"),
    ({"step": 1.5}, ArgumentError, "step is a whole number"),
    ({"units": ["l0.c.9"]}, AddressError, "Units: 0 to 7"),
    ({"units": []}, AddressError, "No unit"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), BAD)
def test_bad_input_is_refused_in_words(wrong: dict[str, Any], error: type[RnnscopeError], message: str) -> None:
    with pytest.raises(error, match=message):
        patch_lifetime(**{"model": latch(), "donor": DONOR, "receiver": RECEIVER, "step": 9, **wrong})
