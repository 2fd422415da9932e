"""Commands as a user types them: what they write and say, and what bad input gets."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

import rnnscope
from rnnscope import Vocabulary, checkpoint
from rnnscope.models.classifier import ClassifierConfig, SequenceClassifier

from .running import run

TEXT = 'abc def. "ghij," abc.\n' * 30


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_model: Callable[..., rnnscope.CharLanguageModel]
) -> Path:
    """A working folder with a model and a text."""
    monkeypatch.chdir(tmp_path)
    record = {
        "recipe": {
            "name": "tiny",
            "seed": 0,
            "description": "Says [bold]nothing[/bold].",
            "limits": "Many.",
            "training": {"method": "adamw", "learning_rate": 0.1, "precision": "32"},
        },
        "corpus": {
            "name": "c",
            "source": "s",
            "licence": "l",
            "counted": "characters",
            "parts": {"train": 9},
            "notes": {},
        },
        "step": 1,
        "best_step": 1,
        "epoch": 0.1,
        "seconds": 60.0,
        "clipped_share": 0.25,
        "scores": [{"part": "test", "measure": "nats per character", "value": 2.0, "baselines": {}}],
    }
    checkpoint.save("model.pt", make_model(), record)
    Path("text.txt").write_text(TEXT)
    return tmp_path


def test_trace_names_its_file_and_says_what_it_holds_and_what_is_next(here: Path) -> None:
    result = run("trace", "model.pt", "text.txt")
    assert result.exit_code == 0, result.output
    trace = rnnscope.open_trace("text.zarr")
    assert trace.text == TEXT
    assert "Wrote text.zarr: 660 steps" in result.output
    assert "l0: h, c, i, f, g, o of 12 units" in result.output
    following = re.search(r"Next: rnnscope (show text\.zarr l0\.c\.\d+)", result.output)
    assert following
    assert run(*following[1].split()).exit_code == 0


def test_trace_reads_standard_input(here: Path) -> None:
    result = run("trace", "model.pt", "-", "-o", "in.zarr", "--signals", "h, c", "--units", "3,5", stdin="abc €")
    assert result.exit_code == 0, result.output
    trace = rnnscope.open_trace("in.zarr")
    assert trace.text == "abc €"
    assert [str(a) for a in trace.addresses] == ["l0.h", "l0.c"]
    assert trace["l0.c"]["unit"].values.tolist() == [3, 5]
    assert "1 character the model does not know" in result.output


def test_trace_reads_several_files_as_documents(here: Path) -> None:
    Path("more.txt").write_text("abc\n\ndef\n")
    result = run("trace", "model.pt", "text.txt", "more.txt", "-", "-o", "t.zarr", stdin="ghij")
    assert result.exit_code == 0, result.output
    assert "Wrote t.zarr: 3 documents, 673 steps" in result.output
    trace = rnnscope.open_trace("t.zarr")
    assert [trace.text[trace.steps_of(number)] for number in range(3)] == [TEXT, "abc\n\ndef\n", "ghij"]
    assert trace.documents[:2] == ("text.txt", "more.txt")
    assert run("trace", "model.pt", "more.txt", "--documents", "line").exit_code == 0
    assert rnnscope.open_trace("more.zarr").documents == ("more.txt:1", "more.txt:3")


def test_show_parts_documents_and_shows_one(here: Path) -> None:
    Path("more.txt").write_text("abc\ndef\nghij\n")
    run("trace", "model.pt", "more.txt", "--documents", "line")
    lines = run("show", "more.zarr", "l0.c.3").output.splitlines()
    assert [lines[lines.index(f"{number}  more.txt:{number + 1}") + 1] for number in range(3)] == ["abc", "def", "ghij"]
    one = run("show", "more.zarr", "l0.c.3", "--document", "2", "--length", "3")
    assert "ghi\n" in one.output and "def" not in one.output
    assert "steps 0 to 3" in one.output
    assert "1 more steps: --start 3" in one.output
    last = run("show", "more.zarr", "l0.c.3", "--document", "2", "--start", "3")
    assert "\nj\n" in last.output and "more" not in last.output.splitlines()[-1]
    assert run("show", "more.zarr", "l0.c", "--document", "1", "--save", "map.png").exit_code == 0
    for arguments, said in (("3", "from 0 to 2; got 3"), ("1 --start 3", "The document has 3 steps; there is nothing")):
        result = run("show", "more.zarr", "l0.c.3", "--document", *arguments.split())
        assert result.exit_code == 2
        assert said in result.output


@pytest.fixture
def classifier(here: Path) -> Path:
    """A classifier beside two texts, one a line."""
    torch.manual_seed(0)
    network = SequenceClassifier(ClassifierConfig(hidden_size=6, embedding_size=4), Vocabulary("abc "), ["ham", "spam"])
    checkpoint.save("classifier.pt", network, {})
    Path("lines.txt").write_text("a cab\n\nbb cc aa\n")
    return here


def test_a_classifier_is_traced_line_by_line_and_says_its_labels(classifier: Path) -> None:
    result = run("trace", "classifier.pt", "lines.txt", "--save", "map.png")
    assert result.exit_code == 0, result.output
    assert "2 documents, 13 steps" in result.output
    assert "l0: h, c, i, f, g, o of 6 units, with top guesses\n" in result.output
    answers = rnnscope.open_trace("lines.zarr").answers
    shown = run("show", "lines.zarr", "l0.h.2").output
    for number, (line, answer) in enumerate(zip((1, 3), answers, strict=True)):
        assert f"{number}  lines.txt:{line}: {answer}\n" in shown
        assert answer in result.output.partition("answers: ")[2]
    assert run("info", "classifier.pt").exit_code == 0
    assert run("trace", "classifier.pt", "lines.txt", "-o", "f.zarr", "--documents", "file").exit_code == 0
    assert len(rnnscope.open_trace("f.zarr").documents) == 1


def test_a_network_that_does_not_write_says_so(classifier: Path) -> None:
    result = run("generate", "classifier.pt")
    assert result.exit_code == 2
    assert "classifier.pt is a classifier: it does not go on with a text" in result.output


@pytest.mark.parametrize(("order", "width", "pixels"), [("cluster", "page", 2070), ("address", "column", 990)])
def test_trace_draws_a_heatmap_over_pages(here: Path, order: str, width: str, pixels: int) -> None:
    Path("text.txt").write_text(TEXT * 2)
    result = run("trace", "model.pt", "text.txt", "--save", "map.png", "--order", order, "--width", width)
    assert result.exit_code == 0, result.output
    pages = sorted(here.glob("map-*.png"))
    assert len(pages) > 2
    assert f"Drew {', '.join(f'map-{number}.png' for number in range(1, len(pages) + 1))}\n  l0.c over" in result.output
    for page in pages:
        with Image.open(page) as image:
            assert image.width == pixels
            assert len(image.convert("RGB").getcolors(2**24) or ()) > 50
    assert run("trace", "model.pt", "text.txt", "-o", "b.zarr", "--save", "map.png").exit_code == 2
    assert not Path("b.zarr").exists()


def test_one_pdf_holds_all_pages(here: Path) -> None:
    assert run("trace", "model.pt", "text.txt", "--save", "map.pdf").exit_code == 0
    assert Path("map.pdf").read_bytes().startswith(b"%PDF")


def test_show_without_colours_sets_bars_below_each_line(here: Path) -> None:
    run("trace", "model.pt", "text.txt")
    result = run("show", "text.zarr", "l0.c.3", "--length", "44")
    lines = result.output.splitlines()
    place = lines.index('abc def. "ghij," abc.⏎')
    assert len(lines[place + 1]) == len(lines[place])
    assert set(lines[place + 1]) <= set("▁▂▃▄▅▆▇█")
    assert "616 more steps: --start 44" in result.output
    assert '"' not in run("show", "text.zarr", "l0.c.3", "--start", "18", "--length", "3").output


def test_show_of_a_signal_lists_its_units(here: Path) -> None:
    run("trace", "model.pt", "text.txt")
    result = run("show", "text.zarr", "l0.c")
    assert "Most switch-like" in result.output
    assert "Longest memory" in result.output


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
@pytest.mark.parametrize("address", ["l0.c.3", "l0.f"])
def test_show_saves_pictures(here: Path, address: str, suffix: str) -> None:
    run("trace", "model.pt", "text.txt")
    result = run("show", "text.zarr", address, "--save", f"picture.{suffix}", "--length", "100")
    assert result.exit_code == 0, result.output
    assert Path(f"picture.{suffix}").stat().st_size > 2000
    assert run("show", "text.zarr", address, "--save", f"picture.{suffix}", "--length", "100").exit_code == 2


@pytest.mark.parametrize("address", ["l0.c.3", "l0.f"])
def test_show_draws_as_wide_as_a_column(here: Path, address: str) -> None:
    run("trace", "model.pt", "text.txt")
    assert run("show", "text.zarr", address, "--save", "a.png", "--length", "40", "--width", "column").exit_code == 0
    with Image.open("a.png") as image:
        assert image.width == 990
    refused = run("show", "text.zarr", address, "--width", "3")
    assert refused.exit_code == 2 and "'page', 'column'" in refused.output


def test_text_that_looks_like_markup_or_math_is_shown_as_it_is(here: Path) -> None:
    Path("text.txt").write_text("[red]a[/red] $x_1$ \x1b[31m 日本語 \t$")
    run("trace", "model.pt", "text.txt")
    shown = run("show", "text.zarr", "l0.c.3")
    assert "[red]a[/red] $x_1$ �[31m 日本語 →$" in shown.output
    assert "\x1b" not in shown.output
    for address in ("l0.c.3", "l0.c"):
        result = run("show", "text.zarr", address, "--save", "picture.png", "--force")
        assert result.exit_code == 0, result.output


def test_info_shows_the_card_without_reading_markup_in_it(here: Path) -> None:
    result = run("info", "model.pt")
    assert "Says [bold]nothing[/bold]." in result.output
    assert "2.0000 nats per character (2.8854 bits)" in result.output
    assert "lstm, 1 layer of 12 units, embedding of 5" in result.output


def test_generate_writes_the_same_text_for_the_same_seed(here: Path) -> None:
    first, second = (run("generate", "model.pt", "--seed", "4", "-n", "50", "--prompt", "ab") for _ in range(2))
    assert first.output == second.output
    assert first.output.startswith("ab")
    assert len(first.output) == 53


def test_train_makes_a_model_that_the_other_commands_open(here: Path) -> None:
    Path("recipe.toml").write_text(
        'name = "t"\n[corpus]\npath = "text.txt"\n[model]\nhidden_size = 8\n'
        "[training]\nepochs = 2\nstreams = 4\nwindow = 10\nvalidate_every = 5\n"
    )
    result = run("train", "recipe.toml", "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in Path("runs/t").iterdir()) == [
        ".lock", "card.md", "figures.csv", "last.pt", "model.pt", "recipe.toml",
    ]  # fmt: skip
    assert run("info", "runs/t/model.pt").exit_code == 0
    assert run("info", "runs/t/last.pt").exit_code == 0
    assert run("trace", "runs/t/model.pt", "text.txt").exit_code == 0


def corrupt(name: str) -> None:
    """Make one of the files that the bad inputs below name."""
    content = torch.load("model.pt", weights_only=True)
    if name == "newer.pt":
        torch.save({**content, "version": 2}, name)
    elif name == "nan.pt":
        content["state_dict"]["head.bias"][0] = torch.nan
        torch.save(content, name)
    elif name == "cut.pt":
        Path(name).write_bytes(Path("model.pt").read_bytes()[:3000])
    elif name == "code.pt":
        torch.save({"x": io.StringIO}, name)
    else:
        texts = {"empty.txt": b"", "binary.txt": b"ab\0c", "latin.txt": b"caf\xe9", "notes.pt": b"hello"}
        Path(name).write_bytes(texts[name])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("trace model.pt missing.txt", "no file missing.txt"),
        ("trace model.pt empty.txt", "empty"),
        ("trace model.pt binary.txt", "zero byte at offset 2"),
        ("trace model.pt latin.txt", "byte 0xe9 at offset 3 (line 1). Name the encoding"),
        ("trace model.pt .", "is a folder"),
        ("trace missing.pt text.txt", "no file missing.pt"),
        ("trace no-such-model text.txt", "no shipped network of that name"),
        ("trace text.txt text.txt", "not a checkpoint"),
        ("trace notes.pt text.txt", "not a checkpoint"),
        ("trace newer.pt text.txt", "Update rnnscope"),
        ("trace nan.pt text.txt", "NaN or infinite in head.bias"),
        ("trace cut.pt text.txt", "cut short"),
        ("trace code.pt text.txt", "could run code"),
        ("trace model.pt text.txt --signals c,q", "no signal 'q' in this network. It has: h, c, i, f, g, o"),
        ("trace model.pt text.txt --signals l3.c", "no layer 'l3'. Layers: l0"),
        ("trace model.pt text.txt --units 4,99", "from 0 to 11"),
        ("trace model.pt text.txt --units a", "no list of numbers"),
        ("trace model.pt text.txt -o nowhere/t.zarr", "no folder"),
        ("trace model.pt text.txt -o text.txt", "exists"),
        ("trace model.pt text.txt -o text.txt --force", "replaces only what rnnscope wrote"),
        ("trace model.pt text.txt --device warp", "no device 'warp'"),
        ("trace model.pt text.txt --device meta", "no device 'meta'"),
        ("trace model.pt text.txt --device hpu", "no device 'hpu'"),
        ("trace model.pt text.txt --save map.gif", ".png, .svg, .pdf"),
        ("trace model.pt text.txt --encoding klingon", "no encoding 'klingon'"),
        ("show text.txt l0.c.1", "not a trace"),
        ("show missing.zarr l0.c.1", "no trace"),
        ("info text.txt", "not a checkpoint"),
        ("generate notes.pt", "not a checkpoint"),
        ("generate model.pt -n 1000000001", "not in the range from 1 to 1,000,000,000"),
        ("train missing.toml", "no recipe"),
        ("train text.txt", "not a TOML file"),
    ],
)
def test_bad_input_is_one_paragraph_exit_code_2_and_nothing_written(here: Path, command: str, said: str) -> None:
    for name in re.findall(r"\S+\.(?:txt|pt)", command):
        if name not in ("model.pt", "text.txt", "missing.txt", "missing.pt", "nowhere/t.zarr"):
            corrupt(name)
    before = sorted(here.rglob("*"))
    result = run(*command.split())
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert "Traceback" not in result.output
    assert "\n\n" not in result.output.partition("Error: ")[2].strip()
    assert sorted(here.rglob("*")) == before


def test_a_wrong_address_in_a_trace_says_what_exists(here: Path) -> None:
    run("trace", "model.pt", "text.txt")
    for address, said in (("l0.q", "It has: h, c"), ("l0.c.99", "Units: 0 to 11"), ("c37", "not an address")):
        result = run("show", "text.zarr", address)
        assert result.exit_code == 2
        assert said in result.output
    assert "nothing from step 700" in run("show", "text.zarr", "l0.c.1", "--start", "700").output


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hiden_size = 8", "no key 'model.hiden_size'. Did you mean 'hidden_size'?"),
        ('hidden_size = "8"', "model.hidden_size must be a whole number; got '8'"),
        ("layers = 0", "layers of at least 1"),
    ],
)
def test_a_wrong_recipe_is_explained(here: Path, line: str, said: str) -> None:
    Path("recipe.toml").write_text(f'name = "t"\n[corpus]\npath = "text.txt"\n[model]\n{line}\n')
    result = run("train", "recipe.toml")
    assert result.exit_code == 2
    assert said in result.output
    assert not Path("runs").exists()


def test_the_zarr_metadata_names_no_folder_of_this_machine(here: Path) -> None:
    run("trace", "model.pt", str(here / "text.txt"))
    attributes = json.loads(Path("text.zarr/zarr.json").read_text())["attributes"]
    assert attributes["documents"] == ["text.txt"]
    assert str(here) not in json.dumps(attributes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_trace_leaves_nothing_and_says_so(here: Path, number: signal.Signals) -> None:
    Path("long.txt").write_text(TEXT * 3000)
    command = [sys.executable, "-m", "rnnscope.cli", "trace", "model.pt", "long.txt"]
    tracing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 60
    while not list(here.glob(".partial-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    tracing.send_signal(number)
    said, _ = tracing.communicate()
    assert tracing.returncode == 130, said
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert sorted(path.name for path in here.iterdir()) == ["long.txt", "model.pt", "text.txt"]
