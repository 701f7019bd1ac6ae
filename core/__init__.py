"""What Klipscribe decides: pure functions and frozen values, no I/O, no environment, no wall clock."""
