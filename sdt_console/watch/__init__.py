"""What we see: services, logs, metrics, alarms, cost, images. Read only; clients come as Protocols."""
