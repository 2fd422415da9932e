"""From a recipe to a trained network.

making          the whole: `train`
recipe          what is asked for
recipe_file     the same from a TOML file
tables          dataclasses from the tables of such a file

tasks           what can be learnt, one task a file
task            what a run asks of a task
stream_task     a task that reads one long sequence
example_task    a task of examples in shuffled batches
batches         what a step is given

loop            the steps, which can be resumed
methods         ways to find weights
processes       one process or several
folder          the folder of a run
first_weights   the network before it was trained: `untrained`
"""
