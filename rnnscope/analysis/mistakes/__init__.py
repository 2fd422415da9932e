"""Which characters a network gets wrong, beside another and beside n-grams.

error_analysis   the experiment: models side by side, by category, class, position and distance
error_result     what it has shown: tables, a picture, a card
tables           the tables, from the losses and what there is to say of each character
categories       why a character may have been missed: one category each, by a stated order
characters       what there is to say of each character of a text: its class, its word, what is open there
predictors       the probability of each character, by networks and by n-grams
"""
