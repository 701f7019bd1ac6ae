"""What is installed: our names are ours alone, and every version is locked."""

import re
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest

LOCK = Path(__file__).parents[2] / "locks" / "cpu.txt"
UNLOCKED = {"klipscribe", "pip", "setuptools", "wheel"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, str]:
    """Versions by name; of a local version (2.13.0+cpu) the public part."""
    return {normal(dist.metadata["Name"]): dist.version.split("+")[0] for dist in distributions()}


def locked() -> dict[str, str]:
    lines = (line for line in LOCK.read_text().splitlines() if not line.startswith("#"))
    pairs = [line.split("==") for line in lines]
    return {normal(name): version for name, version in pairs}


@pytest.mark.parametrize("name", ["core", "handlers", "infra"])
def test_no_other_package_has_a_name_of_ours(name: str) -> None:
    others = set(packages_distributions().get(name, [])) - {"klipscribe"}
    assert not others, f"{others} would hide our {name}, or be hidden by it"


def test_every_installed_package_is_locked_at_its_version() -> None:
    expected = {name: version for name, version in installed().items() if name not in UNLOCKED}
    assert {name: locked().get(name) for name in expected} == expected


def test_the_lock_pins_versions_and_nothing_else() -> None:
    lines = [line for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][0-9a-z.!-]*", line)] == []
    assert lines == sorted(set(lines), key=lambda line: line.split("==")[0])
