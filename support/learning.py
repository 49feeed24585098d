"""The Seller Learning Center: articles in Markdown beside this file, read once a process."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from django.utils.safestring import SafeString

from catalog.markdown import render_markdown

FOLDER = Path(__file__).parent / "articles"


@dataclass(frozen=True, slots=True)
class Article:
    """An article; `text` is Markdown."""

    slug: str
    title: str
    topic: str
    summary: str
    position: int
    text: str

    @property
    def html(self) -> SafeString:
        return render_markdown(self.text)

    def matches(self, words: list[str]) -> bool:
        """Whether every word stands somewhere in it."""
        everything = f"{self.title} {self.topic} {self.summary} {self.text}".casefold()
        return all(word in everything for word in words)


@cache
def articles() -> list[Article]:
    """All articles in their order."""
    return sorted((_read(path) for path in FOLDER.glob("*.md")), key=lambda one: (one.position, one.slug))


def found(text: str) -> list[Article]:
    """The articles that have all the words."""
    words = text.casefold().split()
    return [article for article in articles() if article.matches(words)]


def _read(path: Path) -> Article:
    _empty, head, text = path.read_text(encoding="utf-8").split("---\n", 2)
    return Article(slug=path.stem, text=text.strip(), **yaml.safe_load(head))
