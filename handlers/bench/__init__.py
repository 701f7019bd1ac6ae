"""Measures the engine and the decoder on this machine, and against NeMo's own way of doing the same.

    klipscribe bench engine        the whole way from a file to its words, and what must be reached
    klipscribe bench decode        from a file to samples
    klipscribe bench coldstart     from a start to the first word
    klipscribe bench gpu           all that needs a CUDA device, in 8 minutes

`python -m handlers.bench NAME` is the same with the standard library's command line: on a bare machine with
torch and NeMo, nothing else has to be there. So nothing here imports the cloud's clients or the settings.

Sides that are compared take turns in one run, each in its own process, with the same number of threads.
"""
