"""What changes: a file per stage (detect, gate, build, push, deploy, health, rollback), plan and runner."""
