"""Networks that other programs trained: what they are is read off the names and shapes of their weights.

importing      from a file to a network that computes the same: `import_model`

files          the weights in a file
torchscript    those of a TorchScript archive
vocabulary     the tokens that the network knows
architecture   what network it is
recurrent      the recurrent part of it
"""
