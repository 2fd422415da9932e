"""Traces: what a network does at every step of a text, kept in memory or on disk.

documents     what the user gives: texts, files, lines of files
readers       documents on their way through a network, one network a file
writing       the arrays of a trace, filled as the reading goes on
making        all of it together: `trace`
trace         what comes of it, to look into: `Trace`, `open_trace`

on_disk       arrays of a trace that say where they are damaged
coordinates   coordinates along directions of what a trace has kept
passages      signals passage by passage, where nothing is kept
"""
