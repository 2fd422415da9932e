"""rnnscope shows what a recurrent network remembers.

    model = rnnscope.load("model.pt")              a trained network, with its vocabulary and card
    trace = rnnscope.trace(model, "some text")     every signal at every step, aligned with the text
    trace["l0.c.37"]                               one unit's series

The names below are loaded when they are first used, so that ``import rnnscope`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from . import inline
from .on_demand import on_demand

if TYPE_CHECKING:
    from .analysis.agreement.ablation import agreement_ablation as agreement_ablation
    from .analysis.agreement.preference import agreement as agreement
    from .analysis.alignment import align_units as align_units
    from .analysis.attribution.attributing import attribute as attribute
    from .analysis.attribution.faithfulness import faithfulness as faithfulness
    from .analysis.attribution.phrases import phrase_scores as phrase_scores
    from .analysis.attribution.signals import attribute_units as attribute_units
    from .analysis.causes.ablation import ablation as ablation
    from .analysis.causes.clamping import clamp_sweep as clamp_sweep
    from .analysis.causes.patching import patch_lifetime as patch_lifetime
    from .analysis.contexts import top_contexts as top_contexts
    from .analysis.directions.bases import compare_bases as compare_bases
    from .analysis.directions.moments import signal_moments as signal_moments
    from .analysis.directions.principal import principal_components as principal_components
    from .analysis.directions.rotations import complete_basis as complete_basis
    from .analysis.directions.rotations import random_rotation as random_rotation
    from .analysis.explanations import explain as explain
    from .analysis.gates.saturation import saturation as saturation
    from .analysis.gates.timescales import timescales as timescales
    from .analysis.gradients.flow import gradient_flow as gradient_flow
    from .analysis.gradients.flow_comparison import GradientFlows as GradientFlows
    from .analysis.gradients.jacobians import state_jacobians as state_jacobians
    from .analysis.gradients.lyapunov import lyapunov_spectrum as lyapunov_spectrum
    from .analysis.matching import match as match
    from .analysis.memory.context import effective_context as effective_context
    from .analysis.memory.counting import counting_units as counting_units
    from .analysis.memory.forgetting import forgetting_times as forgetting_times
    from .analysis.memory.success import task_success as task_success
    from .analysis.mistakes.error_analysis import error_analysis as error_analysis
    from .analysis.responses import responses as responses
    from .analysis.search.finding import find_units as find_units
    from .analysis.units import rank_units as rank_units
    from .checkpoint import load as load
    from .comparison.comparing import compare as compare
    from .comparison.experiments import run_comparison as run_comparison
    from .concept import Concept as Concept
    from .corpora.minimal_pairs import read_minimal_pairs as read_minimal_pairs
    from .errors import RnnscopeError as RnnscopeError
    from .foreign.importing import import_model as import_model
    from .models import Captioner as Captioner
    from .models import CharLanguageModel as CharLanguageModel
    from .models import Forecaster as Forecaster
    from .models import Network as Network
    from .models import SequenceClassifier as SequenceClassifier
    from .models import SequenceTagger as SequenceTagger
    from .models import Transducer as Transducer
    from .models import Translator as Translator
    from .ngram import KneserNey as KneserNey
    from .progress import show_progress as show_progress
    from .recording.adapter import Adapter as Adapter
    from .recording.adapter import register as register
    from .recording.adapters import CTRNN as CTRNN
    from .recording.adapters import MinGRU as MinGRU
    from .recording.adapters import MinLSTM as MinLSTM
    from .recording.along import along as along
    from .recording.directions import Directions as Directions
    from .recording.intervening import intervene as intervene
    from .recording.intervention import ablate as ablate
    from .recording.intervention import clamp as clamp
    from .recording.intervention import patch as patch
    from .recording.intervention import resample as resample
    from .recording.recorded import Recording as Recording
    from .recording.recorder import record as record
    from .recording.recorder import unroll as unroll
    from .reports.description import describe_unit as describe_unit
    from .reports.html.reporting import report as report
    from .text import Document as Document
    from .text import File as File
    from .text import Vocabulary as Vocabulary
    from .tracing.making import trace as trace
    from .tracing.trace import Trace as Trace
    from .tracing.trace import open_trace as open_trace
    from .training.first_weights import untrained as untrained
    from .training.making import train as train

__getattr__, __dir__, __all__ = on_demand(__name__)

inline.views["Trace"] = lambda trace: import_module(".reports.notebook", __name__).trace_html(trace)
