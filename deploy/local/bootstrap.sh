#!/bin/sh
# Makes the three locked environments: root (Rasa, Python 3.10), actions and desk (Python 3.11 or newer).
# uv comes from the PATH, or else into a private environment in .uv/.
set -eu
cd "$(dirname "$0")/../.."
export UV_PYTHON_DOWNLOADS=never
UV_VERSION=0.13.9

fail() { echo "$1" >&2; exit 2; }

if command -v uv >/dev/null 2>&1; then
    UV=$(command -v uv)
else
    UV=$PWD/.uv/bin/uv
    if [ ! -x "$UV" ]; then
        echo "Installing uv $UV_VERSION into .uv/ …"
        for python in python3.11 python3.12 python3.13 python3.10 python3; do
            if "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then break; fi
            python=
        done
        [ -n "$python" ] || fail "Tandem needs Python with venv: install it (Debian: apt install python3-venv) and try again."
        rm -rf .uv
        "$python" -m venv .uv
        .uv/bin/pip install -qq --disable-pip-version-check "uv==$UV_VERSION" \
            || fail "uv could not be installed: check the network and try again, or install uv yourself."
    fi
fi

# find_python FOLDER RANGE: the interpreter's path. It looks from inside the folder, where pyenv reads .python-version.
find_python() { (cd "$1" && "$UV" python find --no-project "$2" 2>/dev/null); }

# sync FOLDER RANGE NAME: makes or updates FOLDER/.venv from its lock; quiet when there is nothing to install.
sync() {
    if [ -x "$1/.venv/bin/python" ]; then
        (cd "$1" && "$UV" sync --locked --quiet) && return
    else
        python=$(find_python "$1" "$2") || fail "Python $4 was not found ($3 needs it): install it, for example with 'pyenv install $4' or 'uv python install $4', and try again."
        echo "Installing the packages of $3 (once; this can take a few minutes) …"
        (cd "$1" && "$UV" sync --locked --quiet --python "$python") && return
    fi
    fail "The packages of $3 could not be installed: check the network and the message above, then try again."
}

sync . '>=3.10,<3.11' "the assistant" 3.10
sync actions '>=3.11,<3.14' "the action server" 3.11
sync desk '>=3.11,<3.14' "the desk" 3.11
