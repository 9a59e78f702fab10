"""Starts the assistant service: `python -m assistant` is `rasa run` with the settings of the environment.

The token goes to Rasa inside the process, not on the command line, where every user of the machine could read it.
"""

import os
import sys
import warnings
from pathlib import Path

REQUIRED = (
    "TANDEM_VAR",
    "TANDEM_SECRET",
    "TANDEM_VAULT_KEY",
    "RASA_TOKEN",
    "ACTIONS_TOKEN",
    "ACTIONS_URL",
    "DESK_URL",
    "ASSISTANT_PORT",
)


def main() -> None:
    """Run Rasa's server in this process; exits with a sentence when a setting or the model is missing."""
    missing = [name for name in REQUIRED if not os.environ.get(name)]
    if missing:
        fail(f"{missing[0]} is not set: start Tandem with `make run`, or load var/env first.")
    models = Path(os.environ.get("TANDEM_MODELS") or Path(os.environ["TANDEM_VAR"]) / "models")
    if not any(models.glob("*.tar.gz")):
        fail(f"There is no trained model in {models}: run `make train` first.")
    check_vault()
    # Rasa comes in only now: its import takes seconds, and an error above should not have to wait for it.
    with warnings.catch_warnings(record=True):  # its dependencies' deprecations are nothing an operator can act on
        from rasa.__main__ import main as rasa

        from assistant.nlu.encoder import MODEL, TOKENIZER, EncoderFileMissing, find_file
    warnings.simplefilter("ignore")
    try:
        # Rasa would log a missing file and go on without a model, saying that all is well.
        for file in (MODEL, TOKENIZER):
            find_file(*file)
    except EncoderFileMissing as error:
        fail(str(error))

    endpoints = os.environ.get("TANDEM_ENDPOINTS", "endpoints.yml")
    host = os.environ.get("ASSISTANT_HOST", "127.0.0.1")
    sys.argv = ["rasa", "run", "--enable-api", "--auth-token", os.environ["RASA_TOKEN"], "--model", str(models)]
    sys.argv += ["--interface", host, "--port", os.environ["ASSISTANT_PORT"]]
    sys.argv += ["--endpoints", endpoints, "--credentials", "credentials.yml"]
    rasa()


def check_vault() -> None:
    """Exit with a sentence when TANDEM_VAULT_KEY is no key, or not the one that the vault was written with.

    Rasa would find out when the server is up, and would go on without a conversation store.
    """
    from assistant.privacy.vault import VaultError, shared_vault

    try:
        shared_vault().close()
    except VaultError as error:
        fail(str(error))


def fail(sentence: str) -> None:
    """Say what is wrong and what to do, and exit with 2."""
    print(sentence, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
