from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdt_console.catalog.init.names import clean, folder_name, system_name, unique
from sdt_console.catalog.init.roles import group, lift, wave

ALLOWED = re.compile(r"[a-z0-9][a-z0-9_-]*")


@settings(deadline=None)
@given(st.text(), st.text(max_size=20), st.lists(st.text(max_size=8)))
def test_any_text_becomes_a_name_that_aws_and_the_model_allow(text: str, path: str, taken: list[str]) -> None:
    for name in (clean(text), system_name(text), folder_name(text, "x"), unique(clean(text), path, taken)):
        assert ALLOWED.fullmatch(name)
        assert len(name) <= 100
    assert unique(clean(text), path, taken) not in taken


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("@acme/shop", "shop"),
        ("shop-parent", "shop"),
        ("spring-petclinic-microservices", "spring-petclinic"),
        ("root", "root"),
        ("", "system"),
    ],
)
def test_names_of_systems(text: str, name: str) -> None:
    assert system_name(text) == name


@pytest.mark.parametrize(
    ("name", "number", "of"),
    [
        ("config", 1, "core"),
        ("shop-config-server", 1, "core"),
        ("registry", 2, "core"),
        ("eureka-server", 2, "core"),
        ("consul", 2, "core"),
        ("api-gateway", 3, "core"),
        ("payment-gateway", 4, "business"),
        ("configurator", 4, "business"),
        ("user-service", 4, "business"),
        ("admin-server", 4, "support"),
    ],
)
def test_roles_that_names_tell(name: str, number: int, of: str) -> None:
    assert (wave(name), group(name, wave(name))) == (number, of)


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(0, 9), st.integers(1, 4), min_size=1),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20),
)
def test_lifting_ends_and_nothing_needs_a_later_wave(
    waves: dict[int, int], pairs: list[tuple[int, int]]
) -> None:
    named = {str(name): number for name, number in waves.items()}
    needs: dict[str, list[str]] = {}
    for number, other_number in pairs:
        needs.setdefault(str(number), []).append(str(other_number))
    lifted = lift(named, needs)
    for name, wanted in needs.items():
        for other in wanted:
            if name in lifted and other in lifted:
                assert lifted[name][0] >= lifted[other][0]
    for name, (final, _) in lifted.items():
        assert final >= named[name]
