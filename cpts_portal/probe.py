"""Ask the portal of this machine how it is: `python cpts_portal/probe.py readyz`.

For a container's health check, where curl is absent. Standard library only; exits with 0 when
the answer is yes.
"""

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 10


def main(path: str) -> int:
    # The portal answers to its own names only.
    name = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip("*.") or "localhost"
    port = os.environ.get("PORT", "8000")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", headers={"Host": name})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - this machine, over http
            sys.stdout.write(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            sys.stdout.write(error.read().decode())
        return 1
    except OSError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
