"""Problems that need a memory, with the score that none gives, one a file.

problem      what a problem is
known        those that there are, by name
adding       the sum of two marked numbers
copy_memory  ten symbols, given back after a gap
counting     what the two languages of a counter have in common
anbn         as many b as a
dyck1        brackets that match
flip_flop    three bits that hold
losses       what is lost at a step
"""
