"""Text into words: the same for what is indexed and for what is asked.

Words are case-folded, without accents, stemmed for English. Runs of Chinese, Japanese or Korean signs, which write no
blanks between words, become pairs of neighbouring signs, and single signs beside them.
"""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

import Stemmer

# A word's bytes in the index; longer ones are cut, in the index and in the question alike.
WORD_BYTES = 32

_CJK = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_cjk_run = re.compile(f"[{_CJK}]+")
_word = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*[+#]{0,2}")
_joint = re.compile(r"[-'’.]")

# Says nothing about a product. Not stemmed, not indexed, and left out of what is asked unless nothing else remains.
STOP_WORDS = frozenset(Path(__file__).with_name("stop_words.txt").read_text(encoding="utf-8").split())

_stemmer = Stemmer.Stemmer("english", 100_000)


def fold(text: str) -> str:
    """Lower case, full-width signs made narrow, accents taken off Latin, Greek and Cyrillic letters."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Decomposing would tear Hangul and voiced kana apart, so only what carries a Latin-style accent is decomposed.
    return "".join(_bare(sign) if "\u00c0" <= sign < "\u2e80" else sign for sign in folded)


@lru_cache(maxsize=4096)
def _bare(sign: str) -> str:
    return "".join(part for part in unicodedata.normalize("NFD", sign) if not unicodedata.combining(part))


def is_cjk(word: str) -> bool:
    """Whether it begins with a sign of a script that writes no blanks."""
    return bool(_cjk_run.match(word))


def words_of(text: str) -> list[str]:
    """The words to index, in order, stop words left out; a hyphenated word gives its parts and the whole."""
    folded = fold(text)
    found: list[str] = []
    for match in _word.findall(folded):
        if not match.isascii() and (runs := _cjk_run.findall(match)):
            found += [word for word in _cjk_run.sub(" ", match).split() if word not in STOP_WORDS]
            for run in runs:
                found += pairs_of(run)
        elif match.isalnum():
            if match not in STOP_WORDS:
                found.append(match)
        else:
            found += compound(match)
    return found


def compound(match: str) -> list[str]:
    """The parts of a word with hyphens, dots or a plus sign, and the whole written together."""
    parts = [part for part in _joint.split(match) if part]
    whole = "".join(parts)
    spelled = [part for part in parts if part not in STOP_WORDS]
    if parts[-1] == "s" and len(parts) == 2:  # somebody's
        return spelled[:1]
    if len(parts) == 1:  # c++, c#
        return [whole, whole.rstrip("+#")] if whole.rstrip("+#") else [whole]
    return [*spelled, whole]


def pairs_of(run: str) -> list[str]:
    """The signs of a run and the pairs of neighbours."""
    return [*run, *(run[at : at + 2] for at in range(len(run) - 1))]


def stem(word: str) -> str:
    """The stem of a folded word: what finds "managing" for "manage"."""
    if not word.isascii() or not word.isalpha():
        return word
    return str(_stemmer.stemWord(word))


def key(word: str) -> bytes:
    """A word or stem as the index keeps it, cut at a whole character."""
    encoded = word.encode()
    return encoded if len(encoded) <= WORD_BYTES else encoded[:WORD_BYTES].decode(errors="ignore").encode()
