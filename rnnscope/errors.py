"""Everything that rnnscope raises on purpose.

    RnnscopeError
    ├── ArgumentError       an argument cannot have this value
    ├── TextError           a text or a corpus cannot be read or is too short
    ├── DownloadError       a named corpus could not be fetched whole
    ├── CheckpointError     a file is not a checkpoint that rnnscope can open
    ├── ModelError          a network cannot do what it is asked to do
    ├── RecipeError         a recipe has a wrong key, type or value
    ├── TrainingError       training cannot start, go on or resume
    │   └── DivergedError   loss or weights have become NaN or infinite
    ├── AdapterError        an adapter does not fit its cell
    ├── AddressError        no such layer, signal or unit
    ├── DeviceError         this machine lacks the device
    ├── RecordingError      a network's signals cannot be recorded
    ├── InterventionError   a change to units cannot be made
    ├── TraceError          a trace cannot be read
    ├── ConceptError        a concept is not known, or cannot label a text
    ├── ProbeError          a probe cannot be trained or tested on what it is given
    ├── AttributionError    a method cannot say what an output is due to
    ├── ReportError         a report cannot be made of what it is given
    └── OutputError         a file cannot be written where the user wants it

Each message says what was expected, what was found, and what to do about it.
"""


class RnnscopeError(Exception):
    """The base of every error that rnnscope raises on purpose.

    Examples
    --------
    >>> import rnnscope
    >>> try:
    ...     rnnscope.load("modle.pt")
    ... except rnnscope.RnnscopeError as error:
    ...     print(error)
    There is no file modle.pt. Check the spelling and the folder.
    """


class ArgumentError(RnnscopeError, ValueError):
    """An argument cannot have this value: no whole number, none of the choices, not between its bounds.

    Also a ValueError, which is what Python and scikit-learn's tools raise of such a value.
    """


class TextError(RnnscopeError):
    """A text or a corpus cannot be read, or is too short for its use."""


class DownloadError(RnnscopeError):
    """A named corpus could not be fetched, or what came is not the corpus."""


class CheckpointError(RnnscopeError):
    """A file is not a checkpoint that rnnscope can open."""


class ModelError(RnnscopeError):
    """A network cannot do what it is asked to do."""


class RecipeError(RnnscopeError):
    """A recipe has an unknown key, a wrong type or an impossible value."""


class TrainingError(RnnscopeError):
    """Training cannot start, go on or resume."""


class DivergedError(TrainingError):
    """Training broke off, since loss or weights have become NaN or infinite."""


class AdapterError(RnnscopeError):
    """An adapter lacks a part, or what it computes is not what its cell does."""


class AddressError(RnnscopeError):
    """An address names a layer, a signal or a unit that does not exist."""


class DeviceError(RnnscopeError):
    """The machine does not have the device that was asked for."""


class RecordingError(RnnscopeError):
    """The signals of a network cannot be recorded, or fail their self-check."""


class InterventionError(RnnscopeError):
    """A change to units cannot be made: it has no value at a step, or one of another shape."""


class TraceError(RnnscopeError):
    """A trace cannot be read: there is none, or it is of another format."""


class ConceptError(RnnscopeError):
    """A concept is not known, cannot label a text, or says the same of all of it."""


class ProbeError(RnnscopeError, ValueError):
    """A probe cannot be trained or tested: too few examples, one class only, values of the wrong shape.

    Also a ValueError, which is what scikit-learn's tools expect of an estimator.
    """


class AttributionError(RnnscopeError):
    """A method cannot say what an output is due to: no such target, or not a method for this cell."""


class ReportError(RnnscopeError):
    """A report cannot be made of what it is given."""


class OutputError(RnnscopeError):
    """A file or a folder cannot be written where the user wants it."""
