"""The ECS API: shapes, errors, paging, filters; against botocore's own description of it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from sdt_console.sandbox.ecs.api import OPERATIONS
from tests.sandbox.account import CLUSTER, Account

MODEL = botocore.session.Session().get_service_model("ecs")


def raw(account: Account, operation: str, **request: Any) -> Any:
    """The JSON that goes over the wire, before botocore drops what it does not know."""
    sent = AWSRequest(
        "POST",
        account.sandbox.endpoint,
        data=json.dumps(request).encode(),
        headers={
            "X-Amz-Target": f"AmazonEC2ContainerServiceV20141113.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
        },
    )
    key = account.sandbox.environ["AWS_ACCESS_KEY_ID"]
    SigV4Auth(Credentials(key, "sandbox"), "ecs", "eu-west-1").add_auth(sent)
    prepared = sent.prepare()
    call = urllib.request.Request(prepared.url, data=prepared.body, headers=dict(prepared.headers))
    with urllib.request.urlopen(call) as answer:
        return json.loads(answer.read())


def problems(shape: Any, value: Any, path: str) -> list[str]:
    """Where ``value`` is not what the model says."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            return [f"{path}: not an object"]
        unknown = [f"{path}.{key}: unknown" for key in value if key not in shape.members]
        return unknown + [
            found
            for key, item in value.items()
            if key in shape.members
            for found in problems(shape.members[key], item, f"{path}.{key}")
        ]
    if kind == "list":
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [found for item in value for found in problems(shape.member, item, f"{path}[]")]
    if kind == "map":
        return [found for key in value for found in problems(shape.value, value[key], f"{path}.{key}")]
    fits = {
        "string": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "long": isinstance(value, int) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "timestamp": isinstance(value, (int, float)),
        "double": isinstance(value, (int, float)),
    }
    if not fits[kind]:
        return [f"{path}: {value!r} is not a {kind}"]
    allowed = getattr(shape, "enum", None)
    return [f"{path}: {value!r} is not one of {allowed}"] if allowed and value not in allowed else []


def test_every_answer_has_the_shape_of_the_api(account: Account) -> None:
    account.sandbox.scenarios.on("crash-loop:users")
    account.update("users", taskDefinition=account.register("users"))
    account.update("orders", forceNewDeployment=True)
    ecs = account.client("ecs")
    checked = set()

    def check(operation: str, **request: Any) -> Any:
        answer = raw(account, operation, **request)
        assert problems(MODEL.operation_model(operation).output_shape, answer, operation) == []
        checked.add(operation)
        return answer

    def look() -> None:
        services = ["shop-dev-orders", "shop-dev-users", "nobody"]
        check("DescribeServices", cluster=CLUSTER, services=services, include=["TAGS"])
        for status in ("RUNNING", "STOPPED"):
            arns = check("ListTasks", cluster=CLUSTER, desiredStatus=status)["taskArns"]
            if arns:
                check("DescribeTasks", cluster=CLUSTER, tasks=arns, include=["TAGS"])
        for name in services[:2]:
            briefs = check("ListServiceDeployments", cluster=CLUSTER, service=name)["serviceDeployments"]
            check(
                "DescribeServiceDeployments",
                serviceDeploymentArns=[b["serviceDeploymentArn"] for b in briefs],
            )
            check(
                "DescribeServiceRevisions",
                serviceRevisionArns=[b["targetServiceRevisionArn"] for b in briefs],
            )

    for _ in range(40):
        look()
        account.sandbox.advance(9)
    definition = account.service("orders")["taskDefinition"]
    check("DescribeTaskDefinition", taskDefinition=definition, include=["TAGS"])
    check("ListTaskDefinitions", familyPrefix="shop-dev-users", sort="DESC")
    check("ListTaskDefinitionFamilies", familyPrefix="shop")
    check("DescribeClusters", clusters=[CLUSTER, "nobody"], include=["TAGS", "SETTINGS"])
    check("ListClusters")
    check("ListServices", cluster=CLUSTER)
    check("ListTagsForResource", resourceArn=account.service("orders")["serviceArn"])
    arn = account.service("orders")["serviceArn"]
    check("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "b"}])
    check("UntagResource", resourceArn=arn, tagKeys=["a"])
    network = account.service("orders")["networkConfiguration"]
    task = check("RunTask", cluster=CLUSTER, taskDefinition=definition, networkConfiguration=network)[
        "tasks"
    ][0]
    check("StopTask", cluster=CLUSTER, task=task["taskArn"])
    check(
        "CreateService",
        cluster=CLUSTER,
        serviceName="more",
        taskDefinition=definition,
        desiredCount=1,
        networkConfiguration=network,
        launchType="FARGATE",
    )
    deployment = ecs.list_service_deployments(cluster=CLUSTER, service="more")["serviceDeployments"][0]
    check("StopServiceDeployment", serviceDeploymentArn=deployment["serviceDeploymentArn"], stopType="ABORT")
    check("UpdateService", cluster=CLUSTER, service="more", desiredCount=0)
    check("DeleteService", cluster=CLUSTER, service="more")
    image = {"name": "a", "image": "a:1", "memory": 64}
    made = check("RegisterTaskDefinition", family="x", containerDefinitions=[image])["taskDefinition"]
    check("DeregisterTaskDefinition", taskDefinition=made["taskDefinitionArn"])
    check("DeleteTaskDefinitions", taskDefinitions=[made["taskDefinitionArn"]])
    check("CreateCluster", clusterName="x")
    check("UpdateCluster", cluster="x", settings=[{"name": "containerInsights", "value": "enabled"}])
    check("UpdateClusterSettings", cluster="x", settings=[{"name": "containerInsights", "value": "disabled"}])
    check(
        "PutClusterCapacityProviders", cluster="x", capacityProviders=[], defaultCapacityProviderStrategy=[]
    )
    check("DeleteCluster", cluster="x")
    assert checked == OPERATIONS - {"ExecuteCommand"}  # which has no answer but refusals


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "describe_services",
        {"cluster": "no", "services": ["a"]},
        "ClusterNotFoundException",
        "Cluster not found.",
    ),
    ("describe_services", {"services": ["a"] * 11}, "InvalidParameterException", ""),
    ("describe_services", {"services": []}, "InvalidParameterException", "Services cannot be empty."),
    ("describe_tasks", {"tasks": ["a"] * 101}, "InvalidParameterException", ""),
    ("describe_tasks", {"tasks": []}, "InvalidParameterException", "Tasks cannot be empty."),
    ("update_service", {"service": "nobody"}, "ServiceNotFoundException", "Service not found."),
    ("delete_service", {"service": "nobody"}, "ServiceNotFoundException", "Service not found."),
    ("list_tasks", {"serviceName": "nobody"}, "ServiceNotFoundException", "Service not found."),
    ("list_service_deployments", {"service": "nobody"}, "ServiceNotFoundException", "Service not found."),
    (
        "stop_task",
        {"task": "0" * 32},
        "InvalidParameterException",
        "The referenced task was not found.",
    ),
    (
        "update_service",
        {"service": "shop-dev-orders", "taskDefinition": "nothing:7"},
        "ClientException",
        "TaskDefinition not found.",
    ),
    (
        "delete_service",
        {"service": "shop-dev-orders"},
        "InvalidParameterException",
        "The service cannot be stopped while it is scaled above 0.",
    ),
    (
        "create_service",
        {"serviceName": "shop-dev-orders", "taskDefinition": "shop-dev-orders", "desiredCount": 1},
        "InvalidParameterException",
        "Creation of service was not idempotent.",
    ),
    (
        "create_service",
        {"serviceName": "d", "taskDefinition": "shop-dev-orders", "schedulingStrategy": "DAEMON"},
        "InvalidParameterException",
        "The DAEMON scheduling strategy is not supported for Fargate launch type services.",
    ),
    (
        "create_service",
        {"serviceName": "d", "taskDefinition": "shop-dev-orders", "desiredCount": 1},
        "InvalidParameterException",
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    ),
    ("list_services", {"nextToken": "rubbish"}, "InvalidParameterException", "Invalid token."),
]


@pytest.mark.parametrize(("call", "arguments", "code", "message"), REFUSED)
def test_refusals_have_awss_codes(
    account: Account, call: str, arguments: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ClientError) as error:
        getattr(account.client("ecs"), call)(**({"cluster": CLUSTER} | arguments))
    assert error.value.response["Error"]["Code"] == code
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert message in error.value.response["Error"]["Message"]


def test_refusals_of_calls_without_a_cluster(account: Account) -> None:
    ecs = account.client("ecs")
    with pytest.raises(ecs.exceptions.ClientException, match="Unable to describe task definition"):
        ecs.describe_task_definition(taskDefinition="nothing")
    arn = "arn:aws:ecs:eu-west-1:962496666337:service-deployment/c/s/xxxxxxxxxxxxxxxxxxxxx"
    with pytest.raises(ecs.exceptions.ServiceDeploymentNotFoundException):
        ecs.stop_service_deployment(serviceDeploymentArn=arn)
    with pytest.raises(ecs.exceptions.InvalidParameterException):
        ecs.describe_service_deployments(serviceDeploymentArns=[arn] * 21)
    assert ecs.describe_service_deployments(serviceDeploymentArns=[arn])["failures"] == [
        {"arn": arn, "reason": "MISSING"}
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"memory": "300"}, "No Fargate configuration exists for given values: 512 CPU, 300 memory."),
        ({"cpu": None}, "Fargate requires that 'cpu' be defined at the task level."),
        ({"memory": None}, "Fargate requires that 'memory' be defined at the task level."),
        ({"networkMode": "bridge"}, "Fargate only supports network mode"),
        ({"containerDefinitions": []}, "Container definitions should not be empty."),
        ({"family": "a b"}, "Family contains invalid characters."),
    ],
)
def test_a_task_definition_that_fargate_refuses(
    account: Account, change: dict[str, Any], message: str
) -> None:
    request = {
        "family": "f",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "512",
        "memory": "1024",
        "containerDefinitions": [{"name": "a", "image": "a:1"}],
    } | change
    with pytest.raises(ClientError) as error:
        account.client("ecs").register_task_definition(**{k: v for k, v in request.items() if v is not None})
    assert error.value.response["Error"]["Code"] == "ClientException"
    assert message in error.value.response["Error"]["Message"]


def test_an_inactive_task_definition_cannot_be_deployed_but_goes_on_running(account: Account) -> None:
    ecs = account.client("ecs")
    current = account.service("orders")["taskDefinition"]
    other = account.register("orders")
    for arn in (current, other):
        assert ecs.deregister_task_definition(taskDefinition=arn)["taskDefinition"]["status"] == "INACTIVE"
    with pytest.raises(ecs.exceptions.ClientException, match="TaskDefinition is inactive"):
        account.update("orders", taskDefinition=other)
    with pytest.raises(ecs.exceptions.ClientException, match="TaskDefinition not found"):
        account.update("orders", taskDefinition="shop-dev-orders")
    account.update("orders", forceNewDeployment=True)
    assert account.settle("orders")["taskDefinition"] == current
    assert ecs.list_task_definitions(familyPrefix="shop-dev-orders")["taskDefinitionArns"] == []
    inactive = ecs.list_task_definitions(familyPrefix="shop-dev-orders", status="INACTIVE")
    assert inactive["taskDefinitionArns"] == [current, other]


def test_lists_are_paged_sorted_and_filtered(account: Account) -> None:
    ecs = account.client("ecs")
    for number in range(12):
        ecs.register_task_definition(
            family="paged", containerDefinitions=[{"name": "a", "image": f"a:{number}", "memory": 64}]
        )
    first = ecs.list_task_definitions(familyPrefix="paged", sort="DESC", maxResults=5)
    assert [arn.rpartition(":")[2] for arn in first["taskDefinitionArns"]] == ["12", "11", "10", "9", "8"]
    pages = ecs.get_paginator("list_task_definitions").paginate(
        familyPrefix="paged", PaginationConfig={"PageSize": 5}
    )
    assert [len(page["taskDefinitionArns"]) for page in pages] == [5, 5, 2]
    assert ecs.list_task_definitions(familyPrefix="pag")["taskDefinitionArns"] == []  # the whole family only
    services = [
        arn
        for page in ecs.get_paginator("list_services").paginate(
            cluster=CLUSTER, PaginationConfig={"PageSize": 2}
        )
        for arn in page["serviceArns"]
    ]
    assert len(services) == len(set(services)) == 5
    tasks = ecs.list_tasks(cluster=CLUSTER, family="shop-dev-redis")["taskArns"]
    assert tasks == [task["taskArn"] for task in account.tasks("redis")]
    started_by = account.service("redis")["deployments"][0]["id"]
    assert ecs.list_tasks(cluster=CLUSTER, startedBy=started_by)["taskArns"] == tasks


def test_list_services_gives_ten_at_a_time_unless_asked(account: Account) -> None:
    ecs = account.client("ecs")
    network = account.service("orders")["networkConfiguration"]
    for number in range(8):
        ecs.create_service(
            cluster=CLUSTER,
            serviceName=f"s{number}",
            taskDefinition="shop-dev-redis",
            desiredCount=0,
            networkConfiguration=network,
        )
    page = ecs.list_services(cluster=CLUSTER)
    assert len(page["serviceArns"]) == 10
    assert len(ecs.list_services(cluster=CLUSTER, nextToken=page["nextToken"])["serviceArns"]) == 3
    assert len(ecs.list_services(cluster=CLUSTER, maxResults=100)["serviceArns"]) == 13


def test_a_call_that_nobody_knows_is_refused_at_once(account: Account) -> None:
    with pytest.raises(ClientError) as error:
        account.client("ecs").update_task_protection(cluster=CLUSTER, tasks=["a"], protectionEnabled=True)
    assert error.value.response["Error"]["Code"] == "UnknownOperationException"
