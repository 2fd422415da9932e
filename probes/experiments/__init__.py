"""Experiments of the literature, on any network: the sentiment neuron, number agreement."""
