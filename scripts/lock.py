"""Prints a pin for every package that is installed, for locks/cpu.txt.

A local part of a version (torch 2.13.0+cpu) is left out: the same pin then takes the CPU build where pip is
offered one, and the registry's build elsewhere.
"""

from importlib.metadata import distributions

OURS = {"klipscribe", "pip", "setuptools", "wheel"}

print("# Every package of the development and test environment. Use as a constraint:")
print("#   pip install --constraint locks/cpu.txt --editable '.[asr,local,dev]'")
print("# Made by `make lock`.")
names = {dist.metadata["Name"].lower().replace("_", "-").replace(".", "-"): dist for dist in distributions()}
for name, dist in sorted(names.items()):
    if name not in OURS:
        print(f"{name}=={dist.version.split('+')[0]}")
