"""Directions made from what a network does, and whether its units are a basis like any other.

moments    mean and covariance of a signal over a text, in one pass
principal  its principal components
rotations  random bases, and such as begin with a given direction
bases      how well units, principal components and random directions tell of concepts, side by side

bases_result   what they tell: a table, a picture, a card
"""
