"""The problems that there are."""

from __future__ import annotations

from rnnscope.errors import RecipeError

from .adding import Adding
from .anbn import AnBn
from .copy_memory import CopyMemory
from .dyck1 import Dyck1
from .flip_flop import FlipFlop
from .problem import Problem

PROBLEMS: dict[str, Problem] = {
    problem.name: problem for problem in (Adding(), CopyMemory(), AnBn(), Dyck1(), FlipFlop())
}


def find_problem(name: str) -> Problem:
    """The problem of a name.

    Raises
    ------
    RecipeError
        If there is none.
    """
    if name not in PROBLEMS:
        raise RecipeError(f"There is no problem {name!r}. Known: {', '.join(PROBLEMS)}.")
    return PROBLEMS[name]
