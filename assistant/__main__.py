"""Starts the assistant service: `python -m assistant` is `rasa run` with the settings of the environment.

The token goes to Rasa inside the process, not on the command line, where every user of the machine could read it.
Rasa's HTTP API is behind `assistant.server`, and all that is logged goes through `assistant.logs`.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import NoReturn

from assistant import logs
from common.startup import StartRefused, check_secrets, host

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
SECRETS = ("TANDEM_SECRET", "RASA_TOKEN", "ACTIONS_TOKEN", "TANDEM_VAULT_KEY")


def main() -> None:
    """Run Rasa's server in this process; exits with a sentence when a setting or the model is missing."""
    missing = [name for name in REQUIRED if not os.environ.get(name)]
    if missing:
        fail(f"{missing[0]} is not set: start Tandem with `make run`, or load var/env first.")
    try:
        logs.configure()
        check_secrets(os.environ, SECRETS)
        address = host(os.environ, "ASSISTANT_HOST")
    except (logs.LogSettingWrong, StartRefused) as problem:
        fail(str(problem))
    models = Path(os.environ.get("TANDEM_MODELS") or Path(os.environ["TANDEM_VAR"]) / "models")
    if not any(models.glob("*.tar.gz")):
        fail(f"There is no trained model in {models}: run `make train` first.")
    check_vault()
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    # Rasa comes in only now: its import takes seconds, and an error above should not have to wait for it.
    with warnings.catch_warnings(record=True):  # its dependencies' deprecations are nothing an operator can act on
        import rasa
        import rasa.core.run
        from rasa.shared.exceptions import RasaException
        from rasa.utils.tensorflow.environment import setup_tf_environment

        from assistant.nlu.encoder import MODEL, TOKENIZER, EncoderFileMissing, find_file
        from assistant.server import guard_api
    warnings.simplefilter("ignore")
    try:
        # Rasa would log a missing file and go on without a model, saying that all is well.
        for file in (MODEL, TOKENIZER):
            find_file(*file)
        setup_tf_environment()
        rasa.run(
            str(models),
            endpoints=os.environ.get("TANDEM_ENDPOINTS") or "endpoints.yml",
            credentials=os.environ.get("TANDEM_CREDENTIALS") or "credentials.yml",
            interface=address,
            port=int(os.environ["ASSISTANT_PORT"]),
            auth_token=os.environ["RASA_TOKEN"],
            cors=[],
            server_listeners=[(guard_api, "main_process_start")],
        )
    except (EncoderFileMissing, RasaException) as error:
        fail(str(error))


def check_vault() -> None:
    """Exit with a sentence when TANDEM_VAULT_KEY is no key, or not the one that the vault was written with.

    Rasa would find out when the server is up, and would go on without a conversation store.
    """
    from assistant.privacy.vault import VaultError, shared_vault

    try:
        shared_vault().close()
    except VaultError as error:
        fail(str(error))


def fail(sentence: str) -> NoReturn:
    """Say what is wrong and what to do, and exit with 2."""
    print(sentence, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
