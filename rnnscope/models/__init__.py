"""The networks that rnnscope trains, one task a file; `TASKS` finds one by its name."""

from .language_model import CharLanguageModel, LanguageModelConfig

TASKS = {CharLanguageModel.task: CharLanguageModel}

__all__ = ["TASKS", "CharLanguageModel", "LanguageModelConfig"]
