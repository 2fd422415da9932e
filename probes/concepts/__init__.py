"""What a unit may track: concepts of prose, of layout and of code, and those that users bring.

`named` finds them by name; `from_function` and `from_labels` make one of your own.

prose              of running text
layout             of lines and of white space
code               of code, by tree-sitter queries
generic            of the user's functions and regular expressions
tracks             of labels that exist

registry           all of them by name
scanning           labels from arrays of characters at once
parsing            texts as syntax trees
character_labels   a text in the terminal with its labels
"""

from .generic import from_function
from .registry import CONCEPTS, FAMILIES, families, named
from .tracks import from_labels

__all__ = ["CONCEPTS", "FAMILIES", "families", "from_function", "from_labels", "named"]
