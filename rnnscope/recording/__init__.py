"""From a network and an input to every signal at every step.

`address` names the signals, `recorder` keeps them while a network runs, `recovery` computes those
that PyTorch's kernels hide, `trace` is what aligns them with a text, and `tracing` makes it.
"""
