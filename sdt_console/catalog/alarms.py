"""The ``[[alarms]]`` table: which CloudWatch alarms an environment should have, for ``sdt alarms --audit``.

Nothing is expected where the catalog names none.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

Subject = Literal["service", "target-group", "load-balancer", "database"]
"""What an alarm is about; each has dimensions of its own."""


class AlarmRule(BaseModel):
    """One alarm that is expected of every service, target group, load balancer or database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60, description="what it is called here")
    of: Subject = Field(description="there is one for each of these")
    namespace: str = Field(min_length=1, description="of the metric, for example AWS/ECS")
    metric: str = Field(min_length=1, description="its name, for example CPUUtilization")
    statistic: str = Field(
        "Average",
        pattern=r"^(Average|Sum|Minimum|Maximum|SampleCount|p\d{1,2}(\.\d+)?|p100)$",
        description="Average, Sum, Minimum, Maximum, SampleCount or a percentile such as p99",
    )
    comparison: Literal[">", ">=", "<", "<="] = ">"
    threshold: float = Field(description="in the metric's unit, or in `unit`")
    unit: Literal["", "%", "s", "GB"] = Field(
        "", description="shown with the threshold; GB (bytes in the metric) is taken as 10^9 or 2^30"
    )
    share_of: Literal["", "database_connections"] = Field(
        "", description="the threshold is a percentage of this setting of the environment"
    )
    period_seconds: Annotated[StrictInt, Field(ge=10)] | None = Field(
        None, description="where the threshold is one per period; else any will do"
    )
    periods: StrictInt = Field(2, ge=1, description="how many in a row; of the cure that is offered")
    missing_data: Literal["missing", "ignore", "breaching", "notBreaching"] = Field(
        "missing", description="what a period without data means; of the cure that is offered"
    )
