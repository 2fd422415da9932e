"""Number agreement: which of two verbs a language model prefers, and what that rests on.

preference          whether the good sentence of a minimal pair is the more probable
preference_result   what is preferred: a table by condition, a picture, a card
ablation            what the preference loses without some units
ablation_result     what they do to it: a table by condition, a picture, a card

sentences           the sentences as a character model reads them
columns             minimal pairs as a table, and their conditions
statistics          how well margins tell two forms apart
"""
