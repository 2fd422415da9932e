"""Experiments of the literature, on any network: the sentiment neuron, number agreement.

single_unit          the sentiment neuron (Radford, Jozefowicz and Sutskever 2017)
single_unit_result   what it has found: a table, pictures, a card
holding              what is written while a unit is held
separable            probes of few examples that many units can tell apart

number               which units carry the number of a subject to its verb
number_result        what it has found: a table by word, matrices, a card
"""
