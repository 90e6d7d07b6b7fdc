"""STS and IAM: who calls, until when the credentials are good, and what they are allowed to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sdt_console.clients.aws import Aws
from sdt_console.errors import CloudError
from sdt_console.model import Identity, Validity

# Credentials that the SDK renews by itself, by botocore's name of where they come from.
_RENEWED = {"iam-role", "container-role", "assume-role", "assume-role-with-web-identity", "custom-process"}


class IdentityClient:
    """The caller behind one environment's session."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def caller(self) -> Identity:
        """Who the credentials belong to; AWS asks for no right to tell it.

        :raises CloudError: there are no credentials, or AWS does not take them.
        """
        answer = await self._aws.read("sts", "get_caller_identity")
        return Identity(account=str(answer["Account"]), arn=str(answer["Arn"]))

    async def validity(self) -> Validity:
        """Until when the credentials are good, as far as the SDK knows; nothing of them is read out."""
        return await self._aws.call("credentials:Validity", self._validity)

    def _validity(self) -> Validity:
        credentials = self._aws.credentials()
        if credentials is None:
            return Validity()
        source = str(getattr(credentials, "method", "") or "")
        # botocore tells it nowhere else; credentials without an end do not have the attribute.
        end: datetime | None = getattr(credentials, "_expiry_time", None)
        return Validity(
            ends_at=end.timestamp() if end else None,
            renewed=source in _RENEWED,
            temporary=bool(end or getattr(credentials, "token", None)),
            source=source,
        )

    async def role(self, name: str) -> str | None:
        """ARN of a role, which tells its path; ``None`` if it may not be read.

        An assumed role's own ARN leaves the path out.
        """
        try:
            answer = await self._aws.read("iam", "get_role", RoleName=name)
        except CloudError:
            return None
        return str(answer["Role"]["Arn"])

    async def simulate(
        self,
        principal: str,
        actions: Sequence[str],
        resources: Sequence[str],
        context: Mapping[str, str] | None = None,
    ) -> dict[str, tuple[str, ...] | None]:
        """Which of ``actions`` the policies of ``principal`` deny on any of ``resources``.

        Policies of resources and of the organisation beyond what IAM's simulator knows are not seen.

        :param principal: ARN of a user or role.
        :param context: condition keys that a call would have, such as ``iam:PassedToService``.
        :returns: action → ``None`` if allowed, else the context keys that a condition asks for and a
            simulation cannot know. An action that IAM gave no answer for is left out.
        :raises CloudError: it cannot be simulated.
        """
        entries = [
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in (context or {}).items()
        ]
        results = await self._aws.pages(
            "iam",
            "simulate_principal_policy",
            "EvaluationResults",
            PolicySourceArn=principal,
            ActionNames=list(actions),
            ResourceArns=list(resources),
            ContextEntries=entries,
        )
        found: dict[str, tuple[str, ...] | None] = {}
        for result in results:
            parts = [result, *result.get("ResourceSpecificResults", [])]
            action, keys = str(result["EvalActionName"]), found.get(str(result["EvalActionName"]))
            if any(_decision(part) != "allowed" for part in parts):
                missing = {key for part in parts for key in part.get("MissingContextValues", [])}
                keys = tuple(sorted({*missing, *(keys or ())}))
            found[action] = keys
        return found


def _decision(part: dict[str, Any]) -> str:
    return str(part.get("EvalDecision") or part.get("EvalResourceDecision"))
