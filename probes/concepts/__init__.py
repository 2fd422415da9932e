"""What a unit may track: concepts of prose, of layout and of code, and those that users bring.

`named` finds them by name; `from_function` and `from_labels` make one of your own.
"""

from .generic import from_function
from .registry import CONCEPTS, FAMILIES, families, named
from .tracks import from_labels

__all__ = ["CONCEPTS", "FAMILIES", "families", "from_function", "from_labels", "named"]
