"""One reader for each kind of network; `READERS` finds it by the network's class.

reader          what a reader is
tokens          texts, or token ids that stand for one
written         texts that a network writes itself
tables          CSV files of numbers
"""

from rnnscope.models.captioner import Captioner
from rnnscope.models.classifier import SequenceClassifier
from rnnscope.models.forecaster import Forecaster
from rnnscope.models.language_model import CharLanguageModel
from rnnscope.models.tagger import SequenceTagger
from rnnscope.models.transducer import Transducer
from rnnscope.models.translator import Translator

from .captioner import CaptionerReader
from .classifier import ClassifierReader
from .forecaster import ForecasterReader
from .language_model import LanguageModelReader
from .tagger import TaggerReader
from .transducer import TransducerReader
from .translator import TranslatorReader

READERS = {
    Captioner: CaptionerReader,
    CharLanguageModel: LanguageModelReader,
    Forecaster: ForecasterReader,
    SequenceClassifier: ClassifierReader,
    SequenceTagger: TaggerReader,
    Transducer: TransducerReader,
    Translator: TranslatorReader,
}
