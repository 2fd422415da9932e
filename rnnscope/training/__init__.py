"""From a recipe to a trained network.

`recipe` is what is asked for, `tasks` what can be learnt, `batches` what a step is given, `methods` are the ways to
find weights, `loop` takes the steps, and `making` is the whole: `rnnscope.train`.
"""
