"""From a bare machine to the project's own Python environment, then to the command asked for.

Runs on whatever python3 the machine has: standard library only, and no recent syntax.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENT = PROJECT / ".venv"
OWN_UV = PROJECT / ".uv"
UV_REQUIREMENT = "uv>=0.9,<1"
OLDEST_UV = (0, 9)
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

CHROMIUM_PACKAGES = ["chromium"]
CHROMIUM_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

USAGE = "python3 devstack/bootstrap.py setup | run | test | lint | bench | manage …"


class SetupError(Exception):
    """What is missing, and the line to type."""


def main(arguments: list[str]) -> None:
    """Prepare the environment, then become the command."""
    if not arguments:
        raise SetupError("Usage : " + USAGE)
    command = arguments[0]
    prepare_variables()
    synchronise(find_uv())
    if command in ("test", "bench"):
        install_missing_browser()
    if command == "setup":
        say("Tout est prêt. Tapez : make run")
        return
    python = str(ENVIRONMENT / "bin" / "python")
    os.chdir(PROJECT)
    os.execv(python, [python, "-m", "devstack", *arguments])  # noqa: S606 - no shell is meant


def say(text: str) -> None:
    print(text, flush=True)


def prepare_variables() -> None:
    """Make up for what a bare shell or a read-only home lacks."""
    for name in ("VIRTUAL_ENV", "PYTHONHOME"):
        os.environ.pop(name, None)
    os.environ["UV_PROJECT_ENVIRONMENT"] = str(ENVIRONMENT)
    # Each server, command and worker of the portal is a Python of its own: compiling the libraries
    # again would cost it seconds. What is compiled stays out of the sources.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(PROJECT / ".cache" / "python"))
    # A missing Python is then said at once, instead of a download that fails later.
    os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")
    if CERTIFICATES.exists():
        for name in ("SSL_CERT_FILE", "PIP_CERT"):
            os.environ.setdefault(name, str(CERTIFICATES))
    home = os.environ.get("HOME", "")
    if not (home and os.access(home, os.W_OK)):
        os.environ["XDG_CACHE_HOME"] = str(PROJECT / ".cache")
        os.environ["HOME"] = str(PROJECT / ".cache")
        Path(os.environ["HOME"]).mkdir(exist_ok=True)


# --- uv ------------------------------------------------------------------------------


def find_uv() -> str:
    """Return uv's path: the project's, the machine's, else one installed in the project."""
    own = [OWN_UV / "bin" / "uv", OWN_UV / "packages" / "bin" / "uv"]
    for candidate in [*own, shutil.which("uv")]:
        if candidate and is_recent_uv(candidate):
            return str(candidate)
    say("→ Installation de uv (gestionnaire de paquets Python) dans .uv/")
    shutil.rmtree(OWN_UV, ignore_errors=True)
    failures = []
    for attempt in (install_uv_in_environment, install_uv_as_packages):
        failure = attempt()
        for candidate in own:
            if is_recent_uv(candidate):
                return str(candidate)
        failures.append(failure)
        shutil.rmtree(OWN_UV, ignore_errors=True)
    if may_install() and install(["python3-venv", "python3-pip"]):
        install_uv_in_environment()
        if is_recent_uv(own[0]):
            return str(own[0])
    raise SetupError(
        "uv n’a pas pu être installé : ni « python3 -m venv » ni « python3 -m pip » n’ont réussi.\n"
        + "\n".join(failure for failure in failures if failure)
        + "\nSur Debian ou Ubuntu, tapez : sudo apt-get install -y python3-venv\n"
        "Ailleurs, installez uv (https://docs.astral.sh/uv/), puis recommencez."
    )


def is_recent_uv(path: str | Path) -> bool:
    try:
        answer = subprocess.run(
            [str(path), "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
        ).stdout.decode()
        return tuple(int(part) for part in answer.split()[1].split(".")[:2]) >= OLDEST_UV
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return False


def install_uv_in_environment() -> str:
    return attempt([sys.executable, "-m", "venv", str(OWN_UV)]) or attempt(
        [str(OWN_UV / "bin" / "python"), "-m", "pip", "install", "--quiet", UV_REQUIREMENT]
    )


def install_uv_as_packages() -> str:
    target = str(OWN_UV / "packages")
    return attempt(
        [sys.executable, "-m", "pip", "install", "--quiet", "--target", target, UV_REQUIREMENT]
    )


def attempt(command: list[str]) -> str:
    """Run a command; return nothing when it succeeds, else the end of what it said."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode == 0:
        return ""
    lines = done.stdout.decode(errors="replace").strip().splitlines()[-3:]
    return "\n".join(["  $ " + " ".join(command), *("    " + line for line in lines)])


def synchronise(uv: str) -> None:
    """Install exactly what uv.lock says in .venv/; nothing to do takes a fraction of a second."""
    command = [uv, "sync", "--locked", "--project", str(PROJECT)]
    if (ENVIRONMENT / "bin" / "python").exists():
        command.append("--quiet")
    else:
        say("→ Installation de l’environnement Python dans .venv/")
    if subprocess.run(command, cwd=str(PROJECT), check=False).returncode == 0:
        return
    raise SetupError(
        "L’environnement Python n’a pas pu être installé : uv dit pourquoi ci-dessus.\n"
        "Il faut Python 3.11 ou plus récent (python3 --version) et un accès à l’index des paquets."
    )


# --- What only the system gives ------------------------------------------------------


def install_missing_browser() -> None:
    """Install Chromium for the browser tests; or say the line to type and stop."""
    if find_chromium() is not None or (may_install() and install(CHROMIUM_PACKAGES)):
        return
    if shutil.which("apt-get"):
        line = "sudo apt-get install -y " + " ".join(CHROMIUM_PACKAGES)
    elif sys.platform == "darwin":
        line = "brew install " + " ".join(CHROMIUM_PACKAGES)
    else:
        line = "(avec le gestionnaire de paquets de votre système) chromium"
    raise SetupError(
        "Il manque à cette machine un navigateur Chromium, que seul le système peut installer : "
        "les essais s’y jouent.\n"
        "Tapez cette ligne, puis recommencez :\n\n    " + line + "\n"
    )


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome of the system; CHROMIUM names another. None if none."""
    chosen = os.environ.get("CHROMIUM")
    for name in (chosen,) if chosen else CHROMIUM_PROGRAMS:
        path = shutil.which(name)
        if path:
            return path
    return None


def may_install() -> bool:
    """Whether packages can be installed without asking anybody for a password."""
    if not shutil.which("apt-get"):
        return False
    return os.geteuid() == 0 or (
        shutil.which("sudo") is not None
        and subprocess.run(
            ["sudo", "-n", "true"], stderr=subprocess.DEVNULL, check=False
        ).returncode
        == 0
    )


def install(packages: list[str]) -> bool:
    """Install system packages; return whether it worked. Shows the errors, not the chatter."""
    say("→ Installation de paquets du système : " + " ".join(packages))
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    command = [*prefix, *quiet, "install", "-y", "--no-install-recommends", *packages]
    failure = attempt(command)
    if failure:
        # The package lists may be absent or too old.
        attempt([*prefix, *quiet, "update"])
        failure = attempt(command)
    if failure:
        say(failure)
    return not failure


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SetupError as error:
        print("\n" + str(error), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
