"""``python -m portal.demo``: start everything, run the main job, say what to open.

With ``ONCE=1`` in the environment it then stops everything, and its status says whether the
story came out.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from portal import children, embedded, supervisor
from portal.services import CHECKOUT
from portal.supervisor import Azure, Services


def main() -> int:
    """Run the demonstration. 0: it came out; 1: it did not, or a part failed; 2: cannot begin."""
    _say("Apportion, with a simulated Azure. Everything stays on this machine.")
    try:
        options = replace(supervisor.options_from(os.environ), azure=Azure.SIMULATED, say=_say)
        with supervisor.running(options) as services:
            once = os.environ.get("ONCE", "") not in {"", "0"}
            outcome = _tell(services, ["--must-hold"] if once else [])
            if outcome == 0 and not once:
                _say("\nCtrl-C stops everything.")
                services.wait()
            return outcome
    except KeyboardInterrupt:
        _say("\nStopped.")
        return 0
    except (supervisor.CannotRun, embedded.Unusable) as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    except (children.DidNotStart, supervisor.Broke) as failed:
        sys.stderr.write(f"{failed}\n")
        return 1


def _tell(services: Services, options: list[str]) -> int:
    """The story, in a process of its own: only now is there a database for Django."""
    command = [sys.executable, "manage.py", "demo_story"]
    command += ["--web-url", services.web_url, "--state", str(services.folders.state), *options]
    environment = {**os.environ, **services.environment}
    return subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
