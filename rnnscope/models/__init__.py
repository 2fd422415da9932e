"""The networks that rnnscope trains, one task a file; `NETWORKS` finds one by the name of its task."""

from .captioner import Captioner, CaptionerConfig
from .classifier import ClassifierConfig, SequenceClassifier
from .forecaster import Forecaster, ForecasterConfig
from .language_model import CharLanguageModel, LanguageModelConfig
from .network import Network
from .tagger import SequenceTagger, TaggerConfig
from .transducer import Transducer, TransducerConfig
from .translator import Translator, TranslatorConfig

NETWORKS: dict[str, type[Network]] = {
    network.task: network
    for network in (
        CharLanguageModel,
        SequenceClassifier,
        SequenceTagger,
        Translator,
        Captioner,
        Forecaster,
        Transducer,
    )
}

__all__ = [
    "NETWORKS",
    "Captioner",
    "CaptionerConfig",
    "CharLanguageModel",
    "ClassifierConfig",
    "Forecaster",
    "ForecasterConfig",
    "LanguageModelConfig",
    "Network",
    "SequenceClassifier",
    "SequenceTagger",
    "TaggerConfig",
    "Transducer",
    "TransducerConfig",
    "Translator",
    "TranslatorConfig",
]
