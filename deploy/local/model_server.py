"""Serves a model's file as an OpenAI-compatible API on loopback: `python -m deploy.local.model_server FILE`.

Runs in the action server's environment with its extra `model`. The port is MODEL_PORT; the key that each call must
carry is MODEL_API_KEY. Exit code 0 after SIGTERM or SIGINT, 2 when something is missing, 1 when the file cannot be
loaded.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

# Two threads that spin while they wait for each other starve beside other work. Read when the library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

NAME = "local"
CONTEXT = 4096  # tokens of prompt and reply: five passages are about 1000


def serve(file: Path, port: int, key: str) -> None:
    """Load `file` and serve until a signal. The options keep memory low: 1.3 GB for a file of 1.1 GB."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.model_alias = {NAME}
    params.hostnames, params.port = ["127.0.0.1"], port
    params.api_keys = [key]
    params.n_ctx = CONTEXT
    params.n_parallel = 1  # two replies at once would both be too late
    params.cpuparams.n_threads = len(os.sched_getaffinity(0))
    params.no_extra_bufts = True  # no second copy of the weights in another layout
    params.cache_ram_mib = 0
    params.ui = params.endpoint_slots = False
    params.cors_origins = ""
    params.verbosity = 1
    stop = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)  # before its threads start, so that none of them is interrupted
    server = xllamacpp.Server(params)
    print(f"The language model answers on {server.listening_address}.", flush=True)
    signal.sigwait(stop)
    os._exit(0)  # a reply under way would hold up the server's own end


def main() -> int:
    """Returns the exit code."""
    try:
        file, port, key = Path(sys.argv[1]), int(os.environ["MODEL_PORT"]), os.environ["MODEL_API_KEY"]
    except (IndexError, KeyError, ValueError):
        print("Give the model's file, and MODEL_PORT and MODEL_API_KEY in the environment.", file=sys.stderr)
        return 2
    if not file.is_file():
        print(f"There is no language model at {file}: run `make model`.", file=sys.stderr)
        return 2
    try:
        serve(file, port, key)
    except ModuleNotFoundError:
        print("The package xllamacpp is missing: run `make setup MODEL=local`.", file=sys.stderr)
        return 2
    except (RuntimeError, ValueError) as error:
        print(f"The language model could not be loaded ({error}): run `make model`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
