"""Services as a client makes them: settings that are kept, target groups and rules that are wanted."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from tests.sandbox.account import CLUSTER, Account


def test_settings_of_a_service_are_kept(account: Account) -> None:
    configuration = {
        "minimumHealthyPercent": 50,
        "maximumPercent": 150,
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    }
    account.update(
        "orders",
        enableExecuteCommand=True,
        healthCheckGracePeriodSeconds=90,
        deploymentConfiguration=configuration,
    )
    service = account.service("orders")
    assert service["enableExecuteCommand"] is True
    assert service["healthCheckGracePeriodSeconds"] == 90
    assert configuration.items() <= service["deploymentConfiguration"].items()
    assert len(service["deployments"]) == 1  # none of these begins a deployment
    assert service["createdAt"] < service["deployments"][0]["updatedAt"]


def test_a_service_wants_a_target_group_behind_a_load_balancer_and_a_port_of_its_container(
    account: Account,
) -> None:
    ecs = account.client("ecs")
    service = account.service("orders")
    vpc = account.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    loose = account.client("elbv2").create_target_group(
        Name="loose", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    group = service["loadBalancers"][0]["targetGroupArn"]
    cases = [
        (loose, "orders", 8081, "does not have an associated load balancer"),
        (loose.replace("loose", "gone"), "orders", 8081, "does not exist"),
        (group, "sidecar", 8081, "The container sidecar does not exist in the task definition"),
        (group, "orders", 99, "did not have a container port 99 defined"),
    ]
    for arn, container, port, message in cases:
        balancer = {"targetGroupArn": arn, "containerName": container, "containerPort": port}
        with pytest.raises(ecs.exceptions.InvalidParameterException, match=message):
            ecs.create_service(
                cluster=CLUSTER,
                serviceName="more",
                taskDefinition=service["taskDefinition"],
                desiredCount=1,
                networkConfiguration=service["networkConfiguration"],
                loadBalancers=[balancer],
            )
    assert ecs.describe_services(cluster=CLUSTER, services=["more"])["services"] == []


def test_a_rule_that_a_client_adds_leads_to_its_own_service(account: Account) -> None:
    """A service made by hand, from the target group to the answer over HTTP."""
    ecs, elb = account.client("ecs"), account.client("elbv2")
    service = account.service("orders")
    vpc = account.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    group = elb.create_target_group(
        Name="mine",
        Protocol="HTTP",
        Port=8081,
        VpcId=vpc,
        TargetType="ip",
        HealthCheckPath="/actuator/health",
        HealthCheckIntervalSeconds=10,
        HealthCheckTimeoutSeconds=5,
    )["TargetGroups"][0]["TargetGroupArn"]
    balancer = elb.describe_load_balancers()["LoadBalancers"][0]
    listener = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"][0][
        "ListenerArn"
    ]
    elb.create_rule(
        ListenerArn=listener,
        Priority=500,
        Conditions=[{"Field": "path-pattern", "Values": ["/mine/*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    ecs.create_service(
        cluster=CLUSTER,
        serviceName="mine",
        taskDefinition=service["taskDefinition"],
        desiredCount=2,
        networkConfiguration=service["networkConfiguration"],
        loadBalancers=[{"targetGroupArn": group, "containerName": "orders", "containerPort": 8081}],
        healthCheckGracePeriodSeconds=60,
    )
    account.sandbox.advance(120)
    health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [target["TargetHealth"]["State"] for target in health] == ["healthy", "healthy"]
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"http://{balancer['DNSName']}/mine/")
    # The path is passed on as it is, and the application itself has no such page: it is not ALB's 404.
    assert (error.value.code, json.loads(error.value.read())["path"]) == (404, "/mine/")
