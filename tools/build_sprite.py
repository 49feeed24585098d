"""Build `static/vendor/icons/icons.svg` from the npm package @tabler/icons (a person's task, never at run time).

    npm install --prefix DIR @tabler/icons && python tools/build_sprite.py DIR/node_modules/@tabler/icons

The list of names is the sprite itself plus any names given after the folder. Symbols carry no fill, so that CSS can
draw an icon filled (`.ic.fillme`). Afterwards run `python tools/vendor_lock.py`.
"""

import re
import sys
from pathlib import Path

SPRITE = Path(__file__).resolve().parent.parent / "static" / "vendor" / "icons" / "icons.svg"


def symbol(name: str, source: Path) -> str:
    """One icon as a `<symbol>`; raises FileNotFoundError when the package has no such icon."""
    text = re.sub(r"<!--.*?-->", "", (source / "icons" / "outline" / f"{name}.svg").read_text(), flags=re.DOTALL)
    drawing = re.search(r"<svg[^>]*>(.*)</svg>", text, re.DOTALL)
    if drawing is None:
        raise ValueError(f"{name}.svg holds no drawing")
    inner = re.sub(r"\s+", " ", drawing.group(1)).strip()
    return f'<symbol id="{name}" viewBox="0 0 24 24">{inner}</symbol>'


def main() -> None:
    source = Path(sys.argv[1])
    present = re.findall(r'<symbol id="([^"]+)"', SPRITE.read_text()) if SPRITE.exists() else []
    names = sorted({*present, *sys.argv[2:]})
    symbols = "\n".join(symbol(name, source) for name in names)
    SPRITE.write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n')
    sys.stdout.write(f"{len(names)} icons\n")


if __name__ == "__main__":
    main()
