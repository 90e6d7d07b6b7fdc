"""``sdt catalog check``: every problem at once, with key path, value, what is allowed, and the near name."""
# ruff: noqa: E501

from __future__ import annotations

import pytest

from sdt_console.catalog.check import check_text
from tests.catalogs import OURS, SMALL


def problems(text: str) -> list[str]:
    return [str(p) for p in check_text(text)[1]]


def changed(*pairs: tuple[str, str]) -> str:
    text = SMALL
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_the_catalogs_in_use_have_no_problem() -> None:
    assert check_text(OURS.read_text())[1] == []
    assert check_text(SMALL)[1] == []


def test_our_catalog_says_all_of_the_system() -> None:
    catalog, _ = check_text(OURS.read_text())
    assert catalog is not None
    assert list(catalog.environments) == ["dev", "staging", "production"]
    assert [s.name for s in catalog.services if s.state == "pending"] == [
        "bff-service", "payment-service", "gamification-service", "practice-service",
    ]  # fmt: skip
    assert len(catalog.active) == 15
    assert [d.name for d in catalog.data] == ["mongodb", "rabbitmq", "redis"]
    assert [s.priority for s in catalog.active][:4] == [1, 2, 3, 4]
    assert catalog.by_name["task-service"].build_after == ("user-service",)
    assert catalog.cluster("dev") == "sdt-dev-cluster"
    assert catalog.ecs_service("staging", "api-gateway") == "sdt-staging-api-gateway"
    assert catalog.image_repository("production", "api-gateway") == (
        "962496666337.dkr.ecr.eu-west-1.amazonaws.com/sdt/production/api-gateway"
    )
    assert catalog.health_url("dev", "user-service", "h") == "http://h/api/user-service/actuator/health"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            ('port = 8085', 'port = 8085\nneeds = ["confg"]'),
            'services.user-service-v2.needs[0] = "confg": no such service; did you mean config?',
        ),
        (
            ('uses = ["security"]', 'uses = ["securty"]'),
            'services.user-service.uses[0] = "securty": no such shared module; did you mean security?',
        ),
        (
            ('group = "core"', 'group = "cor"'),
            'services.config.group = "cor": no such group; did you mean core? (groups: core, business or data)',
        ),
        (
            ('default_environment = "dev"', 'default_environment = "devv"'),
            'default_environment = "devv": no such environment; did you mean dev? '
            "(environments: dev or production)",
        ),
        (('port = 8081', 'port = "8081"'), 'services.config.port = "8081": must be a whole number'),
        (('port = 8081', "port = 8081.5"), "services.config.port = 8081.5: must be a whole number"),
        (('port = 8081', "port = true"), "services.config.port = true: must be a whole number"),
        (('protected = true', 'protected = "yes"'), 'environments.production.protected = "yes": must be true or false'),
        (('priority = 1\n', ""), "services.config.priority: is required"),
        (
            ('state = "pending"', 'state = "pendng"'),
            'services.payment.state = "pendng": must be active or pending; did you mean pending?',
        ),
        (
            ('port = 8081', "prot = 8081"),
            "services.config.prot = 8081: unknown key; did you mean port? (allowed here: name, priority, group, path, "
            "port, state, description, uses, build_after, needs, dockerfile, context, … (16 in all))",
        ),
        (
            ("[health]\n", "[health]\ngrace = 1\n"),
            "health.grace = 1: unknown key; did you mean grace_seconds? (allowed here: url, expect, grace_seconds, "
            "successes or request_timeout_seconds)",
        ),
        (
            ('path = "infra/config"', 'path = "../config"'),
            'services.config.path = "../config": leaves the repository; write it relative to the repository\'s root, '
            "without '..'",
        ),
        (
            ('path = "infra/config"', 'path = "/infra/config"'),
            'services.config.path = "/infra/config": leaves the repository; write it relative to the repository\'s '
            "root, without '..'",
        ),
        (
            ('path = "infra/config"', 'path = "services/user-service/"'),
            'services.user-service.path = "services/user-service": the same path as services entry 1 (config); '
            "each needs its own",
        ),
        (
            ('name = "user-service-v2"', 'name = "user-service"'),
            'services.user-service.name = "user-service": the same name as services entry 2 (user-service); '
            "each needs its own",
        ),
        (
            ('name = "redis"', 'name = "config"'),
            'data.config.name = "config": the same name as services entry 1 (config); each needs its own',
        ),
        (
            ('name = "events"\npath = "common/events"', 'name = "events"\npath = "common/events"\nuses = ["security"]'),
            "shared.events.uses: goes round in a circle: events → security → events",
        ),
        (
            ('port = 8084', 'port = 8084\nbuild_after = ["user-service-v2"]'),
            "services.user-service.build_after: goes round in a circle: user-service → user-service-v2 → user-service",
        ),
        (
            ('port = 8081', 'port = 8081\nneeds = ["user-service"]'),
            'services.config.needs[0] = "user-service": deploys later (priority 4) than this (priority 1); '
            "needs must come first",
        ),
        (
            ('service = "shop-{env}-{service}"', 'service = "shop-{env}"'),
            'names.service = "shop-{env}": needs {service}, else all services share one name',
        ),
        (
            ('cluster = "shop-{env}"', 'cluster = "shop"'),
            'names.cluster = "shop": needs {env}: environments of one account and region would share it '
            "(or name each one's cluster)",
        ),
        (
            ('repository = "shop/{env}/{service}"', 'repository = "shop/{env}/{servce}"'),
            'names.repository = "shop/{env}/{servce}": unknown placeholder {servce}; did you mean service? '
            "(allowed: {env} or {service})",
        ),
        (
            ('cluster = "shop-{env}"', 'cluster = "shop-{env}-{"'),
            'names.cluster = "shop-{env}-{": has a brace without its partner',
        ),
        (('version = 1', "version = 2"), "version = 2: must be 1"),
        (('account = "123456789012"', 'account = "123"'), 'aws.account = "123": must be a 12-digit account id, in quotes'),
        (('account = "123456789012"', "account = 123456789012"), "aws.account = 123456789012: must be a string"),
        (
            ("[environments.dev]", '[environments.dev]\ngates = ["sonar"]'),
            'environments.dev.gates[0] = "sonar": must be reactor, maven, sonarqube or findings; did you mean sonarqube?',
        ),
        (
            ("[environments.dev]", '[environments.dev]\nevent = "e"\n[environments.x]\nevent = "e"'),
            'environments.x.event = "e": the same event as dev; one event deploys one environment',
        ),
        (('ignore = ["*.md", "docs/"]', 'ignore = ["a", "!"]'), "source.ignore[1] = \"!\": not a gitignore pattern"),
        (('groups = ["core", "business", "data"]', "groups = 3"), "groups = 3: must be an array"),
        (("[health]", "[health]\nx.y = 1"), "health.x: unknown key (allowed here: url, expect, grace_seconds, "
         "successes or request_timeout_seconds)"),
    ],
)  # fmt: skip
def test_a_problem_is_told(change: tuple[str, str], expected: str) -> None:
    catalog, found = check_text(changed(change))
    assert catalog is None
    assert any(str(p).startswith(expected) for p in found), "\n".join(map(str, found))


def test_all_problems_come_at_once_in_file_order_with_their_lines() -> None:
    text = changed(
        ('default_environment = "dev"', 'default_environment = "x"'),
        ('cluster = "shop-{env}"', 'cluster = "shop"'),
        ("port = 8081", "port = 0"),
        ('uses = ["security"]', 'uses = ["nothing"]'),
    )
    catalog, found = check_text(text)
    assert catalog is None
    assert [p.path for p in found] == [
        "default_environment",
        "names.cluster",
        "services.config.port",
        "services.user-service.uses[0]",
    ]
    for problem in found:
        assert problem.line is not None
        assert str(problem.path.rpartition(".")[2].split("[")[0]) in text.splitlines()[problem.line - 1]


def test_remarks_do_not_make_a_catalog_unusable() -> None:
    text = changed(
        ("port = 8085", "port = 8084"),
        ('path = "services/user-service-v2"', 'path = "services/user-service/v2"'),
    )
    catalog, found = check_text(text)
    assert catalog is not None
    assert {(p.path, p.severity) for p in found} == {
        ("services.user-service-v2.port", "remark"),
        ("services.user-service-v2.path", "remark"),
    }


@pytest.mark.parametrize(
    ("text", "expected", "line"),
    [
        ("a = 1\nb = \n", "catalog: not valid TOML: Invalid value (line 2, column 5)", 2),
        ("a = [", "catalog: not valid TOML: Invalid value (at the end of the file)", None),
        ("a = 1\na = 2\n", "catalog: not valid TOML: Cannot overwrite a value (line 2, column 6)", 2),
        ("a = " + "9" * 5_001, "catalog: not valid TOML", None),
        ("[" * 100_000, "catalog: not valid TOML", 1),
        ("a = " + "[" * 100_000, "catalog: not valid TOML: nested too deeply", None),
    ],
)
def test_broken_toml_is_told_with_line_and_column(text: str, expected: str, line: int | None) -> None:
    catalog, found = check_text(text)
    assert catalog is None
    assert len(found) == 1
    assert str(found[0]).startswith(expected)
    assert found[0].line == line


def test_values_with_control_characters_are_shown_not_obeyed() -> None:
    (problem,) = [
        p for p in problems(changed(('group = "core"', 'group = "a\\u001b[31mred"'))) if "group" in p
    ]
    assert "\x1b" not in problem
    assert "\\u001b[31mred" in problem


def test_a_part_of_another_shape_does_not_silence_the_others() -> None:
    found = problems('version = 1\nservices = "none"\n[[shared]]\nname = "a"\npath = "/x"\nuses = ["b"]\n')
    assert any(p.startswith('services = "none": must be an array') for p in found)
    assert any("leaves the repository" in p for p in found)
    assert any("no such shared module" in p for p in found)


@pytest.mark.parametrize("name", ['["a"]', "{ a = 1 }", "3", "1979-05-27", "nan", "true", "[]"])
def test_a_name_of_another_shape_is_one_problem_among_others(name: str) -> None:
    found = problems(
        changed(('name = "config"', f"name = {name}"), ('uses = ["security"]', 'uses = ["nothing"]'))
    )
    assert any("must be a string" in p for p in found)
    assert any("no such shared module" in p for p in found)


def test_lines_are_counted_as_editors_count_them() -> None:
    text = "# \u2028 \x85 \n" + changed(("port = 8081", "port = 0"))
    (problem,) = check_text(text)[1]
    assert problem.line is not None
    assert text.split("\n")[problem.line - 1] == "port = 0"
