"""Clusters: CreateCluster, DeleteCluster, DescribeClusters, ListClusters, UpdateCluster."""

from __future__ import annotations

from . import views
from .errors import ApiError, cluster_not_found
from .identity import last_part
from .model import Cluster, Wire
from .paging import page
from .region import Region

_KEPT = (
    "settings",
    "configuration",
    "capacityProviders",
    "defaultCapacityProviderStrategy",
    "serviceConnectDefaults",
)


def create_cluster(region: Region, request: Wire) -> Wire:
    name = request.get("clusterName") or "default"
    cluster = region.clusters.get(name)
    if cluster is None or cluster.status != "ACTIVE":
        cluster = Cluster(name, region.identity.arn("cluster", name), _settings(request))
        region.clusters[name] = cluster
        region.tags[cluster.arn] = list(request.get("tags", []))
    return {"cluster": views.cluster(cluster) | {"tags": region.tags.get(cluster.arn, [])}}


def _settings(request: Wire) -> Wire:
    kept = {key: request[key] for key in _KEPT if key in request}
    return {"settings": [{"name": "containerInsights", "value": "disabled"}]} | kept


def delete_cluster(region: Region, request: Wire) -> Wire:
    cluster = region.cluster(request.get("cluster"))
    if any(service.status != "INACTIVE" for service in cluster.services.values()):
        raise ApiError(
            "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
        )
    if any(task.status != "STOPPED" for task in cluster.tasks.values()):
        raise ApiError(
            "ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active."
        )
    cluster.status = "INACTIVE"
    return {"cluster": views.cluster(cluster)}


def describe_clusters(region: Region, request: Wire) -> Wire:
    found, failures = [], []
    for reference in request.get("clusters") or ["default"]:
        cluster = region.clusters.get(last_part(reference))
        if cluster is None:
            failures.append({"arn": _arn(region, reference), "reason": "MISSING"})
            continue
        wanted = request.get("include", [])
        view = views.cluster(cluster)
        if "TAGS" in wanted:
            view["tags"] = region.tags.get(cluster.arn, [])
        if "SETTINGS" not in wanted:
            view["settings"] = []
        found.append(view)
    return {"clusters": found, "failures": failures}


def list_clusters(region: Region, request: Wire) -> Wire:
    arns = sorted(c.arn for c in region.clusters.values() if c.status == "ACTIVE")
    shown, token = page(arns, request)
    return views.compact(clusterArns=shown, nextToken=token)


def update_cluster(region: Region, request: Wire) -> Wire:
    cluster = region.clusters.get(last_part(request["cluster"]))
    if cluster is None:
        raise cluster_not_found()
    cluster.settings |= {key: request[key] for key in _KEPT if key in request}
    return {"cluster": views.cluster(cluster)}


def _arn(region: Region, reference: str) -> str:
    return reference if reference.startswith("arn:") else region.identity.arn("cluster", reference)


OPERATIONS = {
    "CreateCluster": create_cluster,
    "DeleteCluster": delete_cluster,
    "DescribeClusters": describe_clusters,
    "ListClusters": list_clusters,
    "UpdateCluster": update_cluster,
    "UpdateClusterSettings": update_cluster,
    "PutClusterCapacityProviders": update_cluster,
}
