"""An AWS account in a box: moto's server plus a service scheduler that behaves like ECS's."""
