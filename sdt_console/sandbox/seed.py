"""Fills the account from the catalog: what stands in every environment before anyone looks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sdt_console.catalog.model import Catalog

from .ecr import EcrImages
from .ecr_lifecycle import Lifecycle, policy
from .ecs.api import Ecs
from .environment import backend
from .images import initial_commit, put_image
from .seed_parts import Part, parts, short_name
from .seed_shared import SharedSeed
from .timeline import Timeline

HISTORY = 5 * 86400.0
"""How long ago the first service was deployed, in seconds; less than logs are usually kept."""
PUSHED_BEFORE = 1800
"""Seconds from an image's push to its deployment."""
_ASSUME = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


class Seed:
    """Seeds one environment after the other.

    :param ecs: environment → its ECS.
    :param balancers: environment → ``127.0.0.1:PORT`` of its load balancer.
    :param images: the repositories behind the registry.
    :param commit: what the initial images are tagged with; one of each service's own if empty.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        ecs: Callable[[str], Ecs],
        registry: str,
        balancers: Mapping[str, str],
        images: EcrImages,
        commit: str = "",
    ) -> None:
        self._catalog = catalog
        self._ecs = ecs
        self._registry = registry
        self._balancers = balancers
        self._images = images
        self._commit = commit
        self._shared = SharedSeed(catalog)
        self._networks: dict[str, tuple[list[str], str, str]] = {}

    def _backend(self, service: str, env: str) -> Any:
        return backend(service, self._catalog.account(env), self._catalog.region(env))

    def account(self, env: str) -> None:
        """All of one environment but its services: roles, logs, secrets, cluster, what they share."""
        catalog = self._catalog
        iam = backend("iam", catalog.account(env), "aws")
        for role in (f"{catalog.system}-{env}-execution", f"{catalog.system}-{env}-task"):
            iam.create_role(role, _ASSUME, "/", None, "", [], "3600")
        if catalog.names.secrets:
            self._backend("secretsmanager", env).create_secret(
                self._secret_name(env),
                json.dumps({"username": "app", "password": "sandbox"}),
                None,
                "Database of the environment",
                [],
                None,
                None,
                [],
                False,
            )
        logs = self._backend("logs", env)
        for part in parts(catalog, env):
            group = catalog.log_group(env, part.name)
            logs.create_log_group(group, {})
            logs.put_retention_policy(group, catalog.environments[env].log_retention_days)
        self._ecs(env).call("CreateCluster", {"clusterName": catalog.cluster(env)})
        self._shared.environment(env)

    def _commit_of(self, part: Part) -> str:
        return self._commit or initial_commit(self._catalog.system, part.name)

    def _secret_name(self, env: str) -> str:
        return self._catalog.names.secrets.replace("{env}", env) + "database"

    def network(self, env: str) -> tuple[list[str], str, str]:
        """Subnets, security group and VPC of an environment: the account's default ones."""
        if env in self._networks:
            return self._networks[env]
        ec2 = self._backend("ec2", env)
        vpc = next(v for v in ec2.describe_vpcs() if v.is_default == "true" or v.is_default is True)
        subnets = [s.id for s in ec2.describe_subnets(filters={"vpc-id": [vpc.id]})][:2]
        group = next(
            g for g in ec2.describe_security_groups(filters={"vpc-id": [vpc.id]}) if g.name == "default"
        )
        if not ec2.nat_gateways:  # the VPC is shared, and so is its way out
            address = ec2.allocate_address("vpc")
            ec2.create_nat_gateway(subnets[0], address.allocation_id)
        self._networks[env] = (subnets, group.id, vpc.id)
        return self._networks[env]

    def balancer(self, env: str) -> dict[str, str]:
        """The load balancer with a target group and a rule for each service that has a health URL.

        :returns: service → target group ARN.
        """
        catalog = self._catalog
        name = catalog.load_balancer(env)
        if not name or env not in self._balancers:
            return {}
        subnets, security_group, vpc = self.network(env)
        elb = self._backend("elbv2", env)
        balancer = elb.create_load_balancer(name, [security_group], subnets)
        # The name that clients are given must lead to the balancer that runs here.
        balancer.dns_name = self._balancers[env]
        balancer.state = "active"
        not_found = {
            "Type": "fixed-response",
            "Order": 1,
            "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": ""},
        }
        listener = elb.create_listener(balancer.arn, "HTTP", "80", "", None, [not_found])
        groups = {}
        for priority, part in enumerate(parts(catalog, env), 1):
            path = urlsplit(catalog.health_url(env, part.name, "alb")).path
            if not path:
                continue
            group = elb.create_target_group(
                short_name(catalog.ecs_service(env, part.name)),
                vpc_id=vpc,
                protocol="HTTP",
                port=str(part.port),
                target_type="ip",
                healthcheck_path=path,
                healthcheck_interval_seconds=10,
                healthcheck_timeout_seconds=5,
                healthy_threshold_count="2",
                unhealthy_threshold_count="3",
                matcher={"HttpCode": str(catalog.health.expect)},
            )
            group.attributes["deregistration_delay.timeout_seconds"] = "20"
            elb.create_rule(
                listener.arn,
                [{"Field": "path-pattern", "Values": [path_pattern(path, part.name)]}],
                priority,
                [{"Type": "forward", "TargetGroupArn": group.arn}],
            )
            groups[part.name] = group.arn
        return groups

    def services(self, environments: Sequence[str], timeline: Timeline, start: float) -> None:
        """Create every service at its own moment of the past, and let it become stable.

        :param start: now, in seconds since the epoch.
        """
        groups = {env: self.balancer(env) for env in environments}
        registries = {
            env: self._shared.registries(env, self._catalog.all_names, self.network(env)[2])
            for env in environments
        }
        todo = [
            (index, env, part) for env in environments for index, part in enumerate(parts(self._catalog, env))
        ]
        total = len(self._catalog.all_names) + 1
        for index, env, part in sorted(todo, key=lambda item: item[0]):
            timeline.advance(start - HISTORY * (1 - index / total))
            self._service(env, part, groups[env].get(part.name), registries[env][part.name])
        timeline.advance(start)

    def upkeep(self, lifecycle: Lifecycle, timeline: Timeline) -> None:
        """Once everything is there: the shared table, alarms tell their topics, images begin to expire."""
        self._shared.store()
        self._shared.wire_alarms()
        lifecycle.begin(timeline)

    def _service(self, env: str, part: Part, target_group: str | None, registry: str) -> None:
        catalog, ecs = self._catalog, self._ecs(env)
        subnets, security_group, _ = self.network(env)
        self._repository(env, part, ecs.region.now - PUSHED_BEFORE)
        definition = ecs.call("RegisterTaskDefinition", self.definition(env, part))["taskDefinition"]
        request = {
            "cluster": catalog.cluster(env),
            "serviceName": catalog.ecs_service(env, part.name),
            "taskDefinition": definition["taskDefinitionArn"],
            "desiredCount": part.desired,
            "launchType": "FARGATE",
            "platformVersion": "LATEST",
            "deploymentConfiguration": {
                "minimumHealthyPercent": catalog.deploy.minimum_healthy_percent,
                "maximumPercent": catalog.deploy.maximum_percent,
                "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            },
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": subnets,
                    "securityGroups": [security_group],
                    "assignPublicIp": "DISABLED",
                }
            },
            "tags": [{"key": "Environment", "value": env}, {"key": "Service", "value": part.name}],
            "propagateTags": "SERVICE",
            "serviceRegistries": [{"registryArn": registry}],
        }
        if target_group is not None:
            request["loadBalancers"] = [
                {"targetGroupArn": target_group, "containerName": part.name, "containerPort": part.port}
            ]
            request["healthCheckGracePeriodSeconds"] = catalog.health.grace_seconds
        ecs.call("CreateService", request)

    def _repository(self, env: str, part: Part, pushed_at: float) -> None:
        name = self._catalog.repository(env, part.name)
        repository = self._backend("ecr", env).create_repository(
            name, None, {"encryptionType": "AES256"}, {"scanOnPush": True}, "MUTABLE", []
        )
        repository.created_at = datetime.fromtimestamp(pushed_at, UTC)
        images = self._catalog.images
        repository.lifecycle_policy = policy(images.keep_tagged, images.expire_untagged_days)
        if part.desired:  # a pending service has a repository, and nothing in it yet
            commit = self._commit_of(part)
            put_image(self._images, name, part.name, part.port, commit, pushed_at)

    def definition(self, env: str, part: Part) -> dict[str, Any]:
        """What RegisterTaskDefinition is sent for a service: one container, named after it."""
        catalog = self._catalog
        account, region = catalog.account(env), catalog.region(env)
        commit = self._commit_of(part)
        container: dict[str, Any] = {
            "name": part.name,
            "image": f"{self._registry}/{catalog.repository(env, part.name)}:{commit}",
            "essential": True,
            "portMappings": [{"containerPort": port, "protocol": "tcp"} for port in part.ports],
            "environment": [],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": catalog.log_group(env, part.name),
                    "awslogs-region": region,
                    "awslogs-stream-prefix": "ecs",
                },
            },
        }
        if part.group != "data":
            container["environment"] = [
                {"name": "SERVER_PORT", "value": str(part.port)},
                {"name": "SPRING_PROFILES_ACTIVE", "value": env},
            ]
            if catalog.names.secrets:
                secret = self._backend("secretsmanager", env).secrets.get(self._secret_name(env))
                container["secrets"] = [
                    {"name": "SPRING_DATASOURCE_PASSWORD", "valueFrom": f"{secret.arn}:password::"}
                ]
        return {
            "family": catalog.family(env, part.name),
            "taskRoleArn": f"arn:aws:iam::{account}:role/{catalog.system}-{env}-task",
            "executionRoleArn": f"arn:aws:iam::{account}:role/{catalog.system}-{env}-execution",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": part.cpu,
            "memory": part.memory,
            "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            "containerDefinitions": [container],
            "tags": [{"key": "Environment", "value": env}],
        }


def path_pattern(health_path: str, service: str) -> str:
    """Path pattern of the requests that are for ``service``, read off the path of its health check."""
    before, marker, _ = health_path.partition(f"/{service}/")
    return before + marker + "*" if marker else health_path
