"""What an output is due to: the characters that were read, and the units that carried them.

attributing                to each character or word, by any of the methods
signals                    to each unit of a signal at each step
phrases                    to whole phrases, by contextual decomposition of an LSTM
faithfulness               which of the methods to trust on a network

question                   what is asked: a number that follows from a text, and from variants of it
targets                    what of the output is asked for: a class, a character, a unit
inputs                     where the network takes in what it reads
baselines                  what takes the place of a text, or of a part of it
words                      the parts that can be taken away: characters or words

methods                    the methods by name
work                       what a method is given, and what it gives back
captum_methods             captum's methods, made to run on recurrent networks
signal_methods             those for the units of a signal
path                       integrals from a baseline to a text
contextual_decomposition   what a span brings to a target (Murdoch, Liu and Yu 2018)
decomposition              the states of an LSTM split for it

curves                     what becomes of a target while a text is deleted
faithfulness_summary       from such curves to tables

result                     what an attribution has found: a table, words, a picture
signals_result             the same of the units of a signal
faithfulness_result        what a faithfulness check has found
drawing                    a text as a picture, on coloured cells
shading                    a text in the terminal, each character on the colour of its score
"""
