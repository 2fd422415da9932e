"""Whether a network uses a unit: what comes of changing it.

ablation          taking it away, beside other units that vary as much
ablation_result   the card
clamping          holding it at values while the network writes
patching          putting the state of one text into the reading of another

subjects     what an experiment is made with, checked
targets      the characters to predict, and what a concept says of each
controls     what an effect is compared with
streams      a text read side by side
variants     many changes at once
held_texts   texts that are written while a unit is held
"""
