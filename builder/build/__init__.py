"""From a build spec to a raw wheel: render the project, then compile it in the sandbox.

Import from the modules themselves (`builder.build.render`, `.compile`, `.pipeline`): a plan that
only asks for `build_env_digest` must not load the rest.
"""
