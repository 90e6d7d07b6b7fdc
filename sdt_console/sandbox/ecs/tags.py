"""Tags: TagResource, UntagResource, ListTagsForResource."""

from __future__ import annotations

from .errors import ApiError
from .model import Wire
from .region import Region


def _known(region: Region, arn: str) -> list[Wire]:
    if arn not in region.tags:
        raise ApiError("ResourceNotFoundException", "The specified resource could not be found.")
    return region.tags[arn]


def tag_resource(region: Region, request: Wire) -> Wire:
    arn = request["resourceArn"]
    merged = {tag["key"]: tag for tag in _known(region, arn) + request["tags"]}
    region.tags[arn] = list(merged.values())
    return {}


def untag_resource(region: Region, request: Wire) -> Wire:
    arn = request["resourceArn"]
    region.tags[arn] = [tag for tag in _known(region, arn) if tag["key"] not in request["tagKeys"]]
    return {}


def list_tags_for_resource(region: Region, request: Wire) -> Wire:
    return {"tags": _known(region, request["resourceArn"])}


OPERATIONS = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
