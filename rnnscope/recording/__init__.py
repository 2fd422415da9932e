"""From a network and an input to every signal at every step.

Names and results:

    address       one name for a signal or a unit
    recorded      what a pass leaves: signals by address
    directions    other axes of a signal than its units, and which layer shows them now
    layers        the recurrent layers of a network, and which signals each has

What a network is seen as:

    along         directions as one more signal of a layer: `along`

While a network runs, a tap stands in the place of a recurrent module's ``forward``:

    recorder      puts taps in and takes them out: `record`, `unroll`
    intervention  what becomes of units: `ablate`, `clamp`, `resample`, `patch`
    intervening   puts changes into taps: `intervene`
    tap           what all taps have in common
    tape          what they write, and a recording reads
    fused         the tap of nn.RNN, nn.GRU, nn.LSTM, which catches the call of their kernel
    stepped       the tap of cells in a loop, and of layers that have an adapter
    chains        which calls go on with which sequence

How the signals come about:

    kernels       a kernel's call, and how to run it and see its signals
    recovery      cell states and gates from h, and the self-check
    workspace     the same from what the LSTM's kernel keeps on a CPU
    adapter       what has to be known of any other cell
    steps         PyTorch's cells step by step
    unroll        any layer step by step
    adapters      other cells, with their adapters
    memory        where signals are written
"""
