"""Questions asked of signals, one a file; each gives a result with a ``.table``.

search       which units track a concept: all units against all concepts, in one pass
causes       whether the network uses a unit: what comes of changing it
directions   other bases than that of the units, and whether the units are special
agreement    which sentence of a minimal pair is the more probable, and what units have to do with it

attribution   which characters an output, or a unit, is due to
gradients     how far back gradients reach, and what a step does to the state
gates         how long gates are shut or open, and for how long units remember
memory        how much of the past is used, on texts and on problems
mistakes      which characters are missed, by one network and not by another

units          which units to look at first, with no label of anything
counters       how well a unit counts the steps since an event
responses      what raises a unit and what lowers it
contexts       where a unit is highest, and where lowest
explanations   when a unit is on, as a formula over concepts
formulas       the search behind it
matching       where the units of a span are on together again
spans          the search behind it, in one pass
alignment      which unit of another network goes with each of one
correlations   the sums behind it, in one pass

matching_result, alignment_result   what these two have found: tables, a picture, a card

unit_series       units over a trace, with the text beside them
language_models   what every experiment on a language model begins with
beside            several networks, each under its name
intervals         how sure a mean or a share is
"""
