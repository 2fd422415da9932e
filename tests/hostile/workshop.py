"""A folder of small good inputs of every kind, and what each command is told to do with them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnnscope import Directions, Document, Network, SequenceClassifier, Vocabulary, checkpoint, trace, train
from rnnscope.models.captioner import Captioner, CaptionerConfig
from rnnscope.models.classifier import ClassifierConfig
from rnnscope.models.decoding import END, START
from rnnscope.models.forecaster import Forecaster, ForecasterConfig
from rnnscope.models.tagger import Lexicon, SequenceTagger, TaggerConfig
from rnnscope.models.transducer import Transducer, TransducerConfig
from rnnscope.models.translator import Translator, TranslatorConfig
from tests.foreign.networks import CHARACTERS, ScriptableNetwork, make
from tests.handmade import ALPHABET, dialogue, random_network

INVOCATIONS: dict[str, tuple[str, ...]] = {
    "train": (
        "train lm.toml --device cpu",
        "train classifier.toml --device cpu",
        "train tagger.toml --device cpu",
        "train translator.toml --device cpu",
        "train captioner.toml --device cpu",
        "train forecaster.toml --device cpu",
        "train problem.toml --device cpu",
        "train lm.toml --device cpu -o run --resume",
    ),
    "import": (
        "import foreign.pt --vocab chars.json -o new.pt",
        "import foreign.pt --vocab chars.txt -o new.pt",
        "import scripted.pt -o new.pt",
        "import legacy.pt -o new.pt --json",
    ),
    "info": tuple(
        f"info {name}.pt" for name in ("lm", "gru", "classifier", "tagger", "translator", "captioner", "problem")
    ),
    "generate": ("generate lm.pt -n 20 --seed 1 --prompt ab", "generate gru.pt -n 20 --temperature 0 --json"),
    "trace": (
        "trace lm.pt text.txt -o new.zarr",
        "trace gru.pt text.txt - -o new.zarr --signals h,z --units 1,2",
        "trace classifier.pt lines.txt -o new.zarr --json",
        "trace tagger.pt tags.tsv -o new.zarr",
        "trace translator.pt lines.txt -o new.zarr",
        "trace captioner.pt images.csv -o new.zarr",
        "trace forecaster.pt series.csv -o new.zarr",
    ),
    "show": (
        "show lm.zarr l0.c.3 --length 80",
        "show lm.zarr l0.c --json",
        "show lines.zarr l0.h.1 --document 1 --save picture.png",
        "show gru.zarr l0.z --save picture.svg --length 60",
    ),
    "concepts": (
        "concepts text.txt --concepts quotes,vowel --length 50",
        "concepts --json",
        "concepts text.txt --concept mine=csv:labels.csv:label --json",
        "concepts - --concept word=regex:a+ --length 50",
    ),
    "units": (
        "units lm.pt text.txt --concepts quotes,vowel --shifts 19 --table units.csv",
        "units lm.zarr --concepts vowel --signals h,c --shifts 19 --json",
        "units lm.pt text.txt --concepts vowel --signals l0.pc --directions pc.npz --shifts 19 --save units.png",
    ),
    "describe": ("describe lm.zarr l0.c.3 --concepts vowel", "describe lm.zarr l0.c --json --save unit.png"),
    "report": (
        "report lm.pt text.txt -o new.html --concepts vowel --limit 300",
        "report lm.zarr -o new.html --concepts vowel --compare gru.zarr --model lm.pt",
        "report lines.zarr -o new.html --concepts vowel --unit l0.h.1",
    ),
    "match": (
        "match lm.zarr --span 20:30 --threshold 0.1",
        "match lm.zarr --span 5:6 --signal l0.h --threshold 0.01 --json --save m.png",
    ),
    "ablate": ("ablate lm.pt text.txt --unit l0.c.3 --concept quotes --controls 2 --limit 300 --save card.png",),
    "clamp": ("clamp lm.pt --unit l0.c.3 --concept vowel --values=-1,1 -n 20 --samples 2 --save clamp.png",),
    "probe": (
        "probe lm.pt text.txt --concept vowel --unit l0.h --no-untrained --save probe.png",
        "probe lm.zarr --concept vowel --unit l0.c --json --save-direction new.npz",
        "probe lm.pt text.txt --concept vowel --unit l0.pc --directions pc.npz --no-untrained",
    ),
    "classes": ("classes lm.pt --labelled labelled.tsv --save study.png", "classes classifier.pt --labelled folder"),
    "agreement": (
        "agreement lm.pt minimal.tsv --by number --train text.txt --ngram 3 --save pairs.png",
        "agreement lm.pt minimal.tsv --only number=plural --unit l0.c.3 --controls 2 --json",
    ),
    "directions": (
        "directions lm.pt text.txt --signal l0.c --components 3 -o new.npz",
        "directions gru.pt text.txt --kind rotation -o new.npz --json",
    ),
    "bases": (
        "bases lm.pt text.txt --concepts vowel --rotations 2 --save bases.png",
        "bases lm.zarr --concepts vowel --signal l0.h --rotations 2 --raw --json",
    ),
    "attribute": (
        "attribute lm.pt lines.txt --target a@5 --method saliency --save heat.png",
        "attribute classifier.pt lines.txt --target ham --words --method occlusion --json",
        "attribute lm.pt lines.txt --target l0.c.3@7 --signal l0.c --directions pc.npz",
    ),
    "faithfulness": (
        "faithfulness classifier.pt lines.txt --method saliency --orders 2 --count 3 --save trust.png",
        "faithfulness classifier.pt --labelled labelled.tsv --method occlusion --orders 2 --count 3 --json",
    ),
    "gradients": (
        "gradients lm.pt gru.pt text.txt --lags 8 --targets 5 --save lags.png",
        "gradients lm.pt text.txt --lags 5 --map 20:23 --save maps.png --initial --json",
    ),
    "jacobians": (
        "jacobians lm.pt text.txt --lags 1,3 --places 2 --exponents 2 --steps 20 --sequences 2 --warmup 2 --save j.png",
    ),
    "gates": ("gates lm.pt text.txt --limit 300 --save gates.png", "gates gru.zarr --limit 300 --json"),
    "memory": (
        "memory lm.pt text.txt --contexts 2,20 --targets 30 --places 8 --horizon 60 --save memory.png",
        "memory problem.pt --lengths 4,6 --json",
    ),
    "errors": (
        "errors lm.pt gru.pt text.txt --save errors.png",
        "errors lm.pt text.txt --train lines.txt --ngram 2 --json",
    ),
    "compare": (
        "compare lm.pt gru.pt text.txt --concepts vowel --limit 300 --table table.csv --save page.png",
        "compare cells.toml --jobs 1 --device cpu",
    ),
    "align": (
        "align lm.pt gru.pt text.txt --shifts 19 --save partners.png",
        "align lm.zarr gru.zarr --signals l0.h --shifts 19 --json",
    ),
}
"""A command, and good ways to call it; what an option names with an ending is a file."""

_TRAINING = "warmup = 0\nepochs = {epochs}\nvalidate_every = 2\n"
_STREAMS = "streams = 4\nwindow = 10\n"
_EXAMPLES = "batch_size = 16\n"
_RECIPES = {
    "lm": ("language-model", 'path = "text.txt"', "hidden_size = 4\nembedding_size = 0", 0.5, _STREAMS),
    "classifier": ("classifier", 'path = "labelled.tsv"', "hidden_size = 4\nembedding_size = 3", 0.5, _EXAMPLES),
    "tagger": (
        "tagger",
        'path = "tags.tsv"',
        "hidden_size = 4\nword_embedding_size = 3\nembedding_size = 3\ncharacter_hidden_size = 2",
        0.5,
        _EXAMPLES,
    ),
    "translator": (
        "translator",
        'path = "pairs.tsv"\nlongest = 40',
        "hidden_size = 4\nembedding_size = 3",
        0.5,
        _EXAMPLES,
    ),
    "captioner": (
        "captioner",
        'path = "images.csv"',
        "hidden_size = 4\nembedding_size = 3\nimage_size = 2",
        0.5,
        _EXAMPLES,
    ),
    "forecaster": ("forecaster", 'path = "series.csv"', "hidden_size = 4", 0.5, _STREAMS),
    "problem": ("memory-task", 'name = "anbn"\nlength = 4', "hidden_size = 4", 0.01, _EXAMPLES),
}
_COMPARISON = """name = "cells"
cells = ["gru"]
seeds = [0]
[[experiment]]
recipe = "problem.toml"
parameters = 111
learning_rates = [1e-2]
"""


def furnish(folder: Path) -> None:
    """Write all that the invocations name."""
    random = np.random.default_rng(0)
    _write_texts(folder, random)
    _write_recipes(folder)
    _write_networks(folder)
    _write_foreign(folder)
    lm, gru = (checkpoint.load(folder / f"{name}.pt") for name in ("lm", "gru"))
    text = Document("text.txt", (folder / "text.txt").read_text()[:1200])
    lines = [Document(str(n), line) for n, line in enumerate((folder / "lines.txt").read_text().splitlines())]
    trace(lm, text, folder / "lm.zarr")
    trace(gru, text, folder / "gru.zarr")
    trace(checkpoint.load(folder / "classifier.pt"), lines, folder / "lines.zarr")
    Directions.spanning("l0.c", "pc", random.normal(size=(3, 8)), np.zeros(8)).save(folder / "pc.npz")


def _write_texts(folder: Path, random: np.random.Generator) -> None:
    text = dialogue(random, 1500)
    words = ["".join(random.choice(list("abcd"), random.integers(2, 6))) for _ in range(400)]
    lines = [" ".join(words[n : n + 4]) for n in range(0, 240, 4)]
    tables: dict[str, list[str]] = {
        "text.txt": [text],
        "lines.txt": lines[:6],
        "labelled.tsv": [f"{'ham' if line[0] < 'c' else 'spam'}\t{line}" for line in lines],
        "tags.tsv": ["\n".join(f"{word}\t{word[0].upper()}" for word in line.split()) + "\n" for line in lines],
        "pairs.tsv": [f"{line[:20]}\t{line[:20].upper()}" for line in lines],
        "minimal.tsv": ["number\tgood\tbad", *(f"{_number(n)}\t{lines[n]}.\t{lines[n + 1]}." for n in range(20))],
        "images.csv": [
            "a,caption,b",
            *(f"{a:.1f},{'left' if a > b else 'right'},{b:.1f}" for a, b in random.uniform(0, 9, (60, 2))),
        ],
        "series.csv": ["price", *(f"{price:.3f}" for price in random.uniform(5, 9, 300))],
        "labels.csv": ["label", *("true" if character in "ab" else "false" for character in text)],
        "chars.txt": ["".join(CHARACTERS)],
    }
    for name, rows in tables.items():
        (folder / name).write_text("\n".join(rows))
    (folder / "chars.json").write_text(json.dumps(CHARACTERS))
    (folder / "folder").mkdir()
    for label in ("ham", "spam"):
        (folder / "folder" / f"{label}.txt").write_text("\n".join(f"{line} {label}" for line in lines[:40]))


def _number(place: int) -> str:
    return "plural" if place % 2 else "singular"


def _write_recipes(folder: Path) -> None:
    for name, (task, corpus, model, epochs, batches) in _RECIPES.items():
        training = _TRAINING.format(epochs=epochs) + batches
        head = f'name = "{name}"\ntask = "{task}"\nseed = 0\n'
        split = "" if task == "memory-task" else "split = [0.6, 0.2, 0.2]\n"
        (folder / f"{name}.toml").write_text(
            f"{head}[corpus]\n{corpus}\n{split}[model]\n{model}\n[training]\n{training}"
        )
    (folder / "cells.toml").write_text(_COMPARISON)


def _networks() -> dict[str, Network]:
    sizes: dict[str, Any] = {"hidden_size": 4, "embedding_size": 3}
    spelling: dict[str, Any] = {"word_embedding_size": 3, "character_hidden_size": 2}
    lexicon = Lexicon(("ab", "cd"), Vocabulary("abcd"))
    captioner = Captioner(CaptionerConfig(**sizes, image_size=2), Vocabulary.of(START, END, "leftrigh"))
    captioner.standardise(4.0, 3.0)
    forecaster = Forecaster(ForecasterConfig(hidden_size=4))
    forecaster.standardise(0.01, 0.2)
    return {
        "lm": random_network(0),
        "gru": random_network(1, "gru"),
        "classifier": SequenceClassifier(ClassifierConfig(**sizes), Vocabulary(ALPHABET), ["ham", "spam"]),
        "tagger": SequenceTagger(TaggerConfig(**sizes, **spelling), lexicon, ("A", "B", "C", "D")),
        "translator": Translator(TranslatorConfig(**sizes), Vocabulary("abcd "), Vocabulary("ABCD ")),
        "captioner": captioner,
        "forecaster": forecaster,
        "problem": Transducer(TransducerConfig(problem="anbn", length=4, hidden_size=4)),
    }


def _write_networks(folder: Path) -> None:
    torch.manual_seed(0)
    for name, network in _networks().items():
        checkpoint.save(folder / f"{name}.pt", network.eval(), {})
    train(folder / "lm.toml", folder / "run", device="cpu")


def _write_foreign(folder: Path) -> None:
    torch.save(make(num_layers=2).state_dict(), folder / "foreign.pt")
    weights = {"model": make("gru", embedding=0).state_dict(), "chars": CHARACTERS}
    torch.save(weights, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # TorchScript is old, as its files are
        torch.jit.script(make(of=ScriptableNetwork)).save(folder / "scripted.pt")
