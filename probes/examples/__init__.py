"""What a probe is trained on: the values of units, read when they are asked for, and labels.

steps         examples from the steps of a text
texts         examples from whole texts

examples      what both give
activations   the values of units, read when they are asked for
reading       how they are read, from a trace or a network
splitting     examples into parts that share no group
"""
