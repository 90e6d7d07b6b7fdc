"""Reading Dockerfiles: lines, forms, directives, words and variables."""

from __future__ import annotations

import pytest

from sdt_console.clients.docker_words import WordError, expand, pairs, split
from sdt_console.clients.dockerfile import DockerfileError, parse

VARIABLES = {"NAME": "value", "EMPTY": "", "A": "1"}


def test_lines_comments_and_continuations() -> None:
    parsed = parse(
        "# a comment\n"
        "\n"
        "  from scratch AS base\r\n"
        "ENV A=1 \\\n"
        "    # a comment inside\n"
        "\n"
        "    B=2\n"
        "copy --chown=1:2 --from=base a b /c/\n"
    )
    assert [(i.line, i.name, i.text.split()) for i in parsed.instructions] == [
        (3, "FROM", ["scratch", "AS", "base"]),
        (4, "ENV", ["A=1", "B=2"]),
        (8, "COPY", ["a", "b", "/c/"]),
    ]
    assert parsed.instructions[2].flags == {"chown": "1:2", "from": "base"}


def test_exec_and_shell_form() -> None:
    parsed = parse('FROM scratch\nCMD ["a", "b c"]\nCMD [a]\nCMD ["a", 1]\nCOPY ["a b", "/c"]\n')
    assert [i.words for i in parsed.instructions] == [None, ("a", "b c"), None, None, ("a b", "/c")]
    assert parsed.instructions[4].sources == ("a b", "/c")


def test_the_escape_directive() -> None:
    parsed = parse("# escape=`\n\nFROM scratch\nCOPY a `\n c:\\\n")
    assert parsed.escape == "`"
    assert parsed.instructions[1].sources == ("a", "c:\\")


def test_a_directive_after_a_comment_is_a_comment() -> None:
    assert parse("# hello\n# escape=`\nFROM scratch\n").escape == "\\"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "no FROM"),
        ("ARG A=1\n", 2, "no FROM"),
        ("FROM scratch\n\nCOPPY a b\n", 3, "unknown instruction: COPPY"),
        ("COPY a b\nFROM scratch\n", 1, "COPY before FROM"),
        ("FROM scratch\nCOPY a\0 b\n", 2, "a NUL character"),
        ("FROM scratch\nCMD\n", 2, "CMD needs at least one argument"),
        ("# escape=x\nFROM scratch\n", 1, "escape=x: must be \\ or `"),
    ],
)
def test_mistakes_name_their_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.problem) == (line, problem)


@pytest.mark.parametrize(
    ("word", "expanded"),
    [
        ("$NAME", "value"),
        ("${NAME}s", "values"),
        ("$NAMEs", ""),
        ("a$", "a$"),
        ("a$/b", "a$/b"),
        ("\\$NAME", "$NAME"),
        ("'$NAME'", "$NAME"),
        ('"$NAME"', "value"),
        ('"a \\"b\\" \\n"', 'a "b" \\n'),
        ("'a\\b'", "a\\b"),
        ("a\\ b", "a b"),
        ("${NONE:-x${A}}", "x1"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${NONE-x}", "x"),
        ("${NAME:+set}", "set"),
        ("${EMPTY:+set}", ""),
        ("${EMPTY+set}", "set"),
        ("${NAME:?needed}", "value"),
        ("", ""),
    ],
)
def test_variables_as_docker_reads_them(word: str, expanded: str) -> None:
    assert expand(word, VARIABLES) == expanded


@pytest.mark.parametrize("word", ["'a", '"a', "${NAME", "${", "${NAME#x}", "${NONE:?is needed}", "${NAME:-x"])
def test_words_that_cannot_be_read(word: str) -> None:
    with pytest.raises(WordError):
        expand(word, VARIABLES)


def test_names_and_values() -> None:
    assert pairs('A=1 B="two words" C=a\\ b') == [("A", "1"), ("B", '"two words"'), ("C", "a\\ b")]
    assert pairs("KEY all the  rest = one value") == [("KEY", "all the  rest = one value")]
    assert split("a 'b c' \"d\te\"") == ["a", "'b c'", '"d\te"']
    for wrong in ("A=1 B", "=1", "A"):
        with pytest.raises(WordError):
            pairs(wrong)
