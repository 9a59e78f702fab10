#!/bin/sh
# Makes the three locked environments: root (Rasa, Python 3.10), actions and desk (Python 3.11 or newer).
# uv comes from the PATH, or else into a private environment in .uv/. With the argument `local`, actions also gets what
# serves a language model here; once installed it stays.
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

# sync FOLDER RANGE NAME PYTHON [OPTION]: makes or updates FOLDER/.venv from its lock; quiet when nothing is to install.
sync() {
    if [ -x "$1/.venv/bin/python" ]; then
        (cd "$1" && "$UV" sync --locked --quiet ${5:-}) && return
    else
        python=$(find_python "$1" "$2") || fail "Python $4 was not found ($3 needs it): install it, for example with 'pyenv install $4' or 'uv python install $4', and try again."
        echo "Installing the packages of $3 (once; this can take a few minutes) …"
        (cd "$1" && "$UV" sync --locked --quiet --python "$python" ${5:-}) && return
    fi
    fail "The packages of $3 could not be installed: check the network and the message above, then try again."
}

extra=
if [ "${1:-}" = local ] || ls actions/.venv/lib/python3*/site-packages/xllamacpp >/dev/null 2>&1; then
    extra=--extra=model
fi

sync . '>=3.10,<3.11' "the assistant" 3.10
sync actions '>=3.11,<3.14' "the action server" 3.11 $extra
sync desk '>=3.11,<3.14' "the desk" 3.11
