"""The tasks that rnnscope trains networks for, one a file; `TASKS` finds one by its name in a recipe."""

from rnnscope.training.task import Task

from .captioning import Captioning
from .classification import Classification
from .forecasting import Forecasting
from .language_model import LanguageModelling
from .memory_task import MemoryTask
from .tagging import Tagging
from .translation import Translation

TASKS: dict[str, type[Task]] = {
    task.network.task: task
    for task in (LanguageModelling, Classification, Tagging, Translation, Captioning, Forecasting, MemoryTask)
}
