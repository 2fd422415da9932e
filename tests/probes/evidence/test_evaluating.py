"""An accuracy and what stands beside it: on features that tell nothing, on those that tell all, on bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rnnscope.errors import ProbeError
from rnnscope.probes.decoders.linear import LinearProbe
from rnnscope.probes.decoders.mdl import MDLProbe
from rnnscope.probes.decoders.single_unit import SingleUnitProbe
from rnnscope.probes.evidence.control import control_labels
from rnnscope.probes.evidence.evaluating import evaluate
from rnnscope.probes.examples.activations import Activations, Columns
from rnnscope.probes.examples.examples import Examples
from rnnscope.probes.examples.splitting import split_groups
from tests.printing import printed

FIXED = LinearProbe(strength=0.01)


def random_examples(share: float = 0.5, seed: int = 0, count: int = 4_000) -> Examples:
    """Values that tell nothing of labels that are 1 with a chance, in 20 groups, of 600 types."""
    rng = np.random.default_rng(seed)
    return Examples(
        rng.standard_normal((count, 12)).astype(np.float32),
        (rng.random(count) < share).astype(np.int64),
        ("no", "yes"),
        tuple(f"l0.c.{unit}" for unit in range(12)),
        np.arange(count) * 20 // count,
        rng.integers(0, 600, count),
        "noise at some steps",
    )


def knowing(examples: Examples, unit: int = 3) -> Examples:
    """The same with a unit that holds the label."""
    values = np.asarray(examples.values).copy()
    values[:, unit] = examples.labels * 2 - 1 + 0.1 * values[:, unit]
    return replace(examples, values=values)


@pytest.mark.parametrize("share", [0.5, 0.2, 0.03])
@pytest.mark.parametrize("seed", [0, 1])
def test_selectivity_of_random_features_is_near_zero_also_with_unbalanced_labels(share: float, seed: int) -> None:
    found = evaluate(LinearProbe(), random_examples(share, seed), seed=seed)
    assert abs(found.selectivity) < 0.035
    assert found.accuracy == pytest.approx(found.majority, abs=0.035)
    assert found.control == pytest.approx(found.majority, abs=0.035)
    assert np.isnan(found.untrained)


def test_what_is_there_is_selective_and_not_in_the_untrained_network() -> None:
    noise = random_examples()
    found = evaluate(FIXED, knowing(noise), untrained=noise)
    assert found.accuracy == found.balanced == 1
    assert found.selectivity > 0.4
    assert abs(found.untrained - 0.5) < 0.05
    assert found.low == found.high == 1


def test_types_that_are_there_can_be_learned_by_heart_and_are_not_selective() -> None:
    examples = random_examples(count=2_000)
    types = examples.types % 10
    heart = replace(examples, types=types, values=np.eye(10, dtype=np.float32)[types], units=examples.units[:10])
    labels = control_labels(types, examples.labels, seed=5)
    found = evaluate(FIXED, replace(heart, labels=labels))
    assert found.accuracy == found.control == found.by_heart == 1


def test_figures_are_those_of_a_probe_fit_by_hand() -> None:
    examples = random_examples(0.2)
    values = np.asarray(examples.values)
    values[:, 0] += examples.labels
    train, test = split_groups(examples, seed=3)
    alone = LinearProbe(strength=0.01).fit(values[train], examples.labels[train])
    predicted, labels = alone.predict(values[test]), examples.labels[test]
    found = evaluate(FIXED, examples, seed=3)
    assert found.accuracy == np.mean(predicted == labels)
    assert found.balanced == pytest.approx(np.mean([np.mean(predicted[labels == one] == one) for one in (0, 1)]))
    assert found.majority == np.mean(labels == 0)
    assert (found.trained_on, found.tested_on, found.groups) == (len(train), len(test), 6)
    assert found.low < found.accuracy < found.high
    control = control_labels(examples.types, examples.labels, seed=3)
    by_heart = LinearProbe(strength=0.01).fit(values[train], control[train])
    assert found.control == np.mean(by_heart.predict(values[test]) == control[test])
    learned = dict(zip(examples.types[train], control[train], strict=True))
    told = [learned.get(one, np.bincount(control[train]).argmax()) for one in examples.types[test]]
    assert found.by_heart == np.mean(told == control[test])


@pytest.mark.parametrize(
    "probe",
    [MDLProbe(FIXED), SingleUnitProbe(), LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())],
    ids=lambda probe: type(probe).__name__,
)
def test_any_classifier_will_do_also_on_values_that_are_read_later(probe: object) -> None:
    examples = knowing(random_examples(count=1_000))
    values = np.asarray(examples.values)
    later = replace(examples, values=Activations([Columns(values, np.arange(12))], np.arange(1_000)))
    assert evaluate(probe, later).accuracy == 1


def test_a_control_task_of_one_type_has_one_class() -> None:
    examples = replace(random_examples(count=1_000), types=np.zeros(1_000, np.int64))
    assert evaluate(FIXED, examples).control == 1


def test_a_score_is_a_line_a_table_and_a_picture() -> None:
    noise = random_examples(0.2)
    found = evaluate(FIXED, knowing(noise), untrained=noise)
    assert found.line.startswith("accuracy 1.000 (1.000 to 1.000), majority 0.")
    names = ["accuracy", "balanced", "majority", "untrained", "control", "by_heart", "selectivity"]
    assert list(found.table.index) == names
    assert found.table.loc["selectivity", "value"] == found.accuracy - found.control
    assert "noise at some steps" in printed(found)
    axes = found.plot()
    assert isinstance(axes.figure, Figure)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["probe", "majority", "untrained", "control"]


def test_bad_input_is_said_to_be() -> None:
    noise = random_examples(count=400)
    with pytest.raises(ProbeError, match="all is 'no'"):
        evaluate(FIXED, replace(noise, labels=np.zeros(400, np.int64)))
    for probe in ("x", LinearProbe):
        with pytest.raises(ProbeError, match="An estimator of scikit-learn was expected"):
            evaluate(probe, noise)
    with pytest.raises(ProbeError, match="Examples were expected"):
        evaluate(FIXED, np.zeros((3, 2)))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ProbeError, match="the same as those of the trained one"):
        evaluate(FIXED, noise, untrained=replace(noise, units=tuple(f"l0.h.{unit}" for unit in range(12))))
    with pytest.raises(ProbeError, match="two groups"):
        evaluate(FIXED, replace(noise, groups=np.zeros(400, np.int64)))
    with pytest.raises(ProbeError, match="the same as those of the trained one"):
        evaluate(FIXED, noise, untrained=noise.take(np.arange(300)))
    with pytest.raises(ProbeError, match="the same as those of the trained one"):
        evaluate(FIXED, noise, untrained=replace(noise, labels=1 - noise.labels))
