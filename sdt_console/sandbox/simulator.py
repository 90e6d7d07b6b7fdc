"""IAM's policy simulator, which moto lacks: the identity policies of a user or role, evaluated on resources.

Conditions are known to hold for the context that the call gives, and not to hold for any other; what they
ask for is told as missing. Policies of resources and organisations are not looked at.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

Statement = Mapping[str, Any]
_NAME = "simulate_principal_policy"


def install() -> Callable[[], None]:
    """Add the call to moto; returns what takes it away again."""
    setattr(IamResponse, _NAME, _simulate)
    return lambda: delattr(IamResponse, _NAME)


def _simulate(self: Any) -> ActionResult:
    statements = list(_statements(self.backend, str(self._get_param("PolicySourceArn"))))
    resources = self._get_param("ResourceArns") or ["*"]
    given = {entry["ContextKeyName"] for entry in self._get_param("ContextEntries") or []}
    results = []
    for action in self._get_param("ActionNames"):
        each = [_evaluate(statements, action, resource, given) for resource in resources]
        worst = min(each, key=lambda one: ("explicitDeny", "implicitDeny", "allowed").index(one[0]))
        specific = [
            {"EvalResourceName": resource, "EvalResourceDecision": decision, "MissingContextValues": missing}
            for resource, (decision, missing) in zip(resources, each, strict=True)
        ]
        results.append(
            {
                "EvalActionName": action,
                "EvalResourceName": resources[0],
                "EvalDecision": worst[0],
                "MatchedStatements": [],
                "MissingContextValues": worst[1],
                "ResourceSpecificResults": specific,
            }
        )
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _evaluate(
    statements: list[Statement], action: str, resource: str, given: set[str]
) -> tuple[str, list[str]]:
    decision, missing = "implicitDeny", set[str]()
    for statement in statements:
        if not (
            _concerns(statement, "Action", action.lower()) and _concerns(statement, "Resource", resource)
        ):
            continue
        asked = {key for keys in statement.get("Condition", {}).values() for key in keys} - given
        missing |= asked
        if asked:
            continue
        if statement["Effect"] == "Deny":
            return "explicitDeny", sorted(missing)
        decision = "allowed"
    return decision, sorted(missing)


def _concerns(statement: Statement, element: str, value: str) -> bool:
    """Whether a statement is about ``value``; ``NotAction`` and ``NotResource`` turn it round."""
    if f"Not{element}" in statement:
        return not _matches(statement[f"Not{element}"], value, element)
    return _matches(statement.get(element, []), value, element)


def _matches(patterns: str | list[str], value: str, element: str) -> bool:
    listed = [patterns] if isinstance(patterns, str) else patterns
    folded = [pattern.lower() for pattern in listed] if element == "Action" else listed
    return any(fnmatch.fnmatchcase(value, pattern.replace("[", "[[]")) for pattern in folded)


def _statements(iam: IAMBackend, principal: str) -> Iterator[Statement]:
    for document in _documents(iam, principal):
        parsed = json.loads(document)["Statement"]
        yield from [parsed] if isinstance(parsed, dict) else parsed


def _documents(iam: IAMBackend, principal: str) -> Iterator[str]:
    """The policies of a user with its groups, or of a role.

    :raises NotFoundException: there is no such user or role.
    """
    holders: list[Any] = [user for user in iam.users.values() if user.arn == principal]
    for user in list(holders):
        holders += iam.get_groups_for_user(user.name)
    holders += [role for role in iam.roles.values() if role.arn == principal]
    if not holders:
        raise NotFoundException(f"The principal {principal} cannot be found.")
    for holder in holders:
        yield from holder.policies.values()
        for policy in holder.managed_policies.values():
            yield next(version.document for version in policy.versions if version.is_default)
