"""These recipes' tests run against the installed wheel, never in this project's own run."""

collect_ignore_glob = ["*/tests/*"]
