"""Interventions against counters that can be checked by eye and against an explicit loop of the equations."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

import rnnscope
from rnnscope import CharLanguageModel, ablate, clamp, intervene
from rnnscope.recording.intervention import Intervention
from rnnscope.recording.layers import addresses_of

from .networks import CLOSE, ONES, PROJECTION_WARNING, Case, cases, counts, text

pytestmark = pytest.mark.filterwarnings(PROJECTION_WARNING)

Change = Callable[[str, int, Tensor], Tensor]
"""The name of a signal, or of one of the two ways that h goes, the step and the value; what becomes of it."""


def changed(name: str, unit: int, to: float, steps: Collection[int] | None) -> Change:
    def change(here: str, step: int, value: Tensor) -> Tensor:
        if here != name or (steps is not None and step not in steps):
            return value
        return torch.where(torch.arange(value.shape[-1]) == unit, to, value)

    return change


def by_hand(module: nn.RNNBase, x: Tensor, states: list[Tensor], change: Change) -> Tensor:
    """The outputs of a network, layer by layer and step by step; all of shape (time, batch, ...)."""
    for layer in range(module.num_layers):
        outputs = []
        for reverse in (False, True)[: 1 + module.bidirectional]:
            initial = [state[layer * (1 + module.bidirectional) + reverse] for state in states]
            outputs.append(layer_by_hand(module, f"l{layer}", reverse, x, initial, change))
        x = torch.cat(outputs, dim=-1)
    return x


def layer_by_hand(
    module: nn.RNNBase, layer: str, reverse: bool, x: Tensor, states: list[Tensor], change: Change
) -> Tensor:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    suffix, node = f"_{layer}{'_reverse' if reverse else ''}", f"{layer}{'r' if reverse else ''}"
    weights: list[Any] = [getattr(module, name + suffix, None) for name in names]
    W, U, b, d, P = weights
    h, *c = states
    outputs: dict[int, Tensor] = {}
    for t in reversed(range(len(x))) if reverse else range(len(x)):

        def to(name: str, value: Tensor, t: int = t) -> Tensor:
            return change(f"{node}.{name}", t, value)

        from_x, from_h = functional.linear(x[t], W, b), functional.linear(h, U, d)
        if isinstance(module, nn.LSTM):
            i, f, g, o = (from_x + from_h).chunk(4, dim=-1)
            c = [to("c", to("f", f.sigmoid()) * c[0] + to("i", i.sigmoid()) * to("g", g.tanh()))]
            h = to("o", o.sigmoid()) * c[0].tanh()
            h = h if P is None else h @ P.T
        elif isinstance(module, nn.GRU):
            (x_r, x_z, x_n), (h_r, h_z, h_n) = from_x.chunk(3, dim=-1), from_h.chunk(3, dim=-1)
            r, z = to("r", (x_r + h_r).sigmoid()), to("z", (x_z + h_z).sigmoid())
            h = (1 - z) * to("n", (x_n + r * h_n).tanh()) + z * h
        else:
            h = (from_x + from_h).relu() if module.nonlinearity == "relu" else (from_x + from_h).tanh()
        h = to("h", h)
        outputs[t], h = to("h above", h), to("h recurrence", h)
    return torch.stack([outputs[t] for t in range(len(x))])


def outputs_of(case: Case, x: Tensor) -> Tensor:
    """What a case's module puts out, of shape (time, batch, unit) whatever its form."""
    output, _ = case.run(x)
    if isinstance(output, PackedSequence):
        return pad_packed_sequence(output)[0]
    return {"time first": output, "batch first": output.transpose(0, 1), "unbatched": output.unsqueeze(1)}[case.form]


@given(case=cases(torch.float64), data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_change_of_any_signal_does_what_it_does_in_an_explicit_loop(case: Case, data: st.DataObject) -> None:
    case.module.eval()
    address = data.draw(st.sampled_from(addresses_of(case.module)))
    on: Any = data.draw(st.sampled_from(["both", "above", "recurrence"] if address.signal == "h" else ["both"]))
    unit, steps = data.draw(st.integers(0, 1)), data.draw(st.none() | st.sets(st.integers(0, 8)))
    if address.reverse and case.form.startswith("packed"):
        steps = None
    change = changed(str(address) if on == "both" else f"{address} {on}", unit, 0.7, steps)
    seen, hand = (case.x.clone().requires_grad_() for _ in range(2))
    with intervene(case.module, {f"{address}.{unit}": clamp(0.7, steps=steps, on=on)}):
        output = outputs_of(case, seen)
    expected = torch.zeros_like(output)
    for b, n in enumerate(case.lengths):
        states = [state[:, b : b + 1] for state in case.states]
        expected[:n, b] = by_hand(case.module, hand[:n, b : b + 1], states, change)[:, 0]
    torch.testing.assert_close(output, expected, **CLOSE)
    ones = (torch.autograd.grad(values.square().sum(), x)[0] for values, x in ((output, seen), (expected, hand)))
    torch.testing.assert_close(*ones, **CLOSE)


@pytest.mark.parametrize(
    ("intervention", "expected"),
    [
        (ablate(), [0, 0, 0, 0, 0, 0]),
        (ablate(steps=[2]), [1, 2, 0, 1, 2, 2]),
        (ablate(on="above"), [0, 0, 0, 0, 0, 5]),
        (ablate(on="recurrence"), [1, 1, 1, 1, 1, 0]),
        (ablate(on="above", steps={0, 4}), [0, 2, 3, 4, 0, 5]),
        (ablate(on="recurrence", steps=range(2)), [1, 1, 1, 2, 3, 3]),
        (clamp(7), [7, 7, 7, 7, 7, 7]),
        (clamp(7.0, steps=range(1, 3)), [1, 7, 7, 8, 9, 9]),
        (clamp(7.0, steps=[]), [1, 2, 3, 4, 5, 5]),
    ],
    ids=lambda value: str(value) if isinstance(value, list) else "",
)
def test_a_counter_counts_from_what_it_is_set_to(
    counter: nn.RNN, intervention: Intervention, expected: list[float]
) -> None:
    assert counts(counter, {"l0.h.0": intervention}) == expected


def test_other_units_stay_as_they_are(counter: nn.RNN) -> None:
    with intervene(counter, {"l0.h.0": ablate()}):
        output, _ = counter(ONES)
    assert output[:, 0].tolist() == [[0, 10], [0, 20], [0, 30], [0, 40], [0, 50]]


@pytest.mark.parametrize("units", ["l0.h", ("l0.h",), ("l0.h.0", "l0.h.1"), ("l0.h.1", "l0.h"), ("l0.h", "l0.h.1")])
def test_a_set_of_units_and_a_whole_signal_are_changed_together(counter: nn.RNN, units: Any) -> None:
    with intervene(counter, {units: clamp(3.0, steps=[1])}):
        output, _ = counter(ONES)
    assert output[:3, 0].tolist() == [[1, 10], [3, 3], [4, 13]]


def test_a_value_of_numpy_is_a_value(counter: nn.RNN) -> None:
    value = torch.tensor([7.0]).numpy()[0]
    assert counts(counter, {"l0.h.0": clamp(value)}) == [7, 7, 7, 7, 7, 7]


def test_interventions_on_one_unit_are_made_in_order(counter: nn.RNN) -> None:
    assert counts(counter, {"l0.h.0": clamp(7.0), "l0.h": clamp(3.0, steps=[4])}) == [7, 7, 7, 7, 3, 3]
    assert counts(counter, {"l0.h": clamp(3.0, steps=[4]), "l0.h.0": clamp(7.0)}) == [7, 7, 7, 7, 7, 7]


def test_interventions_on_the_ways_of_h_are_made_in_order(counter: nn.RNN) -> None:
    assert counts(counter, {"l0.h.0": clamp(3.0), "l0.h": clamp(7.0, on="above")}) == [7, 7, 7, 7, 7, 3]
    assert counts(counter, {"l0.h": clamp(7.0, on="above"), "l0.h.0": clamp(3.0)}) == [3, 3, 3, 3, 3, 3]


def test_an_inner_block_acts_after_the_outer_one_and_ends_before_it(counter: nn.RNN) -> None:
    with intervene(counter, {"l0.h.0": clamp(7.0)}):
        assert counts(counter, {"l0.h.0": clamp(3.0, steps=[1])}) == [7, 3, 7, 7, 7, 7]
        assert counts(counter, {"l0.h.1": ablate()}) == [7, 7, 7, 7, 7, 7]
        assert counts(counter, {}) == [7, 7, 7, 7, 7, 7]
    assert counts(counter, {}) == [1, 2, 3, 4, 5, 5]


def test_the_same_intervention_may_be_in_force_twice(counter: nn.RNN) -> None:
    changes = {"l0.h.0": Intervention(lambda signal, units, now, step: 2 * now[:, units])}
    with intervene(counter, changes):
        assert counts(counter, changes) == [4, 20, 84, 340, 1364, 1364]
        assert counts(counter, {}) == [2, 6, 14, 30, 62, 62]


def test_a_change_on_one_way_of_h_does_not_show_in_h_itself(counter: nn.RNN) -> None:
    with rnnscope.record(counter) as recording:
        counts(counter, {"l0.h.0": ablate(on="above")})
    assert recording["l0.h.0"][:, 0].tolist() == [1, 2, 3, 4, 5]


def test_gradients_reach_what_was_before_a_change_by_all_other_ways() -> None:
    torch.manual_seed(0)
    module, x = nn.GRU(3, 4).double(), text().requires_grad_()
    with intervene(module, {"l0.h": clamp(0.1, steps=[4])}):
        output, _ = module(x)
    (gradient,) = torch.autograd.grad(output[6:].sum(), x)
    assert not gradient[:5].any()
    assert gradient[5:].all()
    with intervene(module, {"l0.h.0": clamp(0.1, steps=[4])}):
        output, _ = module(x)
    (gradient,) = torch.autograd.grad(output[6:].sum(), x)
    assert gradient.all()


def cost(model: CharLanguageModel, tokens: Tensor) -> float:
    return functional.cross_entropy(model(tokens[:-1])[0], tokens[1:]).item()


def test_the_loss_of_an_ablated_unit_is_that_of_a_network_without_its_outgoing_weights(
    make_model: Callable[..., CharLanguageModel],
) -> None:
    model = make_model()
    tokens = torch.from_numpy(model.vocabulary.encode('abc def. "ghij."\n'))
    plain = cost(model, tokens)
    with intervene(model, {"l0.h.3": ablate()}):
        ablated = cost(model, tokens)
    cut = make_model()
    cut.head.weight.detach()[:, 3] = 0
    cut.rnn.get_parameter("weight_hh_l0").detach()[:, 3] = 0
    assert ablated == pytest.approx(cost(cut, tokens), abs=1e-6)
    assert abs(ablated - plain) > 1e-4


def test_what_is_generated_a_character_at_a_time_is_what_whole_texts_would_make_probable(
    make_model: Callable[..., CharLanguageModel],
) -> None:
    model, prompt = make_model(layers=2), "abc"
    plain = "".join(model.generate(prompt, 12, temperature=0))
    with torch.no_grad(), intervene(model, {"l1.c": clamp(3.0, steps=range(4, 8)), "l1.c.2": clamp(-3.0, steps=[9])}):
        written = "".join(model.generate(prompt, 12, temperature=0))
        expected = prompt
        for _ in range(12):
            logits, _ = model(torch.from_numpy(model.vocabulary.encode(expected)))
            expected += model.vocabulary.decode([int(logits[-1, 1:].argmax()) + 1])
    assert written == expected.removeprefix(prompt)
    assert written != plain


def test_a_trace_shows_the_network_as_it_is_changed(make_model: Callable[..., CharLanguageModel]) -> None:
    model = make_model()
    tokens = torch.from_numpy(model.vocabulary.encode("abcabc."))
    with intervene(model, {"l0.c.3": clamp(0.5, steps=range(2, 5))}):
        trace = rnnscope.trace(model, "abcabc.")
        with torch.no_grad():
            costs = functional.cross_entropy(model(tokens[:-1])[0], tokens[1:], reduction="none")
    assert (trace["l0.c.3"] == 0.5).values.tolist() == [False, False, True, True, True, False, False]
    torch.testing.assert_close(torch.from_numpy(trace.tree.dataset["nll"].values[1:]), costs)
