"""A SentencePiece tokenizer of made-up pieces, for models that were never trained."""

from itertools import chain, product
from pathlib import Path
from typing import Any

MARKS = (".", ",", "?")
CONSONANTS = "bdfghklmnprstvwz"
VOWELS = "aeiou"


def pieces(count: int) -> tuple[str, ...]:
    """`count` different pieces: the unknown one, the marks that end sentences, then syllables.

    Every second syllable begins a word, about as often as in English text cut into a thousand pieces.
    """
    syllables = chain(
        map("".join, product(CONSONANTS, VOWELS)), map("".join, product(CONSONANTS, VOWELS, CONSONANTS))
    )
    both = chain.from_iterable((f"▁{syllable}", syllable) for syllable in syllables)
    known = ("<unk>", *MARKS)
    return known + tuple(piece for piece, _ in zip(both, range(count - len(known)), strict=False))


def write(folder: Path, count: int) -> dict[str, str]:
    """Write the three files that NeMo asks of a tokenizer into a folder; give NeMo's settings for it."""
    model, vocabulary, scores = (
        folder / name for name in ("tokenizer.model", "vocab.txt", "tokenizer.vocab")
    )
    known = pieces(count)
    model.write_bytes(_proto(known).SerializeToString())
    vocabulary.write_text("".join(f"{piece}\n" for piece in known[1:]), encoding="utf-8")
    scores.write_text("".join(f"{piece}\t{-index}\n" for index, piece in enumerate(known)), encoding="utf-8")
    return {
        "dir": str(folder),
        "type": "bpe",
        "model_path": str(model),
        "vocab_path": str(vocabulary),
        "spe_tokenizer_vocab": str(scores),
    }


def _proto(known: tuple[str, ...]) -> Any:
    """SentencePiece's own format, written without training: a piece's rank is its score."""
    from sentencepiece import sentencepiece_model_pb2

    schema: Any = sentencepiece_model_pb2  # its classes are made when it is imported: no types
    kinds = schema.ModelProto.SentencePiece
    proto = schema.ModelProto()
    for index, piece in enumerate(known):
        proto.pieces.add(piece=piece, score=-float(index), type=kinds.NORMAL if index else kinds.UNKNOWN)
    proto.trainer_spec.model_type = schema.TrainerSpec.BPE
    proto.trainer_spec.vocab_size = len(known)
    proto.trainer_spec.unk_id, proto.trainer_spec.bos_id = 0, -1
    proto.trainer_spec.eos_id, proto.trainer_spec.pad_id = -1, -1
    proto.normalizer_spec.name = "identity"
    return proto
