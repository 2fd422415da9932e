"""What results say, for a reader who meets them for the first time."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from rnnscope.analysis.alignment import Alignment
from rnnscope.analysis.causes.ablation_result import Ablation
from rnnscope.analysis.gates.saturation import Saturation
from rnnscope.analysis.gates.timescales_result import Timescales
from rnnscope.analysis.gradients.flow_result import GradientFlow
from rnnscope.analysis.memory.context_result import EffectiveContext
from rnnscope.analysis.mistakes.error_result import ErrorAnalysis
from rnnscope.analysis.search.found import FoundUnits


def sentences(result: Any) -> list[str]:
    """What a result means, how it was made and what was found; the sentences of its card, of other kinds."""
    say = next((say for kind, say in _SAID.items() if isinstance(result, kind)), _card_sentences)
    return say(result)


def card_title(result: Any) -> str:
    """The title of a result's card, empty if it has none."""
    first = _card(result)[:1]
    return first[0].plain if first and _is_title(first[0]) else ""


def _card_sentences(result: Any) -> list[str]:
    """What stands on a result's card between its tables."""
    lines = [" ".join(text.plain.split()) for text in _card(result) if not _is_title(text)]
    return [line for line in lines if line and not line.endswith(":")]


def _card(result: Any) -> list[Text]:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    return [part for part in result.__rich_console__(console, console.options) if isinstance(part, Text)]


def _is_title(text: Text) -> bool:
    return str(text.style) == "bold"


def _saturation(result: Saturation) -> list[str]:
    return [
        "A gate is a number between 0, shut, and 1, open, which the network sets anew at every character. Of each "
        "unit's gate the table has the share of the text during which it is nearly shut (left, below 0.1) and nearly "
        "open (right, above 0.9).",
        "A forget gate f that is open most of the time lets its unit remember; one that is shut makes it forget at "
        "once. Gates that are neither are where the network weighs what it reads.",
        *_card_sentences(result),
    ]


def _timescales(result: Timescales) -> list[str]:
    return [
        "How many characters a unit remembers, told in three ways that need not agree: by how far its gate is "
        "open (forget), by how long its series stays like itself (autocorrelation), and by how slowly a small change "
        "to the state dies out (jacobian). In steps; inf where it does not fade.",
        f"Measured over {result.steps:,} steps. The ways differ by more than a factor of 2 for "
        f"{len(result.disagree)} of {len(result.table)} units.",
    ]


def _gradient_flow(result: GradientFlow) -> list[str]:
    rows: Any = result.summary[np.isfinite(result.summary["half_life"])]
    return [
        "How much the loss at a character depends on what the network held so many characters before, its lag: log10 "
        "of the gradient's norm, the median and the quartiles over many characters. Training can learn from what is "
        "far back only as far as this curve reaches.",
        f"{len(result.targets):,} characters out of {result.text}, lags {result.lags[0]:,} to {result.lags[-1]:,}.",
        *(
            f"{signal}: beyond lag 1 the gradient is half as large after {half_life:.1f} steps."
            for signal, half_life in rows["half_life"].items()
        ),
    ]


def _effective_context(result: EffectiveContext) -> list[str]:
    tried = ", ".join(f"{length:,.0f}" for length in result.rows("truncated")["to"])
    low, high = (f"{end:,.0f}" if np.isfinite(end) else "beyond" for end in (result.low, result.high))
    return [
        f"{result.title} (95 % interval: {low} to {high}); the lengths that were tried are {tried}.",
        "How far back the network looks: it predicts with the last few characters alone (truncated), or with all of "
        "them but a stretch in random order (shuffled) or taken from elsewhere (replaced). The table has how much "
        "worse it predicts (change, in nats per character); no change means that it does not use what is missing.",
        *_card_sentences(result),
    ]


def _errors(result: ErrorAnalysis) -> list[str]:
    return [
        "Where the network is unsure, by the kind of character: an error is one that it gave a probability below 0.5, "
        "even if it was its first guess. Each is counted in the first category that holds.",
        f"Read: {result.text}.",
        *(
            f"{model}: {row['errors']:,.0f} errors in {row['characters']:,.0f} characters ({row['share']:.1%}), a mean "
            f"loss of {row['loss']:.3f} nats."
            for model, row in result.summary.iterrows()
        ),
    ]


def _ablation(result: Ablation) -> list[str]:
    return [
        "Does the network use the unit? It is taken away while the network reads, and the table has how much worse the "
        "network then predicts (change, in nats per character): where the concept holds (inside), where it does "
        "not (outside), and at the characters where it begins and ends. A unit that is used costs something there, "
        "and more than the matched ones that are taken away for comparison (controls).",
        *_card_sentences(result),
    ]


def _found(result: FoundUnits) -> list[str]:
    return [
        "Of each concept the unit that tells it best. It was chosen on the first half of the text and scored on the "
        "second; p is the chance that the best of all units would do as well on labels that are shifted in time.",
        *_card_sentences(result),
    ]


def _alignment(result: Alignment) -> list[str]:
    return [
        "Two networks that learn the same do not keep it in units of the same number. Of each unit of the first this "
        "is the unit of the second whose values go with it best, up or down, over the same text.",
        *result.said,
    ]


_SAID: dict[type, Callable[[Any], list[str]]] = {
    Saturation: _saturation,
    Timescales: _timescales,
    GradientFlow: _gradient_flow,
    EffectiveContext: _effective_context,
    ErrorAnalysis: _errors,
    Ablation: _ablation,
    FoundUnits: _found,
    Alignment: _alignment,
}
