"""The operands of an instruction, with their variables replaced.

Most functions take the instruction, what ``$NAME`` means there, and the escape character.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sdt_console.clients.docker_words import WordError, expand, pairs, split
from sdt_console.clients.dockerfile import DockerfileError, Instruction, exec_form

_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?")


def expanded(step: Instruction, word: str, variables: Mapping[str, str], escape: str) -> str:
    """One word.

    :raises DockerfileError: a quote or a variable that cannot be read.
    """
    try:
        return expand(word, variables, escape)
    except WordError as error:
        raise DockerfileError(step.line, f"{step.name}: {error}") from None


def listed(step: Instruction, variables: Mapping[str, str], escape: str) -> list[str]:
    """All words, of either form.

    :raises DockerfileError: as ``expanded``.
    """
    words = step.words if step.words is not None else split(step.text, escape)
    return [expanded(step, word, variables, escape) for word in words]


def named(step: Instruction, variables: Mapping[str, str], escape: str) -> dict[str, str]:
    """Names and values; each sees the variables as they were before the instruction.

    :raises DockerfileError: something that is not ``NAME=value``, and as ``expanded``.
    """
    try:
        found = pairs(step.text, escape)
    except WordError as error:
        raise DockerfileError(step.line, f"{step.name}: {error}") from None
    return {
        expanded(step, name, variables, escape): expanded(step, value, variables, escape)
        for name, value in found
    }


def ports(step: Instruction, variables: Mapping[str, str], escape: str) -> list[str]:
    """``8080``, ``53/udp`` and ``8000-8002`` as ``["8080/tcp", "53/udp", "8000/tcp", …]``.

    :raises DockerfileError: not a port, and as ``expanded``.
    """
    found: list[str] = []
    for word in " ".join(listed(step, variables, escape)).split():
        matched = _PORTS.fullmatch(word.lower())
        if matched is None or not 1 <= int(matched[1]) <= int(matched[2] or matched[1]) <= 65535:
            raise DockerfileError(step.line, f"EXPOSE {word}: not a port")
        numbers = range(int(matched[1]), int(matched[2] or matched[1]) + 1)
        found += [f"{number}/{matched[3] or 'tcp'}" for number in numbers]
    return found


def command(step: Instruction, shell: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a command; its variables are the container's business, not ours.

    :param shell: runs the shell form.
    """
    words = exec_form(step.text)
    return words if words is not None else (*shell, step.text)
