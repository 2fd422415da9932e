"""``python -m rnnscope.cli``."""

from . import main

main(prog_name="rnnscope")
