"""Makes the project's own environment, `.venv/`, from `uv.lock`; used by bin/up and bin/test.

Standard library only, and readable by old Pythons as far as `find_python`, which says what is missing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "koogallery-stamp"
UV_VERSION = "0.13.9"
OLDEST = (3, 11)
NEWER = ("python3.13", "python3.12", "python3.11")


def fail(sentence):
    """Say what is wrong in one sentence and stop."""
    sys.stderr.write(sentence + "\n")
    raise SystemExit(1)


def find_python():
    """The interpreter to make the environment with: this one, or a newer one on the PATH."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for name in NEWER:
        found = shutil.which(name)
        if found:
            return found
    return fail("KooGallery needs Python 3.11 or newer, and this is {}.{}.".format(*sys.version_info[:2]))


def _run(command, sentence, otherwise=None):
    """Run a command; where it fails, run `otherwise` instead; where that fails too, say so and stop."""
    cache = os.environ.get("UV_CACHE_DIR") or (
        None if os.access(os.path.expanduser("~"), os.W_OK) else ROOT / "var/cache"
    )
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV), "UV_PROJECT_ENVIRONMENT": str(VENV), "PYTHONUTF8": "1"}
    if cache:
        environment["UV_CACHE_DIR"] = str(cache)
        environment["PIP_NO_CACHE_DIR"] = "1"
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode and otherwise:
        return _run(otherwise, sentence)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        fail("{} {}".format(sentence, lines[-1].strip() if lines else ""))
    return None


def ensure(*, dev):
    """Install what `uv.lock` names; does nothing when that was done before. `dev` adds the tools of the tests."""
    lock = (ROOT / "uv.lock").read_bytes()
    wanted = hashlib.sha256(lock).hexdigest()
    have = STAMP.read_text().split() if STAMP.exists() else []
    if PYTHON.exists() and have[:1] == [wanted] and (not dev or "dev" in have):
        return
    python = find_python()
    if not os.access(ROOT, os.W_OK):
        fail(f"This folder is read-only: {ROOT}")
    if shutil.disk_usage(ROOT).free < 600 * 2**20:
        fail("The disk is full: KooGallery needs 600 MB for its environment and data.")
    print("Setting up the environment (once, a minute or two) ...", flush=True)
    # In this order, so that an interrupted set-up is taken up again next time.
    STAMP.unlink(missing_ok=True)
    _run(
        [python, "-m", "venv", VENV], "Python could not make an environment (on Debian: apt-get install python3-venv)."
    )
    _run([PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"uv=={UV_VERSION}"],
         "The package uv could not be installed.")  # fmt: skip
    extra = [] if dev or "dev" in have else ["--no-dev"]
    sync = [VENV / "bin" / "uv", "sync", "--frozen", "--inexact", "-q", "--python", PYTHON, *extra]
    # Behind a company's proxy only the machine's own certificates know it.
    _run(sync, "The packages of uv.lock could not be installed.", otherwise=[*sync, "--system-certs"])
    STAMP.write_text(wanted + (" dev" if not extra else ""))


def enter(script, arguments):
    """Go on in the environment's interpreter."""
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(str(PYTHON), [str(PYTHON), str(script), *arguments])
