"""The filter language of Pub/Sub subscriptions, over the attributes of a message.

expression  = term, ( { "AND", term } | { "OR", term } )      mixing the two needs parentheses
term        = [ "NOT" | "-" ], ( "(", expression, ")" | condition )
condition   = "attributes", ":", key
            | "attributes", ".", key, ( "=" | "!=" ), string
            | "hasPrefix", "(", "attributes", ".", key, ",", string, ")"
key         = word | string
"""

import re
from collections.abc import Callable, Mapping
from typing import NoReturn

Filter = Callable[[Mapping[str, str]], bool]

MAX_FILTER_BYTES = 256
"""Longest filter. Source: the Subscription resource of the Pub/Sub API."""

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(!=|[=:.,()-])|(\w[\w-]*))', re.ASCII)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{3}|.)", re.DOTALL)
_NAMED_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "'": "'",
    "?": "?",
}


class FilterSyntaxError(ValueError):
    """The text is no filter."""


def parse_filter(text: str) -> Filter:
    """Compile a filter; an empty text lets every message through.

    Raises:
        FilterSyntaxError: the text does not follow the grammar or is too long.
    """
    if len(text.encode()) > MAX_FILTER_BYTES:
        raise FilterSyntaxError(f"a filter has at most {MAX_FILTER_BYTES} bytes")
    if not text.strip():
        return lambda _attributes: True
    return _Parser(text).parse()


class _Parser:
    """Recursive descent with one token of look-ahead; the end is the empty token."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokenize(text), ""]
        self._position = 0

    def parse(self) -> Filter:
        expression = self._expression()
        if self._peek():
            self._fail("the end, or AND and OR kept apart by parentheses")
        return expression

    def _expression(self) -> Filter:
        terms = [self._term()]
        operator = self._peek()
        if operator not in {"AND", "OR"}:
            return terms[0]
        while self._accept(operator):
            terms.append(self._term())
        combine = all if operator == "AND" else any
        return lambda attributes: combine(term(attributes) for term in terms)

    def _term(self) -> Filter:
        if self._accept("NOT") or self._accept("-"):
            inner = self._term()
            return lambda attributes: not inner(attributes)
        if self._accept("("):
            inner = self._expression()
            self._expect(")")
            return inner
        return self._prefix() if self._accept("hasPrefix") else self._comparison()

    def _prefix(self) -> Filter:
        self._expect("(")
        self._expect("attributes")
        self._expect(".")
        key = self._key()
        self._expect(",")
        prefix = self._string()
        self._expect(")")
        return lambda attributes: attributes.get(key, "").startswith(prefix) and key in attributes

    def _comparison(self) -> Filter:
        self._expect("attributes")
        if self._accept(":"):
            wanted = self._key()
            return lambda attributes: wanted in attributes
        self._expect(".")
        key = self._key()
        negated = self._accept("!=")
        if not negated:
            self._expect("=")
        value = self._string()
        return lambda attributes: (attributes.get(key) == value) != negated

    def _key(self) -> str:
        token = self._peek()
        if token.startswith('"'):
            return self._string()
        if not token[:1].isalnum() and not token.startswith("_"):
            self._fail("a key")
        self._position += 1
        return token

    def _string(self) -> str:
        token = self._peek()
        if not token.startswith('"'):
            self._fail("a string in double quotes")
        self._position += 1
        return _ESCAPE.sub(_unescape, token[1:-1])

    def _peek(self) -> str:
        return self._tokens[self._position]

    def _accept(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._position += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            self._fail(token)

    def _fail(self, expected: str) -> NoReturn:
        raise FilterSyntaxError(f"expected {expected}, found {self._peek() or 'the end'}")


def _tokenize(text: str) -> list[str]:
    tokens = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FilterSyntaxError(f"unexpected character at {position} in the filter")
        tokens.append(match.group().lstrip())
        position = match.end()
    return tokens


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    if code in _NAMED_ESCAPES:
        return _NAMED_ESCAPES[code]
    digits, base = (code, 8) if code[0].isdigit() else (code[1:], 16)
    try:
        return chr(int(digits, base))
    except (ValueError, OverflowError) as error:
        raise FilterSyntaxError(f"unknown escape \\{code}") from error
