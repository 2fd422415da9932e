"""What textbooks say of recurrent networks, checked on all three cells; ``docs/lessons.md`` tells it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

import rnnscope
from rnnscope import CharLanguageModel, trained
from rnnscope.cells import cell_of
from rnnscope.models.stack import detach
from tests.recording.networks import CELLS, INPUTS, KINDS, UNITS

TIME, BATCH, WINDOW = 20, 2, 5

close: dict[str, Any] = {"rtol": 0, "atol": 1e-12}
every_cell = pytest.mark.parametrize("kind", KINDS)


def make_layer(kind: str, **options: Any) -> Any:
    torch.manual_seed(0)
    return KINDS[kind](INPUTS, UNITS, dtype=torch.float64, **options)


def make_cell(layer: Any, suffix: str = "_l0") -> Any:
    """The cell that has the weights of one layer and direction."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights = {name: getattr(layer, name + suffix) for name in names}
    cell = CELLS[cell_of(layer).name](weights["weight_ih"].shape[1], UNITS, dtype=torch.float64)
    cell.load_state_dict(weights)
    return cell


def make_input(time: int = TIME, inputs: int = INPUTS) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(time, BATCH, inputs, dtype=torch.float64)


def parts(state: Any) -> tuple[Tensor, ...]:
    """h, or h and c."""
    return state if isinstance(state, tuple) else (state,)


def loop(cell: nn.Module, x: Tensor, copies: Sequence[dict[str, Tensor]] | None = None) -> tuple[Tensor, Any]:
    """All h and the last state of a cell in a loop; with copies, each step has weights of its own."""
    outputs, state = [], None
    for step, x_t in enumerate(x):
        state = cell(x_t, state) if copies is None else functional_call(cell, copies[step], (x_t, state))
        outputs.append(parts(state)[0])
    return torch.stack(outputs), state


def own_weights(cell: nn.Module, steps: int) -> list[dict[str, Tensor]]:
    """As many copies of a cell's weights as there are steps."""
    weights = dict(cell.named_parameters())
    return [{name: weight.detach().clone().requires_grad_() for name, weight in weights.items()} for _ in range(steps)]


def in_windows(layer: nn.Module, x: Tensor, cut: Callable[[Any], Any]) -> Tensor:
    """All h of a text read window by window, the state being handed on through ``cut``."""
    outputs, state = [], None
    for window in x.split(WINDOW):
        output, state = layer(window, cut(state))
        outputs.append(output)
    return torch.cat(outputs)


# A layer is its cell in a loop


@every_cell
def test_a_layer_is_its_cell_in_a_loop(kind: str) -> None:
    layer, x = make_layer(kind), make_input()
    cell = make_cell(layer)
    with rnnscope.record(layer) as whole:
        output, state = layer(x)
    with rnnscope.record(cell) as stepped:
        outputs, last = loop(cell, x)
    torch.testing.assert_close(output, outputs, **close)
    for fused, own in zip(parts(state), parts(last), strict=True):
        torch.testing.assert_close(fused[0], own, **close)
    assert list(whole) == list(stepped)
    for address in whole:
        torch.testing.assert_close(whole[address], stepped[address], **close)


@every_cell
def test_a_stack_in_both_directions_is_loop_upon_loop(kind: str) -> None:
    layer, x = make_layer(kind, num_layers=2, bidirectional=True), make_input()
    below = x
    for number in range(2):
        forward, _ = loop(make_cell(layer, f"_l{number}"), below)
        backward, _ = loop(make_cell(layer, f"_l{number}_reverse"), below.flip(0))
        below = torch.cat((forward, backward.flip(0)), dim=-1)
    torch.testing.assert_close(layer(x)[0], below, **close)


# Weights are shared over time


@every_cell
def test_the_gradient_of_a_shared_weight_is_the_sum_over_its_steps(kind: str) -> None:
    layer, x = make_layer(kind), make_input()
    cell = make_cell(layer)
    copies = own_weights(cell, TIME)
    goal = torch.randn(TIME, BATCH, UNITS, dtype=torch.float64)
    (layer(x)[0] * goal).sum().backward()
    (loop(cell, x, copies)[0] * goal).sum().backward()
    for name, _ in cell.named_parameters():
        shares = [share for copy in copies if (share := copy[name].grad) is not None]
        assert len(shares) == TIME and all(share.any() for share in shares[1:])
        torch.testing.assert_close(getattr(layer, f"{name}_l0").grad, torch.stack(shares).sum(dim=0), **close)


@every_cell
def test_steps_with_weights_of_their_own_can_drift_apart(kind: str) -> None:
    """The copies above are real ones: a change to the last leaves all steps before it alone."""
    x, cell = make_input(), make_cell(make_layer(kind))
    copies = own_weights(cell, TIME)
    before, _ = loop(cell, x, copies)
    copies[-1]["weight_hh"].data += 1
    after, _ = loop(cell, x, copies)
    assert torch.equal(before[:-1], after[:-1])
    assert not torch.isclose(before[-1], after[-1]).any()


# Any length


@every_cell
@pytest.mark.parametrize("time", [1, 7, 500])
def test_a_layer_runs_on_any_length_and_never_looks_ahead(kind: str, time: int) -> None:
    layer, x = make_layer(kind), make_input(time=1000)
    output, _ = layer(x[:time])
    torch.testing.assert_close(output, layer(x)[0][:time], **close)


def last_signs(time: int, batch: int) -> tuple[Tensor, Tensor]:
    """Inputs out of -1, 0, 1, of shape (time, batch, 1), and the last one before or at each step that was not 0."""
    x = torch.randint(-1, 2, (time, batch)).float()
    x[0] = x[0].where(x[0] != 0, torch.ones(batch))
    targets = [x[0]]
    for x_t in x[1:]:
        targets.append(x_t.where(x_t != 0, targets[-1]))
    return x[..., None], torch.stack(targets)


@every_cell
def test_what_is_learnt_on_short_sequences_holds_on_a_hundred_times_longer_ones(kind: str) -> None:
    torch.manual_seed(0)
    rnn, head = KINDS[kind](1, 8), nn.Linear(8, 1)
    optimizer = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=0.02)

    def correct(x: Tensor, targets: Tensor) -> Tensor:
        return (head(rnn(x)[0])[..., 0].sign() == targets).double().mean(dim=1)

    assert correct(*last_signs(2000, 16)).mean() < 0.8
    for _ in range(150):
        x, targets = last_signs(20, 32)
        loss = functional.soft_margin_loss(head(rnn(x)[0])[..., 0], targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert correct(*last_signs(2000, 16))[20:].mean() > 0.999


@pytest.fixture(scope="module")
def prose() -> tuple[CharLanguageModel, str, int]:
    """A shipped network, a page that it has never seen, and the steps that a gradient of its training reached."""
    path = trained.path("prose-lstm")
    model = rnnscope.load(path)
    assert isinstance(model, CharLanguageModel)
    recipe = tomllib.loads(path.with_name("recipe.toml").read_text("utf-8"))
    return model, path.with_name("demo.txt").read_text("utf-8"), recipe["training"]["window"]


def nats(model: nn.Module, text: str) -> np.ndarray:
    """What each character costs; NaN at the first."""
    return rnnscope.trace(model, text, signals=["h"]).tree.dataset["nll"].values


def test_a_language_model_reads_on_far_beyond_its_training_window(prose: tuple[CharLanguageModel, str, int]) -> None:
    """Read eight times over, the page never costs more than at first, when the network had just begun."""
    model, text, window = prose
    assert len(text) * 8 > 10 * window
    first, *later = nats(model, text * 8).reshape(8, len(text))[:, 1:].mean(axis=1)
    assert max(later) <= first < 1.5


def test_what_came_before_the_window_helps(prose: tuple[CharLanguageModel, str, int]) -> None:
    """The same characters cost less with the whole past than with what stands before them in the window."""
    model, text, window = prose
    pieces = [text[start : start + window] for start in range(0, len(text), window)]
    anew = np.concatenate([nats(model, piece) for piece in pieces])
    kept = nats(model, text)
    assert np.nanmean(kept[~np.isnan(anew)]) < np.nanmean(anew)


# The state is all there is of the past


@every_cell
def test_reading_in_pieces_with_the_state_handed_on_is_reading_at_once(kind: str) -> None:
    layer, x = make_layer(kind, num_layers=2), make_input()
    torch.testing.assert_close(in_windows(layer, x, cut=lambda state: state), layer(x)[0], **close)


@every_cell
def test_a_network_whose_state_is_erased_begins_anew(kind: str) -> None:
    layer, x = make_layer(kind), make_input()
    state = tuple(f"l0.{signal.name}" for signal in cell_of(layer).states)
    with rnnscope.intervene(layer, {state: rnnscope.ablate(steps=[9])}):
        erased, _ = layer(x)
    torch.testing.assert_close(erased[10:], layer(x[10:])[0], **close)
    assert not torch.isclose(erased[10], layer(x)[0][10]).any()


def test_half_of_an_lstm_state_is_not_enough() -> None:
    layer, x = make_layer("lstm"), make_input()
    with rnnscope.intervene(layer, {"l0.h": rnnscope.ablate(steps=[9])}):
        erased, _ = layer(x)
    assert not torch.isclose(erased[10], layer(x[10:])[0][0]).any()


# Truncated backpropagation bounds how far gradients reach, and nothing else


@every_cell
def test_detaching_the_state_changes_no_value(kind: str) -> None:
    layer, x = make_layer(kind), make_input()
    torch.testing.assert_close(in_windows(layer, x, cut=detach), layer(x)[0], **close)


@every_cell
@pytest.mark.parametrize("step", [0, 4, 5, 12, TIME - 1])
def test_a_gradient_reaches_back_to_the_border_of_its_window(kind: str, step: int) -> None:
    layer, x = make_layer(kind), make_input().requires_grad_()
    for cut, border in ((detach, step // WINDOW * WINDOW), (lambda state: state, 0)):
        (gradient,) = torch.autograd.grad(in_windows(layer, x, cut)[step].sum(), x)
        reached = [bool(at.all()) for at in gradient]
        assert reached == [border <= t <= step for t in range(TIME)]
        assert not gradient[:border].any()


@every_cell
def test_what_no_gradient_reaches_still_moves_the_output(kind: str) -> None:
    layer, x = make_layer(kind), make_input()
    changed = x.clone()
    changed[WINDOW - 1] += 1
    before, after = (in_windows(layer, text, cut=detach) for text in (x, changed))
    moved = (before - after).abs().amin(dim=(1, 2))
    assert not moved[: WINDOW - 1].any()
    assert (moved[WINDOW : 2 * WINDOW] > 1e-9).all()


@every_cell
def test_a_truncated_gradient_is_the_full_one_without_what_crosses_a_border(kind: str) -> None:
    layer, x = make_layer(kind), make_input()
    cell = make_cell(layer)
    copies = own_weights(cell, TIME)
    outputs, _ = loop(cell, x, copies)
    weights = [copy["weight_hh"] for copy in copies]
    kept, crossing = torch.zeros_like(weights[0]), torch.zeros_like(weights[0])
    for step in range(TIME):
        shares = torch.autograd.grad(outputs[step].sum(), weights[: step + 1], retain_graph=True)
        border = step // WINDOW * WINDOW
        kept += torch.stack(shares[border:]).sum(dim=0)
        crossing += sum(shares[:border], torch.zeros_like(kept))
    (truncated,) = torch.autograd.grad(in_windows(layer, x, cut=detach).sum(), layer.weight_hh_l0)
    (full,) = torch.autograd.grad(layer(x)[0].sum(), layer.weight_hh_l0)
    torch.testing.assert_close(truncated, kept, **close)
    torch.testing.assert_close(full, kept + crossing, **close)
    assert crossing.abs().min() > 1e-6


@every_cell
def test_a_language_model_learns_nothing_from_before_the_border(
    kind: str, make_model: Callable[..., CharLanguageModel]
) -> None:
    model = make_model(cell=kind, layers=2).double()
    before, after = (torch.from_numpy(model.vocabulary.encode(text))[:, None] for text in ("abcde", "fghij"))
    assert model.embedding is not None
    for cut, reaches in ((detach, False), (lambda state: state, True)):
        _, state = model(before)
        logits, _ = model(after, cut(state))
        (gradient,) = torch.autograd.grad(logits[-1].logsumexp(dim=-1).sum(), model.embedding.weight)
        assert bool(gradient[before].any()) is reaches
        assert gradient[after].any()


# Gradients are products: they vanish or explode as powers do


def linear_rnn(matrix: Tensor) -> nn.RNN:
    """h_t = A h_{t-1} + x_t, wherever nothing is negative."""
    size = len(matrix)
    rnn = nn.RNN(size, size, nonlinearity="relu", bias=False, dtype=torch.float64)
    rnn.load_state_dict({"weight_ih_l0": torch.eye(size, dtype=torch.float64), "weight_hh_l0": matrix})
    return rnn


def gradients_of_the_last(rnn: nn.Module, x: Tensor, readout: Tensor, signal: str = "l0.h") -> Tensor:
    """Of a readout of a signal's last step, with respect to the signal at each step: (time, batch, unit)."""
    with rnnscope.unroll(rnn, [signal]) as recording:
        rnn(x)
    steps = recording.steps(signal)
    return torch.stack(torch.autograd.grad((steps[-1] * readout).sum(), steps))


@pytest.mark.parametrize("radius", [0.5, 0.9, 1.0, 1.2])
def test_gradients_of_a_linear_rnn_are_powers_of_its_matrix(radius: float) -> None:
    torch.manual_seed(0)
    matrix = torch.rand(UNITS, UNITS, dtype=torch.float64)
    matrix *= radius / torch.linalg.eigvals(matrix).abs().max()
    readout = torch.rand(UNITS, dtype=torch.float64)
    gradients = gradients_of_the_last(linear_rnn(matrix), make_input(time=60, inputs=UNITS).abs(), readout)
    for back, gradient in enumerate(gradients.flip(0)):
        expected = torch.linalg.matrix_power(matrix.T, back) @ readout
        torch.testing.assert_close(gradient, expected.expand(BATCH, -1), rtol=1e-12, atol=0)
    sizes = gradients[:, 0].norm(dim=-1)
    torch.testing.assert_close(sizes[0] / sizes[1], torch.tensor(radius, dtype=torch.float64), rtol=1e-12, atol=0)


def test_a_rotation_keeps_a_gradient_as_it_is() -> None:
    rotation = torch.eye(UNITS, dtype=torch.float64).roll(1, dims=0)
    readout = torch.rand(UNITS, dtype=torch.float64)
    gradients = gradients_of_the_last(linear_rnn(rotation), make_input(time=200, inputs=UNITS).abs(), readout)
    for back, gradient in enumerate(gradients.flip(0)):
        assert torch.equal(gradient[0], readout.roll(-back))


def test_tanh_takes_its_share_of_each_factor() -> None:
    rnn, x = make_layer("rnn"), make_input()
    readout = torch.rand(UNITS, dtype=torch.float64)
    gradients = gradients_of_the_last(rnn, x, readout)
    expected = readout.expand(BATCH, -1)
    for h, gradient in zip(rnn(x)[0].flip(0), gradients.flip(0), strict=True):
        torch.testing.assert_close(gradient, expected, **close)
        expected = expected * (1 - h**2) @ rnn.weight_hh_l0


@pytest.mark.parametrize(("kind", "memory", "gate"), [("gru", "l0.h", "l0.z"), ("lstm", "l0.c", "l0.f")])
def test_gates_that_see_only_the_input_are_the_factors(kind: str, memory: str, gate: str) -> None:
    layer, x = make_layer(kind), make_input()
    nn.init.zeros_(layer.weight_hh_l0)
    with rnnscope.record(layer, [gate]) as recording:
        layer(x)
    gradients = gradients_of_the_last(layer, x, torch.ones(UNITS, dtype=torch.float64), signal=memory)
    kept = recording[gate].flip(0).cumprod(dim=0)
    torch.testing.assert_close(gradients[:-1].flip(0), kept[:-1], **close)
