"""Third parties' chatter, kept back."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

CHATTY = ("nv_one_logger", "lightning", "lightning.pytorch", "pytorch_lightning", "numexpr", "matplotlib")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back what third parties warn of and log while NeMo is imported and while it builds a model.

    Their deprecations are not ours to mend. Errors stay visible. Importing NeMo also takes over
    `warnings.showwarning`; leaving the context gives it back.
    """
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nemo.utils import logging as nemo_logging

        nemo_logging.setLevel(logging.ERROR)
        yield
