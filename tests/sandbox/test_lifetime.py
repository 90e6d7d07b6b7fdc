"""Starting and stopping: fast, and nothing is left behind."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

import pytest

from sdt_console.catalog.model import Catalog
from sdt_console.errors import UsageError
from sdt_console.sandbox import Sandbox
from tests.sandbox.account import CATALOG, Account


def catalog() -> Catalog:
    return Catalog.model_validate(CATALOG)


def test_stop_leaves_no_thread_no_port_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    threads = set(threading.enumerate())
    sandbox = Sandbox.start(catalog())
    ports = [int(url.rpartition(":")[2]) for url in (sandbox.endpoint, *sandbox.load_balancers.values())]
    Account(sandbox, catalog()).client("ecs").list_clusters()  # leaves a connection open
    urllib.request.urlopen(sandbox.load_balancers["dev"] + "/api/orders/").close()
    tail = Account(sandbox, catalog()).client("logs", inject_host_prefix=False)
    group = "arn:aws:logs:eu-west-1:962496666337:log-group:/ecs/shop/dev/orders"
    stream = iter(tail.start_live_tail(logGroupIdentifiers=[group])["responseStream"])
    assert "sessionStart" in next(stream)  # and it would go on for three hours
    assert len(list(tmp_path.iterdir())) == 1
    sandbox.stop()
    sandbox.stop()
    assert set(threading.enumerate()) == threads
    assert list(tmp_path.iterdir()) == []
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_nothing_of_one_sandbox_is_seen_in_the_next() -> None:
    with Sandbox.start(catalog()) as sandbox:
        account = Account(sandbox, catalog())
        account.client("ecs").create_cluster(clusterName="mine")
        account.client("s3").create_bucket(
            Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
    with Sandbox.start(catalog()) as sandbox:
        account = Account(sandbox, catalog())
        assert len(account.client("ecs").list_clusters()["clusterArns"]) == 2
        names = [bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]]
        assert "mine" not in names


def test_a_port_that_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        threads = set(threading.enumerate())
        with pytest.raises(UsageError) as error:
            Sandbox.start(catalog(), port=port)
    assert str(error.value).startswith(f"the sandbox cannot listen on 127.0.0.1:{port}: another program")
    assert set(threading.enumerate()) == threads


def test_one_at_a_time() -> None:
    with Sandbox.start(catalog(), environments=["dev"]) as sandbox, pytest.raises(UsageError) as error:
        Sandbox.start(catalog())
    assert sandbox.endpoint in str(error.value)


def test_an_unknown_environment() -> None:
    with pytest.raises(UsageError, match="no such environment: prod"):
        Sandbox.start(catalog(), environments=["prod"])


def test_a_given_port_is_used() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Sandbox.start(catalog(), port=port, environments=["dev"]) as sandbox:
        assert sandbox.endpoint == f"http://127.0.0.1:{port}"
        assert sandbox.environ["AWS_ENDPOINT_URL"] == sandbox.endpoint


def test_the_initial_images_can_carry_a_commit_of_ones_own() -> None:
    with Sandbox.start(catalog(), environments=["dev"], commit="a" * 40) as sandbox:
        account = Account(sandbox, catalog())
        container = account.tasks("orders")[0]["containers"][0]
        assert container["image"] == f"{sandbox.registry}/shop/dev/orders:{'a' * 40}"
        found = account.client("ecr").describe_images(
            repositoryName="shop/dev/orders", imageIds=[{"imageTag": "a" * 40}]
        )
        assert found["imageDetails"][0]["imageDigest"] == container["imageDigest"]


@pytest.mark.parametrize("missing", ["moto", "flask"])
def test_without_moto_it_says_what_to_install(missing: str) -> None:
    script = f"""
import sys
sys.modules[{missing!r}] = None
from sdt_console.errors import UsageError
try:
    from sdt_console.sandbox import Sandbox
except UsageError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"the sandbox needs moto: {missing}")
    assert "pip install 'sdt-console[sandbox]'" in done.stdout
