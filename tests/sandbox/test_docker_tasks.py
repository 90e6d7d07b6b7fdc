"""Tasks as containers of the very image that was pushed, judged by ECS's words, HTTP and a Docker Engine."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.clients.engine_builder import EngineBuilder
from sdt_console.errors import UsageError
from sdt_console.sandbox import Sandbox
from sdt_console.sandbox.clock import ManualClock
from sdt_console.sandbox.repository import generate
from tests.sandbox.account import CATALOG, Account
from tests.sandbox.containers import BASE, Yard, import_base, until

SHELL = ["/bin/busybox", "sh", "-c"]
SERVE = "exec /bin/busybox httpd -f -v -p 8081 -h /app/www"


@pytest.fixture(scope="module")
def engine() -> Iterator[Any]:
    import docker

    client = docker.from_env()
    import_base(client)
    yield client
    client.images.remove(BASE, force=True)
    client.close()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("repository") / "shop", Catalog.model_validate(CATALOG)).path


@pytest.fixture
def yard(engine_trouble: str | None, request: pytest.FixtureRequest, repository: Path) -> Iterator[Yard]:
    if engine_trouble:
        pytest.skip(engine_trouble)
    catalog = Catalog.model_validate(CATALOG)
    with Sandbox.start(catalog, environments=["dev"], docker=True) as sandbox:
        made = Yard(Account(sandbox, catalog), request.getfixturevalue("engine"), repository)
        yield made
    assert made.containers() == []
    for image in made.made:
        made.engine.images.remove(image)


@pytest.mark.docker
def test_a_task_is_a_container_of_the_very_image_that_was_pushed(yard: Yard) -> None:
    digest = yard.push("orders", "one")
    arn = yard.deploy("orders", "one", entryPoint=SHELL, command=[f"echo Started in $ZONE; {SERVE}"],
                      environment=[{"name": "ZONE", "value": "dev"}])  # fmt: skip
    service = yard.settled("orders")
    assert (service["taskDefinition"], service["runningCount"]) == (arn, 1)
    (task,) = yard.account.tasks("orders")
    container = yard.container(task)
    assert container.attrs["Config"]["Image"] == f"{yard.account.sandbox.registry}/shop/dev/orders@{digest}"
    assert task["containers"][0]["imageDigest"] == digest
    assert task["containers"][0]["runtimeId"] == container.id
    assert container.attrs["HostConfig"]["Memory"] == 1024 << 20

    url = yard.account.sandbox.load_balancers["dev"] + "/api/orders/actuator/health"
    with urllib.request.urlopen(url) as answer:
        assert (answer.status, b'"UP"' in answer.read()) == (200, True)
    until(lambda: any("response:200" in line for line in yard.log("orders", task)))
    assert yard.log("orders", task)[0] == "Started in dev"
    (group,) = yard.account.client("elbv2").describe_target_groups(Names=["shop-dev-orders"])["TargetGroups"]
    health = yard.account.client("elbv2").describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    assert [t["TargetHealth"]["State"] for t in health["TargetHealthDescriptions"]] == ["healthy"]


@pytest.mark.docker
def test_secrets_and_the_network_of_a_task_reach_its_containers(yard: Yard) -> None:
    yard.push("orders", "one")
    yard.deploy("orders", "one", entryPoint=SHELL, command=[f"echo [$SPRING_DATASOURCE_PASSWORD]; {SERVE}"])
    yard.settled("orders")
    (task,) = yard.account.tasks("orders")
    until(lambda: yard.log("orders", task)[:1] == ["[sandbox]"])


@pytest.mark.docker
def test_a_container_that_exits_is_a_failed_task_with_its_code_and_its_last_words(yard: Yard) -> None:
    yard.push("orders", "one")
    arn = yard.deploy("orders", "one", entryPoint=SHELL, command=["echo no database >&2; exit 3"])
    task = yard.stopped("orders", arn)
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert task["containers"][0]["exitCode"] == 3
    assert yard.log("orders", task) == ["no database"]
    service = yard.settled("orders")  # the breaker takes it back to what is simulated
    assert service["taskDefinition"] != arn
    assert until(lambda: not yard.containers())


@pytest.mark.docker
def test_a_container_beyond_its_memory_is_killed_as_on_fargate(yard: Yard) -> None:
    yard.push("orders", "one")
    arn = yard.deploy("orders", "one", memory=16, entryPoint=SHELL, command=["x=a; while :; do x=$x$x; done"])
    (container,) = yard.stopped("orders", arn)["containers"]
    assert container["exitCode"] == 137
    assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"


@pytest.mark.docker
def test_an_unhealthy_container_is_replaced(yard: Yard) -> None:
    yard.push("orders", "one")
    arn = yard.deploy(
        "orders", "one", entryPoint=SHELL, command=["exec /bin/busybox httpd -f -p 8081 -h /bin"]
    )
    task = yard.stopped("orders", arn)
    assert task["stopCode"] == "ServiceSchedulerInitiated"
    assert task["stoppedReason"].startswith("Task failed ELB health checks in (target-group ")
    assert any(
        "due to (reason Health checks failed with these codes: [404])" in message
        for message in yard.account.messages("orders")
    )


@pytest.mark.docker
def test_a_healthy_container_that_falls_ill_is_replaced(yard: Yard) -> None:
    yard.push("orders", "one")
    yard.deploy("orders", "one", entryPoint=SHELL, command=[SERVE])
    yard.settled("orders")
    (task,) = yard.account.tasks("orders")
    page = "/app/www/api/orders/actuator/health"
    assert yard.container(task).exec_run(["/bin/busybox", "rm", page], user="0").exit_code == 0
    stopped = yard.stopped("orders", task["taskDefinitionArn"])
    assert (stopped["taskArn"], stopped["stopCode"]) == (task["taskArn"], "ServiceSchedulerInitiated")

    def replaced() -> bool:
        return [t["taskArn"] for t in yard.account.tasks("orders") if t["lastStatus"] == "RUNNING"] not in (
            [],
            [task["taskArn"]],
        )

    until(replaced)


@pytest.mark.docker
def test_a_task_whose_container_is_taken_away_ends(yard: Yard) -> None:
    yard.push("orders", "one")
    arn = yard.deploy("orders", "one", entryPoint=SHELL, command=[SERVE])
    yard.settled("orders")
    yard.container(yard.account.tasks("orders")[0]).remove(force=True)
    assert yard.stopped("orders", arn)["stopCode"] == "EssentialContainerExited"


@pytest.mark.docker
def test_a_container_health_check_runs_its_command(yard: Yard) -> None:
    yard.push("orders", "one")
    check = {"command": ["CMD", "/bin/busybox", "test", "-e", "/app/www"], "interval": 5, "retries": 2}
    yard.deploy("orders", "one", entryPoint=SHELL, command=[SERVE], healthCheck=check)
    yard.settled("orders")
    (task,) = yard.account.tasks("orders")
    assert task["healthStatus"] == "HEALTHY"
    arn = yard.deploy("orders", "one", entryPoint=SHELL, command=[SERVE],
                      healthCheck=check | {"command": ["CMD-SHELL", "exit 1"]})  # fmt: skip
    assert yard.stopped("orders", arn)["stoppedReason"] == "Task failed container health checks"


@pytest.mark.docker
@pytest.mark.parametrize(
    ("script", "code"),
    [("trap 'echo bye; exit 5' TERM", 5), ("trap '' TERM", 137)],
    ids=["obeys", "must be killed"],
)  # fmt: skip
def test_stopping_is_sigterm_and_then_sigkill(yard: Yard, script: str, code: int) -> None:
    yard.push("orders", "one")
    arn = yard.account.register(
        "orders", image=f"{yard.account.sandbox.registry}/shop/dev/orders:one", entryPoint=SHELL,
        command=[f"{script}; while :; do sleep 0.1; done"], stopTimeout=2,
    )  # fmt: skip
    ecs = yard.account.client("ecs")
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    (task,) = ecs.run_task(cluster="shop-dev-cluster", taskDefinition=arn, networkConfiguration=network)[
        "tasks"
    ]

    def status() -> Any:
        return ecs.describe_tasks(cluster="shop-dev-cluster", tasks=[task["taskArn"]])["tasks"][0]

    until(lambda: status()["lastStatus"] == "RUNNING")
    ecs.stop_task(cluster="shop-dev-cluster", task=task["taskArn"], reason="enough")
    until(lambda: status()["lastStatus"] == "STOPPED")
    assert (status()["stopCode"], status()["stoppedReason"]) == ("UserInitiated", "enough")
    assert status()["containers"][0]["exitCode"] == code
    assert yard.log("orders", task) == (["bye"] if code == 5 else [])
    until(lambda: not yard.containers())


@pytest.mark.docker
def test_what_cannot_be_started_says_so_in_the_engines_words(yard: Yard) -> None:
    yard.push("orders", "one")
    arn = yard.deploy("orders", "one", entryPoint=["/bin/nothing"])
    task = yard.stopped("orders", arn)
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotStartContainerError: Error response from daemon: ")
    assert "/bin/nothing: no such file or directory" in task["stoppedReason"]


@pytest.mark.docker
def test_what_cannot_be_pulled_says_so_in_the_engines_words(yard: Yard) -> None:
    """A layer that is no archive: ECR takes it, an Engine does not."""
    import hashlib
    import json

    ecr, repository = yard.account.client("ecr"), "shop/dev/orders"
    descriptors = []
    for blob in (b"{}", b"no archive"):
        upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
        ecr.upload_layer_part(repositoryName=repository, uploadId=upload, partFirstByte=0,
                              partLastByte=len(blob) - 1, layerPartBlob=blob)  # fmt: skip
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[digest])
        descriptors.append({"digest": digest, "size": len(blob)})
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": descriptors[0] | {"mediaType": "application/vnd.docker.container.image.v1+json"},
        "layers": [descriptors[1] | {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip"}],
    }
    ecr.put_image(repositoryName=repository, imageTag="bad", imageManifest=json.dumps(manifest))
    arn = yard.deploy("orders", "bad")
    task = yard.stopped("orders", arn)
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: Error response from daemon: ")
    assert task["containers"][0]["reason"] == task["stoppedReason"]


@pytest.mark.docker
def test_the_containers_of_a_task_share_its_network_and_its_end(yard: Yard) -> None:
    yard.push("orders", "one")
    ecs = yard.account.client("ecs")
    arn = yard.account.register(
        "orders",
        image=f"{yard.account.sandbox.registry}/shop/dev/orders:one",
        entryPoint=SHELL,
        command=[SERVE],
    )
    kept = ("family", "networkMode", "requiresCompatibilities", "cpu", "memory", "executionRoleArn")
    definition = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    main = definition["containerDefinitions"][0]
    ask = "until /bin/busybox wget -q -O- http://127.0.0.1:8081/actuator/health; do sleep 0.1; done"
    side = main | {"name": "side", "portMappings": [], "essential": False, "command": [ask]}
    wait = "while [ ! -e /tmp/go ]; do sleep 0.1; done; exit 4"
    guard = main | {"name": "guard", "portMappings": [], "command": [wait], "user": "0"}
    arn = ecs.register_task_definition(
        **{key: definition[key] for key in kept}, containerDefinitions=[main, side, guard]
    )["taskDefinition"]["taskDefinitionArn"]
    yard.account.update("orders", taskDefinition=arn)
    yard.settled("orders")
    (task,) = yard.account.tasks("orders")

    def codes(task: Any) -> Any:
        return {c["name"]: c.get("exitCode") for c in task["containers"]}

    until(lambda: codes(yard.account.tasks("orders")[0]) == {"orders": None, "side": 0, "guard": None})
    (found,) = [c for c in yard.containers() if "-guard-" in c.name]
    assert found.exec_run(["/bin/sh", "-c", "/bin/busybox mkdir -p /tmp; echo > /tmp/go"]).exit_code == 0
    # The guard is essential: with it the whole task ends.
    stopped = yard.stopped("orders", arn)
    assert stopped["taskArn"] == task["taskArn"]
    assert codes(stopped) == {"orders": 137, "side": 0, "guard": 4}


@pytest.mark.docker
def test_under_a_clock_that_is_moved_by_hand_containers_are_there_when_they_are_looked_at(
    engine: Any, repository: Path
) -> None:
    catalog = Catalog.model_validate(CATALOG)
    with Sandbox.start(catalog, environments=["dev"], docker=True, clock=ManualClock(), speed=1) as sandbox:
        yard = Yard(Account(sandbox, catalog), engine, repository)
        digest = yard.push("orders", "one")
        arn = yard.deploy("orders", "one", entryPoint=SHELL, command=[SERVE])

        def moved() -> bool:
            sandbox.advance(5)
            return bool(yard.account.service("orders")["deployments"][0]["rolloutState"] == "COMPLETED")

        until(moved)
        (task,) = [t for t in yard.account.tasks("orders") if t["taskDefinitionArn"] == arn]
        assert yard.container(task).attrs["Config"]["Image"].endswith(digest)
    for image in yard.made:
        engine.images.remove(image)


@pytest.mark.docker
def test_what_holds_no_program_stays_simulated(yard: Yard) -> None:
    yard.account.update("users", forceNewDeployment=True)
    assert yard.settled("users")["runningCount"] == 1
    assert yard.containers() == []


@pytest.mark.docker
def test_stop_leaves_no_container_no_image_and_no_thread(engine: Any, repository: Path) -> None:
    threads = set(threading.enumerate())
    catalog = Catalog.model_validate(CATALOG)
    with Sandbox.start(catalog, environments=["dev"], docker=True) as sandbox:
        yard = Yard(Account(sandbox, catalog), engine, repository)
        yard.push("orders", "one")
        engine.images.remove(yard.made[0], force=True)  # so that it has to be pulled
        yard.deploy("orders", "one", entryPoint=SHELL, command=[SERVE])
        yard.settled("orders")
        assert len(yard.containers()) == 1
        registry = sandbox.registry
    # All of it is gone, and so is the name under which the image was pulled.
    assert yard.containers() == []
    assert not [ref for i in engine.images.list() for ref in i.attrs["RepoDigests"] if registry in ref]
    until(lambda: set(threading.enumerate()) <= threads)


def test_without_an_engine_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EngineBuilder, "available", lambda: "no Docker Engine answers: Connection refused")
    threads = set(threading.enumerate())
    with pytest.raises(UsageError) as error:
        Sandbox.start(Catalog.model_validate(CATALOG), docker=True)
    assert str(error.value).startswith(
        "tasks cannot run as containers: no Docker Engine answers: Connection refused"
    )
    assert set(threading.enumerate()) == threads
