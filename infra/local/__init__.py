"""The one-machine cloud: stand-ins that speak the real protocols, for demo, development and tests."""
