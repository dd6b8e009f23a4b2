"""The words of the documentation, the docstrings, the comments and the names of tests: plain American English.

CONTRIBUTING.md has the guide. This test lists the phrases that are never right; a reviewer finds the others.
"""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# phrase: what to write
AVOID = {
    r"without an end": "never ends",
    r"\bso many\b": "n steps",
    r"as many (?:as|entries|numbers|steps|whole)": "the same number of",
    r"g(?:oes|o|oing) on\b": "continues",
    r"given back|gives? back|handed on|hands? on|handed to": "returned, passed",
    r"(?:is|are|was|be) (?:asked|told)\b(?! for)": "is evaluated, receives",
    r"of the user's|\ban own\b|of its own\b|of their own\b|of your own\b": "user-defined, its",
    r"\btold of\b": "reported, listed",
    r"again and again|made anew|\banew\b": "repeatedly, recreated",
    r"taken and not used": "ignored",
    r"is bad\b": "state the condition",
    r"\bbesides?\b": "next to, compared with, in addition to",
    r"in silence": "silently",
    r"that which": "name the thing",
    r"\bat once\b": "immediately, in one call",
    r"\brefus(?:e|es|ed|ing)\b": "raises an error, rejects",
    r"(?:is|was|are|were) meant\b": "intended",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bstands? in\b": "are in",
    r"from there on|from then on": "after that",
    r"all in all": "in total",
    r"\bslopes?\b": "gradient",
    r"\bforever and\b|for ever\b": "permanently",
    r"^\s*What (?:is|comes|came|stands|was|has|they|it)\b": "name the subject",
    r"colour|favour|behaviour|neighbour|\bgrey\b|licence\b|normalis|optimis(?:e|a)|centre\b": "American spelling",
}
PATTERN = {re.compile(phrase, re.IGNORECASE | re.MULTILINE): instead for phrase, instead in AVOID.items()}


# These contain the phrases: as the list above, and as the text that a test of this test reads.
EXCEPT = {Path(__file__)}


def documents():
    """Prose in Markdown, and every program: its strings, its comments, and the names of its tests."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob(".github/**/*.md"), *(ROOT / ".github").rglob("*.yml")]
    programs = [*ROOT.glob("*.py"), ROOT / ".ci" / "run", ROOT / "tests" / "run_on_accelerator.sh"]
    for folder in ("warmup_optax", "colab", "docs", "tests", "benchmarks"):
        pages += (ROOT / folder).rglob("*.md")
        programs += (ROOT / folder).rglob("*.py")
    for file in [*pages, *programs]:
        if file not in EXCEPT and not {"_generated", "_build", ".venv"} & set(file.parts):
            yield file


def prose(file):
    """The text that a person reads: a page without its code, or a program's strings, comments and test names."""
    text = file.read_text()
    if file.suffix == ".md":
        # The guide in CONTRIBUTING.md lists the phrases themselves.
        return re.sub(r"<!-- phrases -->.*?<!-- end of phrases -->", "", text, flags=re.DOTALL)
    if file.suffix != ".py":
        return text
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    names = [name.replace("_", " ") for name in re.findall(r"^\s*def (test_\w+)", text, re.MULTILINE)]
    return "\n".join([token.string for token in tokens if token.type in kinds] + names)


@pytest.mark.parametrize("file", sorted(documents()), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_phrase_that_is_never_right(file):
    text = prose(file)
    joined = re.sub(r"\s*\n[\s#]*", " ", text)  # a phrase may be on two lines
    found = [
        (match[0], instead)
        for phrase, instead in PATTERN.items()
        for match in phrase.finditer(text if phrase.pattern[0] == "^" else joined)
    ]
    assert not found, "\n".join(f"{phrase!r}: {instead}" for phrase, instead in found)


def docstrings(tree):
    """The docstrings of a module, its classes and its functions."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield ast.get_docstring(node) or ""


@pytest.mark.parametrize(
    "file", [file for file in sorted(documents()) if file.suffix == ".py"], ids=lambda file: file.name
)
def test_a_docstring_starts_with_a_verb_or_a_noun(file):
    """A question word would leave it open whether the code returns, checks or does this."""
    started = [text.partition("\n")[0] for text in docstrings(ast.parse(file.read_text()))]
    assert [text for text in started if re.match(r"(What|Which|How|Whether) ", text)] == []


def test_strings_comments_and_names_are_read(tmp_path):
    """The test of the test: each place where a phrase can be."""
    for number, text in enumerate(
        ['"""It goes on."""', "# in silence", "def test_it_is_asked(): pass", 'f"{1} anew"']
    ):
        file = tmp_path / f"{number}.py"
        file.write_text(text)
        with pytest.raises(AssertionError):
            test_no_phrase_that_is_never_right(file)
