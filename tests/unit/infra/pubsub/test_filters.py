from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.pubsub.filters import Filter, FilterSyntaxError, parse_filter

VIDEO = {"domain": "com", "iana.org/tag": "en", "region": "us-east1", "ce-type": "completed", "empty": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("  ", True),
        ("attributes:domain", True),
        ("attributes:missing", False),
        ("NOT attributes:missing", True),
        ("NOT NOT attributes:domain", True),
        ("-attributes:domain", False),
        ('attributes.domain = "com"', True),
        ('attributes.domain="com"', True),
        ('attributes.domain = "co"', False),
        ('attributes.domain != "com"', False),
        ('attributes.domain != "org"', True),
        ('attributes.missing != "com"', True),
        ('attributes.missing = ""', False),
        ('attributes.empty = ""', True),
        ("attributes:empty", True),
        ('attributes."iana.org/tag" = "en"', True),
        ('attributes:"iana.org/tag"', True),
        ('attributes.ce-type = "completed"', True),
        ('hasPrefix(attributes.region, "us-")', True),
        ('hasPrefix(attributes.region, "eu-")', False),
        ('hasPrefix(attributes.missing, "")', False),
        ('hasPrefix(attributes.empty, "")', True),
        ("attributes:domain AND attributes:region", True),
        ("attributes:domain AND attributes:missing", False),
        ("attributes:missing OR attributes:other OR attributes:domain", True),
        ("attributes:missing AND (attributes:domain OR attributes:region)", False),
        ("(attributes:missing AND attributes:domain) OR attributes:region", True),
        ("NOT attributes:missing AND attributes:domain", True),
        ("NOT (attributes:domain AND attributes:region)", False),
        (r'attributes.domain = "\u0063\x6f\155"', True),
        (r'attributes.domain = "\"com\""', False),
    ],
)
def test_a_filter_decides_by_attributes(text: str, expected: bool) -> None:
    assert parse_filter(text)(VIDEO) is expected


@pytest.mark.parametrize(
    "text",
    [
        "attributes:a AND attributes:b OR attributes:c",
        "attributes:a attributes:b",
        "attributes.a = unquoted",
        "attributes.a == 'b'",
        'attributes.a = "open',
        'labels.a = "x"',
        'hasSuffix(attributes.a, "x")',
        'hasPrefix(attributes.a "x")',
        "(attributes:a",
        "attributes:a)",
        "attributes:",
        "attributes",
        "attributes:a AND",
        "attributes:a and attributes:b",
        "AND",
        "NOT",
        'attributes.a = "\\q"',
        'attributes.a = "\\UFFFFFFFF"',
        "attributes:a ; attributes:b",
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(FilterSyntaxError):
        parse_filter(text)


def test_a_filter_has_at_most_256_bytes() -> None:
    parse_filter(f"attributes:{'a' * 245}")
    with pytest.raises(FilterSyntaxError):
        parse_filter(f"attributes:{'a' * 246}")


KEYS = st.sampled_from(["a", "b-c", "d_1"])
VALUES = st.sampled_from(["", "x", "xy", 'q"t', "back\\slash"])
Sample = tuple[str, Filter]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _equal(key: str, value: str, *, negated: bool) -> Sample:
    text = f"attributes.{key} {'!=' if negated else '='} {_quoted(value)}"
    return text, lambda attributes: (key in attributes and attributes[key] == value) is not negated


def _prefix(key: str, value: str) -> Sample:
    text = f"hasPrefix(attributes.{key}, {_quoted(value)})"
    return text, lambda attributes: key in attributes and attributes[key].startswith(value)


def _has(key: str) -> Sample:
    return f"attributes:{key}", lambda attributes: key in attributes


def _not(inner: Sample) -> Sample:
    return f"NOT ({inner[0]})", lambda attributes: not inner[1](attributes)


def _join(operator: str, inner: list[Sample]) -> Sample:
    decide = all if operator == "AND" else any
    text = f" {operator} ".join(f"({part})" for part, _ in inner)
    return text, lambda attributes: decide(matches(attributes) for _, matches in inner)


LEAVES = st.one_of(
    st.builds(_equal, KEYS, VALUES, negated=st.booleans()),
    st.builds(_prefix, KEYS, VALUES),
    st.builds(_has, KEYS),
)
SAMPLES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(_not, inner),
        st.builds(_join, st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=5,
).filter(lambda sample: len(sample[0].encode()) <= 256)


@given(SAMPLES, st.dictionaries(KEYS, VALUES))
def test_any_filter_means_what_it_was_built_from(sample: Sample, attributes: Mapping[str, str]) -> None:
    text, meaning = sample
    assert parse_filter(text)(attributes) is meaning(attributes)


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        parse_filter(text)({})
    except FilterSyntaxError:
        return
