"""Each concept of code on C and on Python labelled by hand, and which of the two a text is read as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rnnscope.errors import ConceptError
from rnnscope.probes.concepts import CONCEPTS, named
from rnnscope.probes.concepts.code import CODE, Code
from rnnscope.probes.concepts.parsing import detect
from tests.probes.marks import marks

C = [
    ("if-condition", "if (a > (b)) c;", "000111111110000"),
    ("if-condition", "if (a) b; else if (c) d;", "000110000000000000110000"),
    ("if-body", "if (a) { b; } c;", "0000000111110000"),
    ("if-body", "if (a) b(1); c;", "000000011110000"),
    ("if-body", "if (a) if (b) c;", "0000000111111110"),
    ("if-body", "if (a) b; else c;", "00000001000000000"),
    ("else-body", "if (a) b; else { c; } d;", "000000000000000111110000"),
    ("else-body", "if (a) b; else if (c) d; else e;", "00000000000000000000000000000010"),
    ("loop-header", "for (i = 0; i < n; i++) f();", "0000111111111111111111000000"),
    ("loop-header", "while (a) { b; }", "0000001100000000"),
    ("loop-header", "do b; while (a);", "0000000000001100"),
    ("loop-body", "while (a) { b; }", "0000000000111110"),
    ("loop-body", "for (;;) a(); b;", "0000000001110000"),
    ("loop-body", "do { b; } while (a);", "00011111000000000000"),
    ("function-header", "static int f(int a)\n{\n}\nint x;", "1" * 20 + "0" * 10),
    ("function-body", "int f(void) { if (a) { b; } }", "0" * 12 + "1" * 16 + "0"),
    ("type-body", "struct a { int b; }; struct a c;", "0" * 9 + "1" * 9 + "0" * 14),
    ("type-body", "enum a { B, C } d; union { int e; } f;", "0" * 7 + "1" * 7 + "0" * 11 + "1" * 9 + "0" * 4),
    ("call-arguments", "f(a, g(b), c); int h(int d);", "0111111111110" + "0" * 15),
    ("comment", "a; /* b */ c; // d\ne;", "000111111000001111000"),
    ("string", 'f("a\\"b", \'"\');', "001111100000000"),
    (
        "preprocessor",
        "#include <a.h>\n  #if B\nc;\n#define D \\\n e\n",
        "1" * 14 + "000" + "11111" + "0000" + "1" * 14 + "0",
    ),
    ("identifier-position", "int ab = c->de;", "....12...1..12."),
    ("paren-depth", "f((a), ')', \"(\"); /* ( */", "0122111111111110" + "0" * 9),
    ("bracket-depth", "a[b[0]] = c['['];", "01122100000111100"),
    ("brace-depth", "int a() { b = (c){ 1 }; }", "0" * 8 + "1" * 9 + "2222111" + "0"),
    ("block-depth", "int a() { b = (c){ 1 }; { d; } }", "0" * 8 + "1" * 16 + "22222110"),
]

PYTHON = [
    ("if-condition", "if a > (b):\n    c\nelif d:\n    e\n", "000111111100" + "0" * 11 + "1" + "0" * 8),
    ("if-body", "if a:\n    b\n    c\nd\n", "0000000000111111100" + "0"),
    ("if-body", "if a: b\nelif c: d\nelse: e\n", "00000010" + "0000000010" + "00000000"),
    ("else-body", "if a: b\nelse: c\nfor d in e: f\nelse: g\n", "0" * 14 + "1" + "0" * 23),
    ("loop-header", "for a in b():\n    c\nwhile d > 0: e\n", "0000111111110" + "0" * 13 + "11111" + "0000"),
    ("loop-body", "for a in b: c\nwhile d:\n    e\n    f\n", "0" * 12 + "1" + "0" * 14 + "1111111" + "0"),
    ("function-header", "def f(a: int) -> b:\n    c\n", "1" * 18 + "0" * 8),
    ("function-header", "async def f(): return", "1" * 13 + "0" * 8),
    ("function-body", "def f(a):\n    b\n    c\n\nd\n", "0" * 14 + "1111111" + "0000"),
    ("type-body", "class A(B):\n    c = 1\nd\n", "0" * 16 + "11111" + "000"),
    ("call-arguments", "f(a, g(b), c=d)\ndef h(e): i\n", "011111111111110" + "0" * 13),
    ("comment", "a  # b 'c'\n'# d'\n", "0001111111000000" + "0"),
    ("string", "a = 'b\\'c' + rb\"d\"\n", "0000111110000111100"),
    ("string", 'a = """b"c\n""" + f"{d["e"]}"\n', "00001111111110000111111111100"),
    (
        "docstring",
        '"""a"""\ndef f():\n    "b"\n    "c"\nclass D: "e"\n',
        "11111100" + "0" * 9 + "0000110" + "0" * 9 + "000000000" + "1100",
    ),
    ("identifier-position", "ab = c.de\n", "12...1.12."),
    ("paren-depth", "f((a), ')')  # (\n", "01221111110" + "0" * 6),
    ("bracket-depth", "a[b[0]] = '['\n", "0112210" + "0" * 7),
    ("brace-depth", "a = {b: {c}, 'd': '}'}\n", "00001111221111111111100"),
    ("block-depth", "def a():\n    if b:\n        c\n    d\n", "0" * 13 + "1" * 14 + "21111110"),
]


@pytest.mark.parametrize(("concept", "text", "expected"), C)
def test_labels_of_c_are_those_made_by_hand(concept: str, text: str, expected: str) -> None:
    assert marks(f"c:{concept}", text) == expected


@pytest.mark.parametrize(("concept", "text", "expected"), PYTHON)
def test_labels_of_python_are_those_made_by_hand(concept: str, text: str, expected: str) -> None:
    assert marks(f"python:{concept}", text) == expected


def test_each_concept_of_code_is_tested_here_in_each_of_its_languages() -> None:
    for language, labelled in (("c", C), ("python", PYTHON)):
        concepts = {concept.name for concept in CODE if isinstance(concept, Code) and language in concept.languages}
        assert {concept for concept, _, _ in labelled} == concepts


READ_AS = [
    ("if (a > b) {\n\tc();\n}\n", "c"),
    ("#define A 1\nint a = A;\n", "c"),
    ("/* a, b and c */\nstatic int a;\n", "c"),
    ("if a > b:\n    c()\n", "python"),
    ('"""A, b and c."""\n\nimport d\n', "python"),
    ("@a\nasync def b():\n    c = await d\n", "python"),
    ("He said that it was late, and that they had to go home. She did not want to. ", None),
]


@pytest.mark.parametrize(("text", "language"), READ_AS)
def test_a_text_is_read_as_the_language_that_it_fits(text: str, language: str | None) -> None:
    assert detect(text * 5) == language


def test_each_document_is_read_as_its_own_language() -> None:
    (concept,) = named("if-condition")
    assert concept("if (a) b;")[3] == 1
    assert concept("if a: b\n")[3] == 1
    assert concept("if (a) b;")[3] == 1


@pytest.mark.parametrize(("name", "text"), [("preprocessor", "if a:\n    b\n"), ("docstring", "int a;\nint b;\n")])
def test_what_a_language_does_not_have_does_not_apply(name: str, text: str) -> None:
    assert np.isnan(CONCEPTS[name](text)).all()


def test_code_does_not_apply_to_prose_unless_its_language_is_said() -> None:
    text = "It was late, he said (as always), and they had to go. She did not want to. " * 5
    automatic, c = named("paren-depth", "c:paren-depth")
    assert np.isnan(automatic(text)).all()
    assert c(text).max() == 1


def test_a_language_that_lacks_the_concept_is_refused() -> None:
    with pytest.raises(ConceptError, match="preprocessor is a concept of c, not of python"):
        named("python:preprocessor")


@pytest.mark.parametrize("odd", ["é", "日本", "\N{REPLACEMENT CHARACTER}", "\N{OLD ITALIC LETTER A}", "\ud800", "\0"])
def test_places_are_those_of_characters_and_not_of_bytes(odd: str) -> None:
    text = f'/* {odd} */ if ({odd} > "{odd}") {{ f("{odd}"); }}'
    place, stop = text.index("if (") + 3, text.rindex(") {")
    expected = [float(place <= t < stop) for t in range(len(text))]
    if odd not in ("\N{REPLACEMENT CHARACTER}", "\ud800", "\0"):  # no part of a name in C
        assert named("c:if-condition")[0](text).tolist() == expected
    assert [t for t, label in enumerate(named("c:comment")[0](text)) if label] == list(range(len(odd) + 5))


def test_code_that_cannot_be_parsed_still_has_labels() -> None:
    text = "FOO_MACRO(a)\nBEGIN {\n  if (x) { y(1 }\n" + "int f(void)\n{\n  if (b) c;\n}\n"
    labels = named("c:if-condition")[0](text)
    assert labels[text.index("(b)")] == 1


@pytest.mark.parametrize(
    ("language", "broken", "whole"),
    [
        ("c", "int a(int b) {{{ ((\n\n", "int f(void)\n{\n\tif (a)\n\t\tb(1);\n}\n"),
        ("python", "a = ((b\n\n", "def f():\n    if c:\n        d(1)\n\n"),
    ],
)
def test_an_error_costs_a_long_text_its_surroundings_alone(language: str, broken: str, whole: str) -> None:
    names = ("if-condition", "if-body", "call-arguments", "paren-depth", "block-depth", "function-header")
    text, rest = broken + whole * 1000, 600
    for concept in named(*(f"{language}:{name}" for name in names)):
        np.testing.assert_array_equal(concept(text)[-rest * len(whole) :], np.tile(concept(whole), rest))


def test_functions_within_functions_have_headers() -> None:
    text = "def f():\n    def g(): h\n"
    assert marks("function-header", text) == "1" * 7 + "0" * 6 + "1" * 7 + "0" * 4


def test_real_code_is_read_as_what_it_is(corpora: Path) -> None:
    text = (corpora / "gpl" / "linux_kernel_6.1.192.txt").read_text()[:200_000]
    assert detect(text) == "c"
    condition, comment = (concept(text) for concept in named("if-condition", "comment"))
    places = np.array([t for t in range(len(text)) if text.startswith("\tif (", t)]) + 4
    assert condition[places[comment[places] == 0]].mean() > 0.98
    prose = (corpora / "text" / "warpeace.txt").read_text()[:200_000]
    assert detect(prose) is None
