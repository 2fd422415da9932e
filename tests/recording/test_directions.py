"""Directions as signals: coordinates by hand, gradients, interventions, and nothing of them left behind."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.nn.utils.rnn import pack_sequence
from torch.utils.checkpoint import checkpoint

import rnnscope
from rnnscope.errors import AddressError, InterventionError, OutputError, RecordingError
from rnnscope.recording import directions as module_of_directions
from rnnscope.recording.address import Address
from rnnscope.recording.along import along
from rnnscope.recording.directions import Directions
from rnnscope.recording.layers import addresses_of, units_of

from .networks import PROJECTION_WARNING, Case, cases

pytestmark = pytest.mark.filterwarnings(PROJECTION_WARNING)

close: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-9}


def rotated(signal: str, units: int, count: int | None = None, seed: int = 0, name: str = "pc") -> Directions:
    """Random directions with a mean and a scale."""
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.normal(size=(units, units)))[0][: count or units]
    return Directions(signal, name, vectors, rng.normal(size=units), rng.uniform(0.5, 2, units))


def identity(signal: str, units: int) -> Directions:
    return Directions(signal, "same", np.eye(units), np.zeros(units))


def by_hand(directions: Directions, values: torch.Tensor) -> torch.Tensor:
    x = (values.detach().double().numpy() - directions.mean) / directions.scale
    return torch.from_numpy(x @ directions.vectors.T)


@given(case=cases(torch.float64))
@settings(max_examples=60, deadline=None)
def test_a_recorded_direction_is_the_product_by_hand(case: Case) -> None:
    plain = case.flat()
    with rnnscope.record(case.module) as expected:
        case.flat()
    given = [rotated(str(a), expected[a].shape[-1], 1 + i % 3, i, f"d{i}") for i, a in enumerate(expected)]
    with along(case.module, given):
        with rnnscope.record(case.module) as recording:
            recorded = case.flat()
        with rnnscope.unroll(case.module, [str(one.address) for one in given]) as unrolled:
            stepped = case.flat()
    for a, b, c in zip(plain, recorded, stepped, strict=True):
        assert torch.equal(a, b)
        torch.testing.assert_close(a, c, **close)
    for one in given:
        values, lengths = expected[one.signal], expected.lengths(one.signal)
        within = (torch.arange(len(values))[:, None] < lengths)[..., None]
        torch.testing.assert_close(recording[one.address], by_hand(one, values) * within, **close)
        torch.testing.assert_close(unrolled[one.address].detach(), by_hand(one, values) * within, **close)
        assert unrolled.lengths(one.address).tolist() == case.lengths
    assert sorted(map(str, recording)) == sorted([*map(str, expected), *(str(one.address) for one in given)])


def test_the_gradient_of_a_coordinate_is_that_of_the_signal_along_its_vector() -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(3, 4, 2).double(), torch.randn(6, 2, 3, dtype=torch.float64)
    directions = [rotated("l0.c", 4, 2), rotated("l0.c", 4, name="other"), rotated("l1.h", 4, seed=3)]
    with along(module, directions), rnnscope.unroll(module) as recording:
        loss = module(x)[0].square().sum()
    for one in directions:
        inner = torch.autograd.grad(loss, recording.steps(one.address), retain_graph=True)
        outer = torch.autograd.grad(loss, recording.steps(one.signal), retain_graph=True)
        for coordinate, unit in zip(inner, outer, strict=True):
            torch.testing.assert_close(coordinate, unit @ torch.from_numpy(one.vectors * one.scale).T, **close)
    x.requires_grad_()
    with rnnscope.unroll(module):
        plain = torch.autograd.grad(module(x)[0].square().sum(), [x, *module.parameters()])
    with along(module, directions), rnnscope.unroll(module):
        shown = torch.autograd.grad(module(x)[0].square().sum(), [x, *module.parameters()])
    for a, b in zip(plain, shown, strict=True):
        torch.testing.assert_close(a, b, **close)


def test_a_loss_made_of_coordinates_has_gradients() -> None:
    torch.manual_seed(0)
    module, x = nn.GRU(3, 4).double(), torch.randn(5, 2, 3, dtype=torch.float64, requires_grad=True)
    directions = rotated("l0.h", 4, 2)
    with along(module, directions), rnnscope.unroll(module, ["l0.pc"]) as recording:
        output, _ = module(x)
    (found,) = torch.autograd.grad(recording["l0.pc.1"].sum(), x, retain_graph=True)
    read = torch.from_numpy(directions.vectors[1] / directions.scale)
    (expected,) = torch.autograd.grad((output @ read).sum(), x)
    torch.testing.assert_close(found, expected, **close)


@given(case=cases(torch.float64))
@settings(max_examples=40, deadline=None)
def test_to_change_a_direction_of_the_identity_is_to_change_the_unit(case: Case) -> None:
    with rnnscope.record(case.module) as recording:
        case.flat()
    for signal in recording:
        units = recording[signal].shape[-1]
        with rnnscope.intervene(case.module, {str(signal.of(1)): rnnscope.clamp(0.3)}):
            expected = case.flat()
        same = identity(str(signal), units)
        with along(case.module, same):
            with rnnscope.intervene(case.module, {str(same.address.of(1)): rnnscope.clamp(0.3)}):
                found = case.flat()
        for a, b in zip(expected, found, strict=True):
            torch.testing.assert_close(a, b, **close)


def test_all_coordinates_at_zero_are_the_mean() -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(3, 5), torch.randn(7, 2, 3)
    directions = rotated("l0.c", 5)
    means = {f"l0.c.{unit}": rnnscope.clamp(float(mean)) for unit, mean in enumerate(directions.mean)}
    with rnnscope.intervene(module, means):
        expected, _ = module(x)
    with along(module, directions), rnnscope.intervene(module, {"l0.pc": rnnscope.ablate()}):
        found, _ = module(x)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_only_the_direction_that_is_held_changes() -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(3, 5).double(), torch.randn(7, 2, 3, dtype=torch.float64)
    with along(module, rotated("l0.c", 5)):
        with rnnscope.record(module) as before:
            module(x)
        held = {("l0.pc.1", "l0.pc.4"): rnnscope.clamp(0.7, steps=[3])}
        with rnnscope.intervene(module, held), rnnscope.record(module) as after:
            module(x)
    torch.testing.assert_close(after["l0.pc"][:3], before["l0.pc"][:3], **close)
    torch.testing.assert_close(after["l0.pc"][3][:, [0, 2, 3]], before["l0.pc"][3][:, [0, 2, 3]], **close)
    torch.testing.assert_close(after["l0.pc"][3][:, [1, 4]], torch.full((2, 2), 0.7, dtype=torch.float64), **close)
    assert not torch.allclose(after["l0.pc"][4:], before["l0.pc"][4:])


def test_values_of_an_intervention_may_come_from_a_recording_of_directions() -> None:
    torch.manual_seed(0)
    module, x = nn.GRU(3, 4).double(), torch.randn(6, 1, 3, dtype=torch.float64)
    other = torch.randn(6, 1, 3, dtype=torch.float64)
    with along(module, rotated("l0.h", 4)):
        with rnnscope.record(module) as recording:
            expected, _ = module(other)
        with rnnscope.intervene(module, {"l0.pc": rnnscope.patch(recording)}):
            patched, _ = module(x)
        torch.testing.assert_close(patched, expected, **close)
        with rnnscope.intervene(module, {"l0.pc.2": rnnscope.ablate(recording)}), rnnscope.record(module) as held:
            module(x)
        torch.testing.assert_close(held["l0.pc.2"], recording["l0.pc.2"].mean().expand(6, 1), **close)


@pytest.mark.parametrize("on", ["above", "recurrence"])
def test_a_direction_of_h_is_changed_for_one_of_its_readers_alone(on: Any) -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(3, 4).double(), torch.randn(6, 2, 3, dtype=torch.float64)
    with rnnscope.intervene(module, {"l0.h.2": rnnscope.clamp(0.5, on=on)}):
        expected, _ = module(x)
    with along(module, identity("l0.h", 4)), rnnscope.intervene(module, {"l0.same.2": rnnscope.clamp(0.5, on=on)}):
        found, _ = module(x)
    torch.testing.assert_close(found, expected, **close)
    with (
        along(module, rotated("l0.c", 4)),
        pytest.raises(InterventionError, match="alone"),
        rnnscope.intervene(module, {"l0.pc.2": rnnscope.clamp(0.5, on=on)}),
    ):
        pass


def test_cells_in_a_loop_and_encoders_have_directions() -> None:
    torch.manual_seed(0)
    cell, x = nn.LSTMCell(3, 4).double(), torch.randn(6, 2, 3, dtype=torch.float64)

    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = cell, nn.GRU(4, 4, bidirectional=True).double()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            state = None
            outputs = []
            for step in x:
                state = self.encoder(step, state)
                outputs.append(state[0])
            return self.decoder(torch.stack(outputs))[0]

    network = Loop()
    directions = [rotated("encoder.l0.i", 4, 2), rotated("decoder.l0r.h", 4)]
    with along(network, directions):
        with rnnscope.record(network) as recording:
            plain = network(x)
        with rnnscope.unroll(network) as unrolled:
            network(x).sum().backward()
        with rnnscope.record(network.decoder, ["pc"]) as part:
            network(x)
        changes = {"encoder.l0.pc.0": rnnscope.clamp(0.1), "decoder.l0r.pc.3": rnnscope.clamp(1)}
        with rnnscope.intervene(network, changes), rnnscope.record(network) as held:
            changed = network(x)
    for one in directions:
        torch.testing.assert_close(recording[one.address], by_hand(one, recording[one.signal]), **close)
        torch.testing.assert_close(unrolled[one.address].detach(), recording[one.address], **close)
        assert len(unrolled.steps(one.address)) == 6
    assert [str(address) for address in part] == ["l0r.pc"]
    assert torch.allclose(held["encoder.l0.pc.0"], torch.tensor(0.1, dtype=torch.float64))
    assert torch.allclose(held["decoder.l0r.pc.3"], torch.tensor(1.0, dtype=torch.float64))
    assert not torch.allclose(changed, plain)


def test_sequences_of_their_own_lengths_are_zero_beyond_their_ends() -> None:
    torch.manual_seed(0)
    module, directions = nn.LSTM(3, 4), rotated("l0.c", 4)
    packed = pack_sequence([torch.randn(2, 3), torch.randn(5, 3)], enforce_sorted=False)
    with along(module, directions):
        with rnnscope.record(module) as recording:
            module(packed)
        with rnnscope.unroll(module) as unrolled:
            module(packed)
        with rnnscope.record(module, lengths=[2, 5]) as padded:
            module(torch.randn(5, 2, 3))
    for one in (recording, unrolled, padded):
        assert not one["l0.pc"][2:, 0].any()
        assert one["l0.pc"][:2, 0].all() and one["l0.pc"][:, 1].all()


def test_twenty_rotations_are_recorded_in_one_pass_and_nothing_is_left() -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(3, 6), torch.randn(9, 2, 3)
    rotations = [rotated("l0.c", 6, seed=seed, name=f"r{seed}") for seed in range(20)]
    before = dict(vars(module))
    with along(module, rotations[:10]), along(module, rotations[10:]), rnnscope.record(module) as recording:
        assert units_of({"": module}, Address.parse("l0.r3")) == 6
        module(x)
    for one in rotations:
        torch.testing.assert_close(recording[one.address], by_hand(one, recording["l0.c"]).float())
    assert vars(module) == before
    assert [str(address) for address in addresses_of(module)] == ["l0.h", "l0.c", "l0.i", "l0.f", "l0.g", "l0.o"]
    with pytest.raises(AddressError, match="no signal 'r3'"), rnnscope.record(module, ["l0.r3"]):
        pass


@pytest.mark.parametrize("given", [3, None, "pc", [None]])
def test_what_is_no_network_or_no_directions_is_refused(given: Any) -> None:
    with pytest.raises(RecordingError, match="Directions were expected"), along(nn.LSTM(3, 4), given):
        pass
    with pytest.raises(RecordingError, match="A network was expected"), along(given, rotated("l0.c", 4)):
        pass


def test_nothing_survives_an_exception_and_copies_show_none() -> None:
    module = nn.LSTM(3, 4)
    with pytest.raises(ZeroDivisionError), along(module, rotated("l0.c", 4)):
        assert len(addresses_of(copy.deepcopy(module))) == 6
        raise ZeroDivisionError
    with pytest.raises(RecordingError), along(module, [rotated("l0.c", 4), rotated("l0.h", 4)]):
        pass
    assert module not in module_of_directions._ATTACHED


def test_a_layer_that_is_run_once_more_for_its_gradients_is_the_same() -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(3, 4).double(), torch.randn(5, 1, 3, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(module(x)[0].square().sum(), x)
    with along(module, rotated("l0.c", 4)), rnnscope.unroll(module) as recording:
        output: Any = checkpoint(lambda x: module(x)[0], x, use_reentrant=False)
        (found,) = torch.autograd.grad(output.square().sum(), x)
    torch.testing.assert_close(found, expected, **close)
    assert recording["l0.pc"].shape == (5, 1, 4)


def test_values_in_half_precision_stay_what_they_are() -> None:
    torch.manual_seed(0)
    module, x = nn.LSTM(3, 4).bfloat16(), torch.randn(5, 1, 3).bfloat16()
    with along(module, rotated("l0.c", 4)), rnnscope.record(module) as recording:
        module(x)
    assert recording["l0.pc"].dtype == torch.bfloat16
    expected = by_hand(rotated("l0.c", 4), recording["l0.c"])
    torch.testing.assert_close(recording["l0.pc"].double(), expected, rtol=1e-2, atol=1e-2)


def test_layers_may_have_different_numbers_of_directions() -> None:
    module, x = nn.LSTM(3, 4, 2), torch.randn(5, 1, 3)
    with along(module, [rotated("l0.c", 4, 2), rotated("l1.c", 4, 3)]):
        assert [units_of({"": module}, Address.parse(name)) for name in ("l0.pc", "l1.pc")] == [2, 3]
        with rnnscope.record(module) as recording:
            module(x)
        assert (recording["l0.pc"].shape[-1], recording["l1.pc"].shape[-1]) == (2, 3)
        assert dict(recording.to_xarray()["l0"].sizes) == {"time": 5, "batch": 1, "unit": 4, "unit_pc": 2}
        with pytest.raises(AddressError, match="Units: 0 to 1"):
            with rnnscope.intervene(module, {"l0.pc.2": rnnscope.ablate()}):
                pass


def test_what_spans_is_made_orthonormal_and_keeps_its_first_direction() -> None:
    rows = np.random.default_rng(0).normal(size=(3, 5))
    found = Directions.spanning("l0.c", "probe", rows, np.zeros(5))
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(found.vectors[0], rows[0] / np.linalg.norm(rows[0]))
    assert (np.sum(found.vectors * rows, axis=1) > 0).all()
    np.testing.assert_allclose(rows @ found.vectors.T @ found.vectors, rows)
    for wrong in (np.zeros(5), [rows[0], 2 * rows[0]], np.ones((6, 5)), ["a"], np.ones((1, 1, 5))):
        with pytest.raises(RecordingError):
            Directions.spanning("l0.c", "probe", wrong, np.zeros(5))  # pyright: ignore[reportArgumentType]


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    directions = rotated("encoder.l1r.h", 5, 3)
    back = Directions.load(directions.save(tmp_path / "pc.npz"))
    assert (back.signal, back.name, back.share) == ("encoder.l1r.h", "pc", None)
    for field in ("vectors", "mean", "scale"):
        np.testing.assert_array_equal(getattr(back, field), getattr(directions, field))
    shared = Directions("l0.c", "pc", np.eye(2), np.zeros(2), share=np.array([0.75, 0.25]))
    np.testing.assert_array_equal(Directions.load(shared.save(tmp_path / "pc.npz")).share, [0.75, 0.25])
    with pytest.raises(OutputError, match="npz"):
        directions.save(tmp_path / "pc.csv")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="There is no file"):
        Directions.load(tmp_path / "none.npz")
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "text.npz").write_text("no arrays\n" * 100)
    np.savez(tmp_path / "other.npz", weights=np.eye(3))
    np.savez(tmp_path / "objects.npz", format=np.array([{}], dtype=object))
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.eye(3))
    whole = rotated("l0.c", 5).save(tmp_path / "whole.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "turned.npz").write_bytes(whole[:300] + bytes(40) + whole[340:])
    for name in ("empty", "text", "other", "objects", "array", "cut", "turned"):
        with pytest.raises(RecordingError, match="not a file of directions"):
            Directions.load(tmp_path / f"{name}.npz")
    with pytest.raises(RecordingError, match="cannot be read"):
        Directions.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signal": "l0.c.3"}, "one unit"),
        ({"name": "p.c"}, "letters"),
        ({"name": "unit"}, "letters"),
        ({"name": 3}, "letters"),
        ({"vectors": 2 * np.eye(4)}, "right angles"),
        ({"vectors": np.eye(3)}, "shape"),
        ({"vectors": np.ones(4)}, "direction, unit"),
        ({"vectors": np.full((4, 4), np.nan)}, "Finite"),
        ({"vectors": np.eye(4, dtype=complex)}, "Finite"),
        ({"vectors": np.empty((0, 4))}, "shape"),
        ({"mean": None}, "Finite"),
        ({"scale": np.zeros(4)}, "above 0"),
        ({"scale": np.ones(3)}, "shape"),
        ({"share": np.ones(3)}, "shares"),
    ],
)
def test_what_are_no_directions_is_refused(change: dict[str, Any], message: str) -> None:
    given = {"signal": "l0.c", "name": "pc", "vectors": np.eye(4), "mean": np.zeros(4)}
    with pytest.raises(RecordingError, match=message):
        Directions(**{**given, **change})


def test_directions_that_do_not_fit_a_network_are_refused() -> None:
    module = nn.LSTM(3, 4)
    for directions, error, message in (
        (rotated("l1.c", 4), AddressError, "no layer"),
        (rotated("l0.z", 4), AddressError, "no signal"),
        (rotated("l0.c", 5), RecordingError, "has 4"),
        (rotated("l0.c", 4, name="h"), RecordingError, "already"),
        ("l0.pc", RecordingError, "Directions were expected"),
    ):
        with pytest.raises(error, match=message), along(module, [directions]):  # pyright: ignore[reportArgumentType]
            pass
    with along(module, rotated("l0.c", 4)):
        with pytest.raises(RecordingError, match="itself"), along(module, rotated("l0.pc", 4, name="again")):
            pass
    assert not module_of_directions.directions_of(module)
