"""A draft as ``catalog.toml``: sections, few comments, what is the default left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sdt_console.catalog.init.parts import Aws, Draft, DraftData, DraftService, DraftShared
from sdt_console.text import clipped, visible

_WIDTH = 100
_RULE = 79
_GROUPS = ("core", "business", "support")
_RETENTION = {"dev": 7, "development": 7, "staging": 30, "stage": 30, "production": 90, "prod": 90}
_PROTECTED = ("production", "prod", "live")


@dataclass(frozen=True)
class _Common:
    """What ``[source]`` says for all services, so that they need not.

    :param dockerfile: of most services; empty if most have their own in their folder.
    :param build_args: those that all services pass in the same words.
    """

    context: str
    dockerfile: str
    build_args: Mapping[str, str]
    build_files: tuple[str, ...]

    @classmethod
    def of(cls, draft: Draft) -> _Common:
        built = [s for s in draft.services if s.dockerfile]
        context, count = _most([_own_context(s) for s in built])
        dockerfile, users = _most([_own_dockerfile(s) for s in built])
        first = built[0].build_args if len(built) > 1 else {}
        return cls(
            context=context if count > 1 and count * 2 > len(built) else ".",
            dockerfile=dockerfile if users > 1 and dockerfile != "{path}/Dockerfile" else "",
            build_args={k: v for k, v in first.items() if all(s.build_args.get(k) == v for s in built)},
            build_files=Counter(s.build_files for s in draft.services).most_common(1)[0][0]
            if draft.services
            else (),
        )


def _own_context(service: DraftService) -> str:
    """The build context as ``[source]`` can say it for many services."""
    return "{path}" if service.context == service.path != "." else service.context


def render(draft: Draft) -> str:
    """The text of ``catalog.toml``, which passes ``sdt catalog check``."""
    common = _Common.of(draft)
    lines = _head(draft)
    lines += ["", "[aws]", *_aws(draft.aws)]
    lines += ["", "[names]", *_names(draft)]
    lines += _rule("environments")
    for name in draft.aws.environments:
        lines += ["", *_environment(draft, name)]
    if draft.from_repository:
        lines += [*_rule("the repository"), "", "[source]", *_source(draft, common)]
    if draft.shared:
        lines += ["", "# Shared modules, built before any service, in this order."]
        for index, shared in enumerate(draft.shared):
            lines += ([""] if index else []) + _shared(common, shared)
    if draft.services:
        lines += [*_rule("services: priority is the deploy wave"), *_legend(draft)]
    for service in draft.services:
        lines += ["", *_service(draft, common, service)]
    if draft.data:
        lines += _rule("data services: watched and restarted, never built")
        for data in draft.data:
            lines += ["", *_data(data)]
    return "\n".join(lines) + "\n"


def string(text: str) -> str:
    """``text`` as a TOML string."""
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif 0xD800 <= ord(char) <= 0xDFFF:
            out.append("\ufffd")  # half a character: TOML has no way to say it
        elif char.isprintable():
            out.append(char)
        else:
            out.append(f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}")
    return '"' + "".join(out) + '"'


def comment(text: str) -> str:
    """``text`` as a TOML comment, on one line."""
    return "# " + clipped(visible(text), 160)


def _head(draft: Draft) -> list[str]:
    groups = [g for g in _GROUPS if any(s.group == g for s in draft.services)] or ["business"]
    groups += ["data"] if draft.data else []
    default = draft.aws.environments[0]
    return [
        comment(f"What the console operates: the services of {draft.system} on AWS ECS Fargate."),
        '# Drafted by `sdt init`; look for the words "guessed" and "set this", then `sdt catalog check`.',
        "version = 1",
        f"system = {string(draft.system)}",
        f"default_environment = {string(default)}",
        *_array("groups", groups),
        *([] if draft.services else ["services = []"]),
    ]


def _aws(aws: Aws) -> list[str]:
    lines = [
        f"region = {string(aws.region or 'us-east-1')}" + ("" if aws.region else "  # set this"),
        f"account = {string(aws.account or '000000000000')}" + ("" if aws.account else "  # set this"),
    ]
    if aws.registry:
        lines.append(f"registry = {string(aws.registry)}")
    return lines


def _names(draft: Draft) -> list[str]:
    aws, system = draft.aws, draft.system
    # services that bear the system's name already need it no second time
    bears = bool(draft.services) and all(s.name.startswith(f"{system}-") for s in draft.services)
    before = "" if bears else f"{system}-"
    guesses = {
        "cluster": f"{system}-{{env}}-cluster",
        "service": f"{before}{{env}}-{{service}}",
        "repository": f"{system}/{{env}}/{{service}}",
        "log_group": f"/ecs/{system}/{{env}}/{{service}}",
    }
    known = {
        "cluster": aws.cluster,
        "service": aws.service,
        "task_definition": aws.task_definition if aws.task_definition != aws.service else "",
        "repository": aws.repository,
        "log_group": aws.log_group,
        "load_balancer": aws.load_balancer,
    }
    lines = []
    if not any(known.values()):
        lines.append("# guessed: set these to what they are called in AWS")
    for key, value in known.items():
        guess = guesses.get(key, "") if not value else ""
        if value or (guess and not (aws.one_cluster and key == "cluster")):
            told = "  # guessed" if guess and any(known.values()) else ""
            lines.append(f"{key} = {string(value or guess)}{told}")
        elif key == "cluster":
            lines.append(f"cluster = {string(aws.one_cluster)}")
    return lines


def _environment(draft: Draft, name: str) -> list[str]:
    lines = [f"[environments.{name}]"]
    if name in _PROTECTED:
        lines.append("protected = true  # asks for the service's name before a change")
    if name in _RETENTION and _RETENTION[name] != 30:
        lines.append(f"log_retention_days = {_RETENTION[name]}")
    return lines


def _source(draft: Draft, common: _Common) -> list[str]:
    built = [s for s in draft.services if s.dockerfile]
    lines = []
    if common.context != ".":
        lines.append(f"context = {string(common.context)}")
    if common.dockerfile:
        told = "one for all services" if all(_own_dockerfile(s) == common.dockerfile for s in built) else ""
        lines.append(f"dockerfile = {string(common.dockerfile)}{_aside(told)}")
    if common.build_args:
        versions = {s.version for s in draft.services if s.version}
        told = next((v for v in versions for a in common.build_args.values() if a.endswith(f"-{v}")), "")
        told = f"{told} is the version of today" if told else ""
        lines.append(f"build_args = {_table(common.build_args)}{_aside(told)}")
    if common.build_files:
        everyone = all(s.build_files == common.build_files for s in built)
        told = "whose change reaches every service" if everyone else ""
        lines += _array("build_files", common.build_files, told)
    return lines + _array("ignore", draft.ignore)


def _legend(draft: Draft) -> list[str]:
    lines = ["", "# Priorities are guessed: configuration 1, discovery 2, gateways 3, all others 4."]
    if any("needs" in service.priority_note for service in draft.services):
        lines.append("# Nothing is deployed before what it needs.")
    return lines


def _service(draft: Draft, common: _Common, service: DraftService) -> list[str]:
    lines = [comment(service.note)] if service.note else []
    lines.append("[[services]]")
    lines.append(f"name = {string(service.name)}")
    lines.append(f"priority = {service.priority}{_aside(service.priority_note)}")
    lines.append(f"group = {string(service.group)}")
    lines.append(f"path = {string(service.path)}{_aside(service.path_note)}")
    lines.append(f"port = {service.port}{_aside(service.port_note)}")
    if service.state != "active":
        lines.append(f"state = {string(service.state)}")
    if draft.from_repository and service.dockerfile:
        if _own_dockerfile(service) != (common.dockerfile or "{path}/Dockerfile"):
            lines.append(f"dockerfile = {string(service.dockerfile)}")
        if _own_context(service) != common.context:
            lines.append(f"context = {string(service.context)}")
        more = {k: v for k, v in service.build_args.items() if common.build_args.get(k) != v}
        if more:
            lines.append(f"build_args = {_table(more)}")
        if service.build_files != common.build_files:
            lines += _array("build_files", service.build_files)
    lines += _array("uses", service.uses) if service.uses else []
    lines += _array("build_after", service.build_after) if service.build_after else []
    lines += _array("needs", service.needs) if service.needs else []
    return lines


def _shared(common: _Common, shared: DraftShared) -> list[str]:
    lines = ["[[shared]]", f"name = {string(shared.name)}", f"path = {string(shared.path)}"]
    if shared.build_files != common.build_files:
        lines += _array("build_files", shared.build_files)
    return lines + (_array("uses", shared.uses) if shared.uses else [])


def _data(data: DraftData) -> list[str]:
    lines = [comment(data.note)] if data.note else []
    lines += ["[[data]]", f"name = {string(data.name)}", f"port = {data.port}"]
    if data.ports:
        lines.append(f"ports = [{', '.join(map(str, data.ports))}]")
    return lines


def _own_dockerfile(service: DraftService) -> str:
    """The Dockerfile as the model would say it: relative to the path if it lies in it."""
    plain = "Dockerfile" if service.path == "." else f"{service.path}/Dockerfile"
    return "{path}/Dockerfile" if service.dockerfile in (plain, "") else service.dockerfile


def _most(values: Sequence[str]) -> tuple[str, int]:
    return Counter(values).most_common(1)[0] if values else ("", 0)


def _array(key: str, values: Sequence[str], told: str = "") -> list[str]:
    if len(set(values)) != len(values):
        values = list(dict.fromkeys(values))
    line = f"{key} = [{', '.join(map(string, values))}]"
    if len(line) <= _WIDTH:
        return [line + _aside(told)]
    rows = [""]
    for value in map(string, values):
        if rows[-1] and len(rows[-1]) + len(value) + 6 > _WIDTH:
            rows.append("")
        rows[-1] += f"{' ' if rows[-1] else ''}{value},"
    return [f"{key} = [{_aside(told)}", *(f"  {row}" for row in rows), "]"]


def _table(values: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{key} = {string(value)}" for key, value in values.items()) + " }"


def _aside(told: str) -> str:
    return f"  {comment(told)}" if told else ""


def _rule(title: str) -> list[str]:
    return ["", f"# --- {title} ".ljust(_RULE, "-")]
