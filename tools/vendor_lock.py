"""Write `static/vendor.lock`: for each vendored file its package, version, licence and sha256.

python tools/vendor_lock.py            write it anew after an update
python tools/vendor_lock.py --check    exit 1 when a file differs from what the lock says
"""

import hashlib
import json
import sys
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "static"
LOCK = STATIC / "vendor.lock"

# Folder under static/vendor: (npm package, version, licence, what was changed).
PACKAGES = {
    "bootstrap": ("bootstrap", "5.3.9", "MIT", "source map comment removed"),
    "icons": ("@tabler/icons", "3.51.0", "MIT", "drawn into one sprite by tools/build_sprite.py"),
    "inter": ("@fontsource-variable/inter", "5.3.0", "OFL-1.1", ""),
}


def entries() -> list[dict[str, str]]:
    """One entry a file, in order of path."""
    found = []
    for path in sorted((STATIC / "vendor").rglob("*")):
        if not path.is_file():
            continue
        package, version, licence, change = PACKAGES[path.relative_to(STATIC / "vendor").parts[0]]
        found.append(
            {
                "file": path.relative_to(STATIC).as_posix(),
                "package": package,
                "version": version,
                "licence": licence,
                "changed": change,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
        )
    return found


def main() -> None:
    text = json.dumps(entries(), indent=1) + "\n"
    if "--check" in sys.argv:
        if not LOCK.exists() or LOCK.read_text() != text:
            sys.exit("static/vendor differs from static/vendor.lock: run tools/vendor_lock.py after an update.")
        return
    LOCK.write_text(text)
    sys.stdout.write(f"{len(json.loads(text))} files\n")


if __name__ == "__main__":
    main()
