"""Which units track what: a search over every unit and every concept, in one pass over a text.

finding   the search, half by half
found     the result

parts     the halves, and their labels
signal    what is gathered of one signal
choice    the unit chosen for a concept
tallies   what a pass gathers
binning   values in bins
scores    from counts to figures
chance    what the best of many units does by chance
"""
