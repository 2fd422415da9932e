"""The adapters that rnnscope ships beside those of PyTorch's own cells.

`torchrecurrent` knows the cells of the package of that name; `minimal` and `ctrnn` are layers of our
own. Importing this package registers them all, and imports none of the packages they are for.
"""

from . import torchrecurrent as torchrecurrent
from .ctrnn import CTRNN as CTRNN
from .minimal import MinGRU as MinGRU
from .minimal import MinLSTM as MinLSTM
