"""The environment of a program that a test starts: ours, without any setting of the service."""

from infra import settings as environment


def plain(**changes: str) -> dict[str, str]:
    """The process's environment less all settings, so that nothing of another test gets in."""
    inherited = environment.environment()
    return {key: value for key, value in inherited.items() if key not in environment.NAMES} | changes
