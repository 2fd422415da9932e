"""Which units track what: a search over every unit and every concept, in one pass over a text.

finding   the search, half by half
binning   values in bins
tallies   what a pass gathers
scores    from counts to figures
chance    what the best of many units does by chance
found     the result
"""
