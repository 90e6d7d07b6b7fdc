"""Finding and reading ``catalog.toml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sdt_console.errors import CatalogError, UsageError

if TYPE_CHECKING:
    from sdt_console.catalog.model import Catalog
    from sdt_console.catalog.problem import Problem

FILE = "catalog.toml"
_SETTINGS = {"ECS_CLUSTER": "cluster", "ECS_SERVICE": "service", "ECR_REPOSITORY": "repository"}


def find(given: str | None, environ: Mapping[str, str], repo: Path | None = None) -> Path:
    """The catalog to use: the one given, ``SDT_CATALOG``, the nearest here or above, else the repository's.

    :raises CatalogError: there is none, or the one named does not exist.
    """
    named = given or environ.get("SDT_CATALOG")
    if named:
        path = Path(named)
        if path.is_file():
            return path
        how = "--catalog" if given else "SDT_CATALOG"
        raise CatalogError(f"no catalog at {path}", f"named by {how}", "correct the path, or run `sdt init`")
    here = Path.cwd()
    places = [here, *here.parents]
    if repo is not None:
        places += [repo, *repo.resolve().parents]
    for folder in places:
        if (folder / FILE).is_file():
            return folder / FILE
    raise CatalogError(
        f"no {FILE} here or above",
        f"looked in {here} and its parents" + (f", and in {repo}" if repo is not None else ""),
        "name one with --catalog FILE, write one with `sdt init --repo DIR`, or try `sdt demo`",
    )


def read(path: Path) -> str:
    """The text of a catalog.

    :raises CatalogError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise CatalogError(
            f"cannot read {path}", error.strerror or str(error), "check its path and rights"
        ) from None
    except UnicodeDecodeError as error:
        raise CatalogError(
            f"{path} is not UTF-8",
            f"byte {error.start} is {error.object[error.start]:#04x}",
            "save it as UTF-8",
        ) from None


def load(path: Path) -> Catalog:
    """The catalog at ``path``.

    :raises CatalogError: with every problem, one a line, if it has any errors.
    """
    from sdt_console.catalog.check import check_text

    catalog, problems = check_text(read(path))
    if catalog is None:
        errors = [p for p in problems if p.severity == "error"]
        count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
        lines = "\n".join("  " + describe(path, p) for p in errors)
        raise CatalogError(
            f"the catalog has {count}", f"\n{lines}", f"correct {path}, then `sdt catalog check`"
        )
    return catalog


def describe(path: Path, problem: Problem) -> str:
    """``catalog.toml:12: services.x.port = 0: …``."""
    where = f"{path}:{problem.line}" if problem.line else f"{path}"
    return f"{where}: {problem}"


def with_settings(catalog: Catalog, environ: Mapping[str, str], region: str | None = None) -> Catalog:
    """``catalog`` with the settings that the process environment or the command line overrides.

    ``ECS_CLUSTER``, ``ECS_SERVICE`` and ``ECR_REPOSITORY`` replace name patterns; ``--region``, else
    ``AWS_REGION``, else ``AWS_DEFAULT_REGION`` replaces every environment's region.

    :raises UsageError: a name from the environment is no pattern where it must be one.
    """
    names = {field: _pattern(key, environ[key]) for key, field in _SETTINGS.items() if environ.get(key)}
    region = region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None
    updates: dict[str, object] = {}
    if names:
        updates["names"] = catalog.names.model_copy(update=names)
    if "cluster" in names or region:
        change: dict[str, object] = {"region": region} if region else {}
        if "cluster" in names:
            change["cluster"] = ""
        updates["environments"] = {k: e.model_copy(update=change) for k, e in catalog.environments.items()}
    return catalog.model_copy(update=updates) if updates else catalog


def _pattern(variable: str, value: str) -> str:
    """The value of a setting, held to what the catalog's check asks of the same name."""
    if variable != "ECS_CLUSTER" and "{service}" not in value:
        raise UsageError(
            f"{variable} = {value!r} needs {{service}}",
            "all services would share one name, and one would be deployed as another",
            "write it as a pattern, such as {env}/{service}, or unset it",
        )
    unknown = [name for name in re.findall(r"\{([^{}]*)\}", value) if name not in ("env", "service")]
    if unknown:
        raise UsageError(
            f"{variable} = {value!r} has an unknown placeholder {{{unknown[0]}}}",
            next="use {env} and {service}",
        )
    return value
