"""How far back a network remembers: in text, unit by unit, and on problems with a known floor.

context      how many characters back the loss depends on: less of the context, or another one at a distance
forgetting   how many steps each unit keeps the difference between two pasts
success      whether a network solves problems that need a memory, against the lag
counting     the unit of such a network that counts

context_result, forgetting_result   what the first two have found: tables, pictures, a card

states       the states of one true reading, at chosen places: what both experiments on text begin with
"""
