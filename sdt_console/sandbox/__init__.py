"""An AWS account in a box: moto's server plus a service scheduler that behaves like ECS's.

``sandbox`` puts the parts together; ``front`` is the endpoint, ``ecs`` the scheduler and its API,
``balancer`` the load balancers, ``application`` what runs in the tasks, ``registry`` what is behind ECR,
``seed`` what stands there at the start, ``repository`` the generated backend repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .sandbox import Sandbox

__all__ = ["Sandbox"]


def __getattr__(name: str) -> Any:
    """``Sandbox`` on first use: it takes half a second to import."""
    if name == "Sandbox":
        from .sandbox import Sandbox

        return Sandbox
    raise AttributeError(name)
