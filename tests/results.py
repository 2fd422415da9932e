"""One small example of every result that can be drawn, for tests that all of them have to pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import torch

import rnnscope
from rnnscope import CharLanguageModel, Trace
from rnnscope.analysis.alignment import align_units
from rnnscope.comparison.result import Comparison
from rnnscope.corpora.labelled import LabelledCorpus, LabelledText
from rnnscope.models import LanguageModelConfig
from rnnscope.models.classifier import ClassifierConfig
from rnnscope.models.transducer import Transducer, TransducerConfig
from rnnscope.probes.decoders.time_probe import TimeMatrix
from rnnscope.probes.evidence.probing import probe
from rnnscope.probes.experiments.holding import read_while_held
from rnnscope.probes.experiments.number import number_probes
from rnnscope.probes.experiments.single_unit import single_unit_study
from tests.analysis.agreement.agreeing import agreeing, agreeing_pairs
from tests.handmade import Quotes, dialogue, latch, random_network

TEXT = dialogue(np.random.default_rng(0), 1_500)
QUOTES = Quotes()
SENTENCE = 'ab dda:"ca bd. acb" dd.'

HOSTILE = '<script>alert("1")</script> $x_1$ & \x00\x1b[31m\t\n日本 \U0001f600 \u202eabc %s {0} [b]'
"""What a text may hold and a picture or a page must not fall over."""


@cache
def model() -> CharLanguageModel:
    return latch()


@cache
def trace() -> Trace:
    return rnnscope.trace(model(), TEXT)


@cache
def probed() -> Any:
    return probe(model(), TEXT, QUOTES)


@cache
def flow(cell: str = "lstm") -> Any:
    return rnnscope.gradient_flow(random_network(0, cell), TEXT, lags=30, targets=range(200, 260))


def _transducer(problem: str) -> Transducer:
    torch.manual_seed(0)
    return Transducer(TransducerConfig(hidden_size=6, problem=problem, length=8)).eval()


def _corpus() -> LabelledCorpus:
    rng = np.random.default_rng(0)
    words = ["ab", "cdd", "ca b", "d", "bb a", "dca"]
    texts = [f'{a}:"{b}' + f'"{c}' * (n % 2) for n, (a, b, c) in enumerate(rng.choice(words, (240, 3)))]
    labelled = (LabelledText(text, ("inside", "outside")[n % 2]) for n, text in enumerate(texts))
    return LabelledCorpus(tuple(labelled), name="quotations")


def _held() -> Any:
    torch.manual_seed(0)
    config = ClassifierConfig(cell="gru", hidden_size=6, embedding_size=4)
    network = rnnscope.SequenceClassifier(config, model().vocabulary, ["inside", "outside"]).eval()
    return read_while_held(network, "l0.h.2", _corpus().examples[:20], "inside")


def _time_matrix(seed: int = 0) -> TimeMatrix:
    steps = [f"step {step}" for step in range(6)]
    apart = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    noise = np.random.default_rng(seed).normal(0, 0.02, (6, 6))
    return TimeMatrix(pd.DataFrame(0.5 + 0.45 * np.exp(-apart / 2) + noise, steps, steps), 0.5)


def _comparison() -> Comparison:
    rng = np.random.default_rng(0)
    rows = [
        {"experiment": experiment, "name": cell, "cell": cell, "seed": seed, "learning_rate": 0.01, "folder": "x"}
        | {"parameters": 1000.0 * (index + 1), "training_speed": 1e6 * (index + seed + 1)}
        | {"test:nats": 1.5 - 0.1 * index + rng.normal(0, 0.02), "half_life:memory": 3.0 + index + seed}
        for experiment in ("prose", "adding")
        for index, cell in enumerate(("rnn", "gru", "lstm"))
        for seed in (0, 1)
    ]
    return Comparison(pd.DataFrame(rows), pd.DataFrame(columns=["experiment", "cell"]), ("A note.",))


RESULTS: dict[str, Callable[[], Any]] = {
    "Ablation": lambda: rnnscope.ablation(model(), TEXT, "l0.c.3", QUOTES, controls=5),
    "Agreement": lambda: rnnscope.agreement(agreeing(), agreeing_pairs()),
    "AgreementAblation": lambda: rnnscope.agreement_ablation(agreeing(), agreeing_pairs(), "l0.c.3", controls=3),
    "Alignment": lambda: align_units(trace(), rnnscope.trace(random_network(1, "gru"), TEXT), shifts=9),
    "Attribution": lambda: rnnscope.attribute(model(), SENTENCE, method="input-x-gradient"),
    "BasisComparison": lambda: rnnscope.compare_bases(trace(), None, QUOTES, rotations=5),
    "ClampSweep": lambda: rnnscope.clamp_sweep(model(), "l0.c.3", QUOTES, [-1.0, 0.0, 1.0], length=40, samples=4),
    "Comparison": _comparison,
    "Contexts": lambda: rnnscope.top_contexts(trace()["l0.c.5"]),
    "CountingUnits": lambda: rnnscope.counting_units(_transducer("dyck1"), 12, sequences=20),
    "EffectiveContext": lambda: rnnscope.effective_context(model(), TEXT, contexts=[1, 4, 16, 64], targets=60),
    "ErrorAnalysis": lambda: rnnscope.error_analysis({"lstm": model(), "gru": random_network(1, "gru")}, TEXT),
    "Explanation": lambda: rnnscope.explain(trace()["l0.c.3"], QUOTES),
    "Faithfulness": lambda: rnnscope.faithfulness(
        model(), SENTENCE, methods=["saliency", "input-x-gradient"], orders=4
    ),
    "ForgettingTimes": lambda: rnnscope.forgetting_times(model(), TEXT, places=8, horizon=40),
    "FoundUnits": lambda: rnnscope.find_units(trace(), None, QUOTES, shifts=9),
    "GradientFlow": flow,
    "GradientFlows": lambda: rnnscope.GradientFlows(
        {"prose-lstm": flow(), "prose-gru": flow("gru"), "rnn": flow("rnn")}
    ),
    "HeldUnit": _held,
    "LyapunovSpectrum": lambda: rnnscope.lyapunov_spectrum(model(), TEXT, steps=60, warmup=20, sequences=4),
    "Matches": lambda: rnnscope.match(trace(), (100, 112)),
    "NumberProbes": lambda: number_probes(agreeing(), agreeing_pairs(), units=["l0.c.2", "l0.c.3"], count=1),
    "Patching": lambda: rnnscope.patch_lifetime(model(), TEXT[:300], TEXT[300:600], 100),
    "PhraseScores": lambda: rnnscope.phrase_scores(model(), SENTENCE),
    "ProbeResult": probed,
    "ProbeScore": lambda: probed().score,
    "Responses": lambda: rnnscope.responses(trace()["l0.c.5"], fewest=5),
    "Saturation": lambda: rnnscope.saturation(random_network(0, units=24, layers=2), TEXT),
    "SingleUnitStudy": lambda: single_unit_study(model(), _corpus()),
    "StateJacobians": lambda: rnnscope.state_jacobians(random_network(0, "rnn"), TEXT, lags=[1, 2, 5, 10], places=5),
    "TaskSuccess": lambda: rnnscope.task_success(_transducer("adding"), sequences=20),
    "TimeMatrix": _time_matrix,
    "Timescales": lambda: rnnscope.timescales(random_network(0, units=24, layers=2), TEXT),
    "UnitAttribution": lambda: rnnscope.attribute_units(model(), SENTENCE),
    "UnitCard": lambda: rnnscope.describe_unit(trace(), "l0.c.5"),
    "UnitRanking": lambda: rnnscope.rank_units(rnnscope.trace(random_network(0, units=40), TEXT)["l0.c"]),
}
"""By the name of its class, how to make one."""


@cache
def result(name: str) -> Any:
    """The example of a class, made once."""
    return RESULTS[name]()


@cache
def drawn(name: str) -> Any:
    """What its ``.plot()`` returns; for tests that change nothing."""
    return result(name).plot()


HOSTILE_RESULTS: dict[str, Callable[[], Any]] = {
    "Attribution": lambda: rnnscope.attribute(_hostile_model(), HOSTILE, method="input-x-gradient"),
    "Contexts": lambda: rnnscope.top_contexts(_hostile_trace()["l0.c.1"]),
    "Matches": lambda: rnnscope.match(_hostile_trace(), (1, 3), threshold=0.0),
    "PhraseScores": lambda: rnnscope.phrase_scores(_hostile_model(), HOSTILE),
    "Responses": lambda: rnnscope.responses(_hostile_trace()["l0.c.1"], fewest=3),
    "UnitAttribution": lambda: rnnscope.attribute_units(_hostile_model(), HOSTILE),
    "UnitRanking": lambda: rnnscope.rank_units(_hostile_trace()["l0.c"]),
}
"""Results whose words are a text that nobody should have to trust, by the name of their class."""


@cache
def hostile_result(name: str) -> Any:
    return HOSTILE_RESULTS[name]()


@cache
def _hostile_model() -> CharLanguageModel:
    torch.manual_seed(0)
    return CharLanguageModel(LanguageModelConfig(hidden_size=6), rnnscope.Vocabulary.of(HOSTILE)).eval()


@cache
def _hostile_trace() -> Trace:
    return rnnscope.trace(_hostile_model(), HOSTILE * 5)
