"""What the caller may do: IAM's simulator asked about every right in the table, on the resources at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence

from sdt_console.errors import CloudError
from sdt_console.model import Finding, Identity
from sdt_console.named import log_groups, secrets
from sdt_console.pipeline.checks.account import Account, tried
from sdt_console.pipeline.checks.look import Seen
from sdt_console.pipeline.rights import FEATURES, Feature, Right, Target

WHERE = "rights"
Verdicts = Mapping[Right, tuple[str, ...] | None]
"""Right → ``None`` if allowed, else the context keys that its conditions ask for."""


async def rights(
    account: Account, services: Sequence[str], seen: Seen, *, table: str = "", without: Collection[str] = ()
) -> list[Finding]:
    """Which features do not work for want of which right; says so where that cannot be known.

    :param seen: what the reads showed: the resources that the rights are asked for.
    :param table: ``REGION:ACCOUNT:table/NAME`` of the shared store; empty if there is none, or if it is
        reached with other credentials.
    :param without: names of features that are not used.
    """
    caller = await tried(account.identity.caller())
    if isinstance(caller, CloudError):
        return [_unknown(caller.what, caller.next)]
    if caller.arn.endswith(":root"):
        return [
            Finding(
                "warning",
                WHERE,
                "the caller is the account's root user",
                "it may do everything",
                "use a role",
            )
        ]
    principal = await _principal(account, caller)
    if not principal:
        return [_unknown(f"{caller.arn} is neither a user nor a role", "")]
    features = [f for f in FEATURES if f.name not in without and (table or not _is_shared(f))]
    resources = _resources(account, services, seen, table)
    asked = {right for feature in features for right in feature.rights}
    verdicts = await _simulate(account, principal, asked, resources)
    if isinstance(verdicts, CloudError):
        return [_unknown(f"{verdicts.what}: {verdicts.cause}".rstrip(": "), verdicts.next)]
    return list(_judge(principal, features, verdicts))


async def _simulate(
    account: Account, principal: str, asked: Collection[Right], resources: Mapping[Target, list[str]]
) -> Verdicts | CloudError:
    """One call for each kind of resource, side by side."""
    kinds = [kind for kind in resources if resources[kind] and any(right.on == kind for right in asked)]
    actions = [sorted({right.action for right in asked if right.on == kind}) for kind in kinds]
    context = {"iam:PassedToService": "ecs-tasks.amazonaws.com", "ecs:cluster": resources["cluster"][0]}
    answers = await asyncio.gather(
        *(
            tried(account.identity.simulate(principal, names, resources[kind], context))
            for kind, names in zip(kinds, actions, strict=True)
        )
    )
    found: dict[Right, tuple[str, ...] | None] = {}
    for kind, answer in zip(kinds, answers, strict=True):
        if isinstance(answer, CloudError):
            return answer
        found |= {Right(action, kind): keys for action, keys in answer.items()}
    return found


def _judge(principal: str, features: Sequence[Feature], verdicts: Verdicts) -> Iterator[Finding]:
    unsure = sum(right not in verdicts for feature in features for right in feature.rights)
    known = {right for feature in features for right in feature.rights if right in verdicts}
    complete = True
    for feature in features:
        denied = [right for right in feature.rights if verdicts.get(right) is not None]
        plain = [right.action for right in denied if not verdicts[right]]
        conditional = {right.action: verdicts[right] or () for right in denied if verdicts[right]}
        if plain:
            complete = False
            yield Finding(
                "error" if feature.needed else "warning",
                WHERE,
                f"{feature.name} does not work without {', '.join(plain)}",
                f"the policies of {principal} do not allow it",
                f"have {'it' if len(plain) == 1 else 'them'} granted to {principal}",
            )
        for action, keys in conditional.items():
            complete = False
            yield Finding(
                "warning",
                WHERE,
                f"{feature.name} needs {action}, which is allowed on a condition only",
                f"a simulation does not know {', '.join(keys)}",
                "see the condition in the policy",
            )
    if complete and known:
        beyond = f" ({unsure} could not be asked about: what they are for was not found)" if unsure else ""
        yield Finding("ok", WHERE, f"{principal} has the {len(known)} rights that were simulated{beyond}")
    elif not known:
        yield _unknown("IAM gave no answer", "")


def _unknown(cause: str, cure: str) -> Finding:
    return Finding(
        "warning",
        WHERE,
        "rights could not be simulated: what is not told here may still be refused",
        cause,
        cure or "allow iam:SimulatePrincipalPolicy and iam:GetRole, or see the policy that your role has",
    )


async def _principal(account: Account, caller: Identity) -> str:
    """ARN of the user or role whose policies count; empty for a federated user."""
    if ":assumed-role/" in caller.arn:
        name = caller.arn.split("/")[1]
        partition = caller.arn.split(":")[1]
        known = await account.identity.role(name)
        return known or f"arn:{partition}:iam::{caller.account}:role/{name}"
    return caller.arn if ":user/" in caller.arn else ""


def _is_shared(feature: Feature) -> bool:
    return any(right.on == "table" for right in feature.rights)


def _resources(account: Account, services: Sequence[str], seen: Seen, table: str) -> dict[Target, list[str]]:
    """ARNs by kind; made of the catalog's names where AWS gives none, an empty list for what is not used."""
    catalog, env = account.catalog, account.environment
    definitions = [d for d in seen.definitions.values() if not isinstance(d, CloudError)]
    arns = [str(d.get("taskDefinitionArn", "")) for d in definitions]
    partition = arns[0].split(":")[1] if arns else "aws"
    home = f"{account.region}:{catalog.account(env)}"

    def ecs(kind: str, *behind: str) -> list[str]:
        return [f"arn:{partition}:ecs:{home}:{kind}/{account.cluster}{end}" for end in behind]

    names = [catalog.ecs_service(env, name) for name in services]
    groups = sorted({group.name for d in definitions for group in log_groups(d)})
    logs = [f"arn:{partition}:logs:{home}:log-group:{group}" for group in groups]
    return {
        "any": ["*"],
        "cluster": ecs("cluster", ""),
        "service": ecs("service", *(f"/{name}" for name in names)),
        "service-deployment": ecs("service-deployment", *(f"/{name}/any" for name in names)),
        "service-revision": ecs("service-revision", *(f"/{name}/1" for name in names)),
        "task": ecs("task", "/any"),
        "container-instance": ecs("container-instance", "/any"),
        "task-definition": arns,
        "role": sorted(
            {str(d[k]) for d in definitions for k in ("taskRoleArn", "executionRoleArn") if d.get(k)}
        ),
        "repository": [
            f"arn:{partition}:ecr:{home}:repository/{catalog.repository(env, name)}"
            for name in services
            if name in catalog.by_name
        ],
        "log-group": [f"{arn}:*" for arn in logs],
        "log-stream": [f"{arn}:log-stream:any" for arn in logs],
        "secret": sorted({secret.arn for d in definitions for secret in secrets(d) if secret.arn}),
        "table": [f"arn:{partition}:dynamodb:{table}"] if table else [],
    }
