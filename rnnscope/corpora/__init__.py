"""Data to train and test on: named, the same for everybody, and the user's own.

texts           texts to model
labelled        texts with a label each
tagged          sentences with a tag for each word
pairs           texts with their translations
minimal_pairs   two sentences that differ in one place, one good and one bad
digits          images with captions
series          numbers in the order of time

data            what all of these have in common
splitting       into training, validation and test parts
files           the files of named corpora, fetched and kept
linux_kernel    the source of the kernel, from a tree that the user has
tables          a CSV file as named columns
"""
