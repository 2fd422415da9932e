"""From a recipe to a trained network.

`recipe` reads what is asked for, `batches` cuts the text into streams, `methods` are the ways to
find weights, and `loop` does it.
"""
