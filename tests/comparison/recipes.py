"""Recipes that are trained in a second."""

from __future__ import annotations

ADDING = """
name = "adding"
task = "memory-task"
[corpus]
name = "adding"
length = 4
[training]
epochs = 0.2
batch_size = 4
warmup = 2
validate_every = 10
"""

CELLS = """
name = "cells"
cells = ["rnn", "lstm"]
seeds = [0, 1]
[[experiment]]
recipe = "adding.toml"
parameters = 1580
learning_rates = [1e-2, 1e-3]
sweep_epochs = 0.1
"""
