"""From a network and an input to every signal at every step."""

from .address import Address
from .recorder import Recording, record
from .trace import Trace, open_trace, trace

__all__ = ["Address", "Recording", "Trace", "open_trace", "record", "trace"]
