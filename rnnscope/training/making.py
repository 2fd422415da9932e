"""`train`: from the file of a recipe to a network in a folder."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from rnnscope.arguments import as_path
from rnnscope.models import Network
from rnnscope.progress import silence

from . import processes
from .folder import claimed, demand_free, start_folder
from .loop import Run
from .recipe_file import read_recipe


def train(
    recipe: str | Path,
    folder: str | Path | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    device: str = "auto",
) -> Network:
    """Make a network from a recipe.

    Started by torchrun, the processes share each batch, and the network is the one that a single
    process would make (up to rounding, and to dropout, of which each process draws its own).

    Parameters
    ----------
    recipe : path of a TOML file
    folder : path, optional
        Where checkpoints and figures go; ``runs/NAME`` by the recipe's name if not given.
    resume : bool
        Go on from ``last.pt`` in the folder. On a CPU, with the same PyTorch and as many threads,
        the weights are those of an uninterrupted run, bit for bit.
    force : bool
        Start anew in a folder that holds a run already, which is replaced as soon as a first step is made.
    device : str
        See `rnnscope.device.pick_device`; under torchrun ``cpu`` or ``cuda``.

    Returns
    -------
    Network
        The best weights by validation, in eval mode, with their card.

    Raises
    ------
    RecipeError, TextError, DownloadError, DeviceError, OutputError, TrainingError
    KeyboardInterrupt
        After Ctrl-C or SIGTERM; once training has begun, ``last.pt`` is written first.

    Examples
    --------
    >>> from pathlib import Path
    >>> import rnnscope
    >>> _ = Path("text.txt").write_text("The rain had stopped, and the yard was full of carts. " * 40)
    >>> _ = Path("recipe.toml").write_text('''
    ... name = "mine"
    ... corpus.path = "text.txt"
    ... model.hidden_size = 8
    ... training = {epochs = 2, streams = 4, window = 20}
    ... ''')
    >>> model = rnnscope.train("recipe.toml", "run", device="cpu")
    >>> model.card.name, sorted(path.name for path in Path("run").glob("[!.]*"))
    ('mine', ['card.md', 'figures.csv', 'last.pt', 'model.pt', 'recipe.toml'])
    """
    path, asked = as_path(recipe), read_recipe(recipe)
    folder = as_path(folder) if folder is not None else Path("runs") / asked.name
    fabric = processes.launch(device, asked.training.precision, asked.training.logger, folder)
    first = fabric.is_global_zero
    if first:
        demand_free(folder, resume, force)
    fabric.barrier()
    with nullcontext() if first else silence():
        run = Run(asked, folder, fabric)
        with claimed(folder) if first else nullcontext():
            if resume:
                run.restore()
            run.fit(begin=lambda: start_folder(folder, path) if first and not resume else None)
            return run.finish()
