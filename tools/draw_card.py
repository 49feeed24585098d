"""Write `static/card.png`: the picture of links to pages that have none of their own.

python tools/draw_card.py    after a change of the drawing (catalog/seo/card.py) or of the words below
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from catalog.seo.card import draw_card  # noqa: E402  (the project is not installed as a package)

TEXT = "Licenses, professional services, SaaS and images for your cloud."


def main() -> None:
    (ROOT / "static" / "card.png").write_bytes(draw_card("KooGallery", TEXT, "Delivered under service supervision"))


if __name__ == "__main__":
    main()
