"""DescribeTargetHealth, in the XML of Elastic Load Balancing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from xml.sax.saxutils import escape

from .ecs.targets import Target


def target_health(targets: Iterable[Target]) -> bytes:
    """The response's body."""
    members = "".join(_member(target) for target in targets)
    return (
        '<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">'
        f"<DescribeTargetHealthResult><TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
        f"</DescribeTargetHealthResult><ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId>"
        "</ResponseMetadata></DescribeTargetHealthResponse>"
    ).encode()


def _member(target: Target) -> str:
    why = ""
    if target.reason:
        why = f"<Reason>{target.reason}</Reason><Description>{escape(target.description)}</Description>"
    return (
        f"<member><Target><Id>{target.address}</Id><Port>{target.port}</Port>"
        f"<AvailabilityZone>{target.task.interface['zone']}</AvailabilityZone></Target>"
        f"<HealthCheckPort>{target.port}</HealthCheckPort>"
        f"<TargetHealth><State>{target.state}</State>{why}</TargetHealth></member>"
    )
