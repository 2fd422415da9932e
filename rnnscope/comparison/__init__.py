"""Recurrent cells side by side, as an experiment: equal parameters, rates swept, several seeds."""
