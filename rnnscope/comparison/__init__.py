"""Cells beside each other: equal parameters, each at its own best learning rate, several seeds.

comparing     networks that are there already: `compare`
experiments   a comparison from its recipe: `run_comparison`

recipe        what is to be compared: a TOML file, read strictly
toml          a recipe as a TOML file again
sizing        the sizes with equal parameters
plan          the runs, and a folder for each
running       the runs side by side
worker        one run, in a process of its own

measures      what is measured of each network, one function a question
measuring     all of them, with what was measured before

result        what comes out: a table of cells, the runs behind it
columns       what its columns are called
notes         what is to be known of its figures
page          its pictures on one page
"""
