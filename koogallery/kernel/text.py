"""Text from people and programs, made clean before it is stored."""

import unicodedata

# Characters that turn the reading direction or hide: nobody types them, look-alike tricks need them.
_TURNING = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)}
_ALLOWED_CONTROLS = {"\n", "\t"}


def clean_text(text: str) -> str:
    """Line ends made one, composed (NFC), outer blanks removed.

    Raises:
        ValueError: NUL, another control character, a lone surrogate, or a character that turns the reading direction.
    """
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    for one in composed:
        if one in _TURNING or (unicodedata.category(one) in ("Cc", "Cs") and one not in _ALLOWED_CONTROLS):
            raise ValueError("The text has characters that cannot be stored. Type it again without them.")
    return composed.strip()


# A cell that begins so would be a formula in a spreadsheet.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_cell(text: str) -> str:
    """The text as a cell of an exported CSV file, harmless in a spreadsheet."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
