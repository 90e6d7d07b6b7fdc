"""The console: a Textual application over the engine. One file for each screen, its look beside it."""
