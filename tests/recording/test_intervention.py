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
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence

import rnnscope
from rnnscope import CharLanguageModel, Recording, ablate, clamp, intervene, patch, resample
from rnnscope.errors import AddressError, InterventionError, RecordingError, RnnscopeError
from rnnscope.recording.intervention import Intervention
from rnnscope.recording.recorder import addresses_of

from .networks import CELLS, KINDS, PROJECTION_WARNING, Case, Loop, cases

pytestmark = pytest.mark.filterwarnings(PROJECTION_WARNING)

close: dict[str, Any] = {"rtol": 1e-12, "atol": 1e-12}

Changes = dict[str | tuple[str, ...], Intervention]

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
    torch.testing.assert_close(output, expected, **close)
    ones = (torch.autograd.grad(values.square().sum(), x)[0] for values, x in ((output, seen), (expected, hand)))
    torch.testing.assert_close(*ones, **close)


@pytest.fixture
def counter() -> nn.RNN:
    """Two units that add up their input, the second one tenfold."""
    module = nn.RNN(1, 2, nonlinearity="relu", bias=False)
    module.get_parameter("weight_ih_l0").detach().copy_(torch.tensor([[1.0], [10.0]]))
    module.get_parameter("weight_hh_l0").detach().copy_(torch.eye(2))
    return module


ONES = torch.ones(5, 1, 1)


def counts(module: nn.RNN, interventions: Any, x: Tensor = ONES) -> list[float]:
    """What the first unit puts out at each step, and its last state."""
    with torch.no_grad(), intervene(module, interventions):
        output, last = module(x)
    return [*output[:, 0, 0].tolist(), last[0, 0, 0].item()]


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


@pytest.mark.parametrize("lengths", [[4, 4], [4, 2]], ids=["whole", "packed"])
def test_a_unit_is_set_to_its_mean_within_the_sequences(counter: nn.RNN, lengths: list[int]) -> None:
    with rnnscope.record(counter) as source:
        counter(pack_sequence([torch.ones(n, 1) for n in lengths]))
    mean = sum(sum(range(1, n + 1)) for n in lengths) / sum(lengths)
    with intervene(counter, {"l0.h": ablate(source)}):
        output, _ = counter(ONES)
    assert torch.equal(output, torch.tensor([mean, 10 * mean]).expand(5, 1, 2))


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
    changes: Changes = {"l0.h.0": Intervention(lambda signal, units, now, step: 2 * now[:, units])}
    with intervene(counter, changes):
        assert counts(counter, changes) == [4, 20, 84, 340, 1364, 1364]
        assert counts(counter, {}) == [2, 6, 14, 30, 62, 62]


@pytest.fixture
def recorded(counter: nn.RNN) -> Recording:
    """Of the counter: 1 to 50, and 1 to 20 beside it, packed."""
    with rnnscope.record(counter) as source:
        counter(pack_sequence([torch.ones(50, 1), torch.ones(20, 1)]))
    return source


def resampled(counter: nn.RNN, source: Recording, units: Any, seed: int = 0) -> Tensor:
    with intervene(counter, {units: resample(source, seed=seed)}), torch.no_grad():
        return counter(torch.ones(40, 3, 1))[0]


def test_what_is_resampled_depends_on_the_seed_alone(counter: nn.RNN, recorded: Recording) -> None:
    first, again, other = (resampled(counter, recorded, "l0.h", seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_what_is_resampled_differs_from_step_to_step_and_from_sequence_to_sequence(
    counter: nn.RNN, recorded: Recording
) -> None:
    drawn = resampled(counter, recorded, "l0.h.0")[..., 0]
    assert set(drawn.flatten().tolist()) <= set(range(1, 51))  # never what lies beyond a sequence's end
    assert len(drawn.unique()) > 20
    assert all(len(sequence.unique()) > 10 for sequence in drawn.T)
    assert sum(len(step.unique()) > 1 for step in drawn) > 30


@pytest.mark.parametrize("units", [("l0.h.0", "l0.h.1"), "l0.h"], ids=str)
def test_units_that_are_resampled_together_fit_each_other(counter: nn.RNN, recorded: Recording, units: Any) -> None:
    drawn = resampled(counter, recorded, units)
    assert torch.equal(drawn[..., 1], 10 * drawn[..., 0])


def test_h_and_c_that_are_resampled_together_fit_each_other() -> None:
    torch.manual_seed(0)
    module = nn.LSTM(3, 4, 2)
    with rnnscope.record(module) as source:
        module(torch.randn(30, 2, 3))
    pairs = {tuple(pair) for pair in torch.stack((source["l0.h.2"], source["l1.c.3"]), -1).flatten(0, 1).tolist()}
    with intervene(module, {("l0.h.2", "l1.c.3"): resample(source)}), rnnscope.record(module) as recording:
        module(torch.randn(10, 2, 3))
    drawn = torch.stack((recording["l0.h.2"], recording["l1.c.3"]), -1).flatten(0, 1).tolist()
    assert {tuple(pair) for pair in drawn} <= pairs


@pytest.fixture(params=sorted(KINDS))
def network(request: pytest.FixtureRequest) -> Any:
    """Two layers of each kind in float64."""
    torch.manual_seed(0)
    return KINDS[request.param](3, 4, 2).double()


def text(batch: int = 2, time: int = 9) -> Tensor:
    return torch.randn(time, batch, 3, dtype=torch.float64)


def all_signals(network: Any) -> tuple[str, ...]:
    return tuple(map(str, addresses_of(network)))


def states_of(network: Any) -> tuple[str, ...]:
    return tuple(f"l{layer}.{state}" for layer in range(2) for state in ("hc" if isinstance(network, nn.LSTM) else "h"))


def test_patching_everything_from_another_pass_of_the_same_input_changes_nothing(network: Any) -> None:
    x = text()
    with rnnscope.record(network) as source:
        plain, _ = network(x)
    with intervene(network, {all_signals(network): patch(source)}):
        output, _ = network(x)
    torch.testing.assert_close(output, plain, **close)


def test_states_patched_at_one_step_make_the_rest_the_continuation_of_the_other_text(network: Any) -> None:
    here, there = text(), text()
    there[5:] = here[5:]
    with rnnscope.record(network) as source:
        expected, _ = network(there)
    with intervene(network, {states_of(network): patch(source, steps=[4])}):
        output, _ = network(here)
    torch.testing.assert_close(output[4:], expected[4:], **close)
    torch.testing.assert_close(output[:4], network(here)[0][:4], **close)


def test_one_recorded_sequence_is_patched_into_all_that_are_read(network: Any) -> None:
    x = text(batch=1)
    with rnnscope.record(network) as source:
        expected, _ = network(x)
    with intervene(network, {states_of(network): patch(source)}):
        output, _ = network(text(batch=3))
    torch.testing.assert_close(output, expected.expand(-1, 3, -1), **close)


def test_beyond_the_end_of_a_packed_source_what_is_read_stays_as_it_is(counter: nn.RNN) -> None:
    with rnnscope.record(counter) as source:
        counter(pack_sequence([torch.full((4, 1), 100.0), torch.full((2, 1), 100.0)]))
    with intervene(counter, {"l0.h.0": patch(source, steps=range(4))}):
        output, _ = counter(torch.ones(5, 2, 1))
    assert output[..., 0].T.tolist() == [[100, 200, 300, 400, 401], [100, 200, 201, 202, 203]]


def test_a_reverse_layer_is_patched_at_the_steps_of_the_text() -> None:
    torch.manual_seed(0)
    module, x = nn.GRU(3, 4, bidirectional=True).double(), text()
    with rnnscope.record(module) as source:
        module(text())
    with intervene(module, {"l0r.h": patch(source, steps=[2])}):
        output, _ = module(x)
    torch.testing.assert_close(output[2, :, 4:], source["l0r.h"][2], **close)
    torch.testing.assert_close(output[3:], module(x)[0][3:], **close)


@pytest.mark.parametrize("sizes", [[1] * 9, [4, 1, 4], [9]], ids=str)
def test_steps_are_counted_on_across_calls_that_carry_the_state(network: Any, sizes: list[int]) -> None:
    x = text()
    changes: Changes = {states_of(network): clamp(0.5, steps=[2, 5, 8])}
    with intervene(network, changes):
        whole, _ = network(x)
        state, outputs = None, []
        for chunk in x.split(sizes):
            output, state = network(chunk, state)
            outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs), whole, **close)
    assert (whole[[2, 5, 8]] == 0.5).all()


def test_steps_are_counted_anew_in_each_sequence_that_begins(network: Any) -> None:
    x, zeros = text(), torch.zeros(2, 2, 4, dtype=torch.float64)
    states = (zeros, zeros) if isinstance(network, nn.LSTM) else zeros
    with intervene(network, {"l1.h": clamp(0.5, steps=[2])}):
        first, again, given_zeros = network(x)[0], network(x)[0], network(x, states)[0]
    assert (first[2] == 0.5).all()
    assert torch.equal(first, again)
    assert torch.equal(first, given_zeros)


def test_a_sequence_begins_where_no_state_is_given_also_after_one_that_ended_in_zeros(counter: nn.RNN) -> None:
    with intervene(counter, {"l0.h": ablate(steps=[4])}):
        assert [counter(ONES)[0][:, 0, 0].tolist() for _ in range(3)] == [[1, 2, 3, 4, 0]] * 3


def test_a_state_of_zeros_is_gone_on_from_where_the_network_returned_it(counter: nn.RNN) -> None:
    with intervene(counter, {"l0.h": ablate(steps=[4]), "l0.h.0": clamp(7.0, steps=[6])}):
        _, state = counter(ONES)
        output, _ = counter(ONES, state)
    assert not state.any()
    assert output[:, 0, 0].tolist() == [1, 7, 8, 9, 10]


def test_a_state_that_is_used_twice_is_gone_on_from_twice(counter: nn.RNN) -> None:
    with intervene(counter, {"l0.h.0": clamp(7.0, steps=[5])}):
        _, state = counter(ONES)
        assert [counter(ONES, state)[0][:, 0, 0].tolist() for _ in range(3)] == [[7, 8, 9, 10, 11]] * 3


def test_a_state_that_the_user_sets_to_zero_begins_a_sequence(counter: nn.RNN) -> None:
    with torch.no_grad(), intervene(counter, {"l0.h.0": clamp(7.0, steps=[0])}):
        _, state = counter(ONES)
        assert counter(ONES, state.zero_())[0][:, 0, 0].tolist() == [7, 8, 9, 10, 11]


def test_sequences_that_are_read_in_turns_are_counted_each_by_itself(network: Any) -> None:
    texts = [text(time=6) for _ in range(3)]
    with intervene(network, {"l0.h.1": clamp(0.5, steps=[4])}):
        expected = [network(x)[0] for x in texts]
        states, outputs = [None] * 3, [[], [], []]
        for stretch in range(0, 6, 2):
            for n, x in enumerate(texts):
                output, states[n] = network(x[stretch : stretch + 2], states[n])
                outputs[n].append(output)
    for found, whole in zip(outputs, expected, strict=True):
        torch.testing.assert_close(torch.cat(found), whole, **close)


def fused_and_loop(kind: str) -> tuple[Any, Loop]:
    """A fused module, and its cell in somebody's loop."""
    torch.manual_seed(0)
    fused, cell = KINDS[kind](3, 4).double(), CELLS[kind](3, 4).double()
    cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in fused.state_dict().items()})
    return fused, Loop(cell)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_cell_in_a_loop_is_changed_as_the_fused_module_is(kind: str) -> None:
    fused, loop = fused_and_loop(kind)
    x = text()
    with rnnscope.record(fused) as source:
        fused(text())
    for address in source:
        for how in (ablate(source), clamp(0.3, steps=range(3, 5)), resample(source, seed=3), patch(source, steps=[6])):
            changes: Changes = {str(address): how}
            with intervene(fused, changes):
                expected, _ = fused(x)
            with intervene(loop, changes):
                output, state = loop(x[:4])
                rest, _ = loop(x[4:], state)
                again, _ = loop(x)
            torch.testing.assert_close(torch.cat((output, rest)), expected, **close)
            torch.testing.assert_close(again, expected, **close)


def test_a_loop_that_gives_zeros_itself_begins_a_sequence_also_after_one_that_ended_in_zeros() -> None:
    _, loop = fused_and_loop("gru")
    x, zeros = text(), torch.zeros(2, 4, dtype=torch.float64)
    with intervene(loop, {"l0.h": ablate(steps=[8])}):
        first, again = loop(x, zeros)[0], loop(x, zeros)[0]
    assert not first[8].any()
    assert torch.equal(first, again)


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


def test_a_change_on_one_way_of_h_does_not_show_in_h_itself(counter: nn.RNN) -> None:
    with rnnscope.record(counter) as recording:
        counts(counter, {"l0.h.0": ablate(on="above")})
    assert recording["l0.h.0"][:, 0].tolist() == [1, 2, 3, 4, 5]


def stumble(*_: object) -> Any:
    raise ZeroDivisionError


@pytest.mark.parametrize("where", ["nowhere", "block", "value", "model", "inner block"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nothing_is_left_after_the_block(where: str, kind: str) -> None:
    for network in fused_and_loop(kind):
        x, layer = text(), getattr(network, "cell", network)
        plain = network(x)[0]
        handle = network.register_forward_hook(stumble) if where == "model" else None
        try:
            with intervene(network, {"l0.h.1": Intervention(stumble) if where == "value" else ablate()}):
                network(x)
                with intervene(network, {"l0.h.2": ablate()}):
                    if where == "inner block":
                        raise ZeroDivisionError
                if where == "block":
                    raise ZeroDivisionError
        except ZeroDivisionError:
            assert where != "nowhere"
        else:
            assert where == "nowhere"
        if handle is not None:
            handle.remove()
        assert "forward" not in vars(layer)
        assert not network._forward_pre_hooks
        assert torch.equal(network(x)[0], plain)


def test_an_inner_block_that_breaks_off_leaves_the_outer_one_in_force(counter: nn.RNN) -> None:
    with intervene(counter, {"l0.h.0": clamp(7.0)}):
        with pytest.raises(ZeroDivisionError):
            counts(counter, {"l0.h.0": Intervention(stumble)})
        assert counts(counter, {}) == [7, 7, 7, 7, 7, 7]


@pytest.mark.parametrize(
    ("interventions", "error", "said"),
    [
        ({"l0.q": ablate()}, AddressError, "It has: h, c, i, f, g, o"),
        ({"l2.h": ablate()}, AddressError, "Layers: l0, l1"),
        ({"l0r.h": ablate()}, AddressError, "Layers: l0, l1"),
        ({"l0.c.4": ablate()}, AddressError, "no unit 4 in l0.c. Units: 0 to 3"),
        ({"l0.h.2": ablate()}, AddressError, "no unit 2 in l0.h. Units: 0 to 1"),
        ({("l0.c.1", "l0.c.9"): ablate()}, AddressError, "no unit 9 in l0.c"),
        ({"37": ablate()}, AddressError, "not an address"),
        ({"l0.c": clamp(1.0, on="above")}, InterventionError, "h alone"),
        ({"l0.f": clamp(1.0, on="recurrence")}, InterventionError, "h alone"),
        ({"l0.c.1": 0.0}, InterventionError, r"l0\.c\.1 is given 0\.0; one such as ablate\(\)"),
        ({"l0.c.1": ablate}, InterventionError, "l0.c.1 is given <function ablate"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_changed_is_refused_before_anything_runs(
    interventions: Any, error: type[RnnscopeError], said: str
) -> None:
    module = nn.LSTM(3, 4, 2, proj_size=2)
    with pytest.raises(error, match=said), intervene(module, interventions):
        raise AssertionError
    assert "forward" not in vars(module)


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (ablate, {"steps": 3}, r"steps is a collection such as range\(10\) or \[3\]; got 3"),
        (ablate, {"on": "sideways"}, "on is both, above or recurrence; got 'sideways'"),
        (clamp, {"value": float("nan")}, "finite value; got nan"),
        (clamp, {"value": float("inf")}, "finite value; got inf"),
        (clamp, {"value": "a"}, "finite value; got 'a'"),
        (clamp, {"value": None}, "finite value; got None"),
        (ablate, {"mean": 0.5}, "recording"),
        (patch, {"source": torch.zeros(3, 1, 4)}, "recording"),
        (resample, {"source": 7}, "recording"),
    ],
    ids=["steps", "on", "nan", "inf", "word", "none", "mean", "patch", "resample"],
)
def test_an_intervention_without_sense_is_refused_when_it_is_made(make: Any, options: Any, said: str) -> None:
    with pytest.raises(InterventionError, match=said):
        make(**options)


def test_a_value_of_numpy_is_a_value(counter: nn.RNN) -> None:
    value = torch.tensor([7.0]).numpy()[0]
    assert counts(counter, {"l0.h.0": clamp(value)}) == [7, 7, 7, 7, 7, 7]


def test_a_cell_in_a_loop_has_no_ways_of_its_own_and_says_which_units_it_has() -> None:
    loop = Loop(nn.LSTMCell(3, 4))
    with pytest.raises(InterventionError, match="the loop around the cell decides"):
        with intervene(loop, {"l0.h": ablate(on="above")}):
            raise AssertionError
    with pytest.raises(AddressError, match="no unit 4 in l0.c. Units: 0 to 3"), intervene(loop, {"l0.c.4": ablate()}):
        loop(torch.randn(5, 2, 3))


def test_a_source_that_does_not_fit_is_said(network: Any) -> None:
    with rnnscope.record(network, ["h"]) as short:
        network(text(time=4))
    with rnnscope.record(nn.GRU(3, 4)) as other:
        pass
    with rnnscope.record(nn.ModuleList([network])) as twice:
        network(text())
        network(text())
    for source, batch, error, said in (
        (short, 2, InterventionError, r"has 4 steps, and the network reads step 4. Give steps=range\(4\)"),
        (short, 3, InterventionError, "has 2 sequences, the network reads 3"),
        (other, 2, RnnscopeError, "l1"),
        (twice, 2, RecordingError, "called 2 times"),
    ):
        with pytest.raises(error, match=said), intervene(network, {"l1.h": patch(source)}):
            network(text(batch))
    with intervene(network, {"l1.h": patch(short, steps=range(4))}):
        network(text())


def test_a_source_without_the_signal_says_what_it_has() -> None:
    module = nn.LSTM(3, 4)
    with rnnscope.record(module, ["h"]) as source:
        module(torch.randn(5, 2, 3))
    for how in (patch(source), resample(source), ablate(source)):
        with pytest.raises(AddressError, match="no signal 'c' in l0. It has: h"), intervene(module, {"l0.c": how}):
            module(torch.randn(5, 2, 3))


def test_a_reverse_layer_of_packed_sequences_has_no_common_steps() -> None:
    torch.manual_seed(0)
    module, x = nn.GRU(3, 4, bidirectional=True), torch.randn(5, 2, 3)
    with rnnscope.record(module) as source:
        module(x)
    packed = pack_sequence([x[:, 0], x[:3, 1]])
    for how in (clamp(0.5, steps=[1]), patch(source), resample(source)):
        with pytest.raises(InterventionError, match="give padded ones"), intervene(module, {"l0r.h.1": how}):
            module(packed)
        with intervene(module, {"l0.h.1": how}):
            output, lengths = pad_packed_sequence(module(packed)[0])
        assert lengths.tolist() == [5, 3]
        assert not output[3:, 1].any()


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("signal", ["h", "c", "f"])
def test_a_patch_of_packed_sequences_goes_to_each_sequence_its_own(signal: str, bidirectional: bool) -> None:
    network = nn.LSTM(3, 4, bidirectional=bidirectional)
    packed = pack_sequence([torch.randn(length, 3) for length in (2, 5, 3)], enforce_sorted=False)
    with rnnscope.record(network) as source:
        plain, _ = network(packed)
    with rnnscope.intervene(network, {f"l0.{signal}": patch(source)}):
        patched, _ = network(packed)
    torch.testing.assert_close(patched.data, plain.data)


@pytest.mark.parametrize("units", [3, 6])
def test_values_come_from_a_signal_of_as_many_units(units: int) -> None:
    other, network, x = nn.LSTM(3, units), nn.LSTM(3, 4), torch.randn(5, 2, 3)
    with rnnscope.record(other) as source:
        other(x)
    for change in (patch(source), resample(source), ablate(source)):
        refused = pytest.raises(InterventionError, match=f"{units} units in the recording, and 4 in the network")
        with refused, rnnscope.intervene(network, {"l0.c": change}):
            network(x)
