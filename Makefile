# `make run` and `make test` do all set-up themselves.
.DEFAULT_GOAL := help
.PHONY: help setup run train knowledge gaps policy model model-server shell parse test lint validate nlu nlu-cross stories \
        unit e2e bench-services bench-nlu bench-fallback bench-policies bench-policy bench-pii bench-answers \
        bench-knowledge bench-grounding bench-copilot bench-desk bench-packets bench-privacy pictures erase export retention \
        migrate-privacy check-privacy rekey audit sbom attacks clean

PY := .venv/bin/python
RUFF := .venv/bin/ruff
export PYTHONDONTWRITEBYTECODE ?= 1
export UV_PYTHON_DOWNLOADS := never
QUIET := TF_CPP_MIN_LOG_LEVEL=3 RASA_TELEMETRY_ENABLED=false SQLALCHEMY_SILENCE_UBER_WARNING=1 PYTHONWARNINGS=ignore

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: ## make the three environments (done by every target that needs them)
	@sh deploy/local/bootstrap.sh $(MODEL)

run: setup ## start everything and open http://localhost:8080 (MODEL=local: with a language model on this machine)
	@$(PY) -m deploy.local.run $(if $(MODEL),--model $(MODEL))

model: setup ## fetch the language model for MODEL=local (1.1 GB, once; goes on where it stopped)
	@$(PY) -m deploy.local.model

model-server: ## serve that model alone, for benchmarks
	@$(MAKE) --no-print-directory setup MODEL=local
	@$(PY) -m deploy.local.local_model

train: setup ## train the assistant if data, domain, config or policy changed (FORCE=--force: always)
	@$(PY) -m deploy.local.prepare train $(FORCE)

knowledge: setup ## index the articles that changed (WATCH=1: and again at each change)
	@$(PY) -m deploy.local.prepare knowledge $(if $(WATCH),--watch)

gaps: setup ## the questions that found no answer, for those who write articles (FORGET=1: empty the list)
	@TANDEM_VAR=$${TANDEM_VAR:-$(CURDIR)/var} actions/.venv/bin/python -m actions.knowledge.gaps $(if $(FORGET),--forget)

policy: setup ## check policy.yml and show what each rule catches on the examples beside it
	@TANDEM_VAR=$${TANDEM_VAR:-$(CURDIR)/var} actions/.venv/bin/python -m actions.policy check

retention: setup ## delete what policy.yml wants no longer kept (DRY=1: only say what that would be)
	@$(PY) -m deploy.local.privacy retention $(if $(DRY),--dry-run)

erase: setup ## erase a person everywhere (PERSON=NA204518, an e-mail address or a conversation's id)
	@$(PY) -m deploy.local.privacy erase

export: setup ## write all that is kept about a person to a file (PERSON=...; TO=file.zip or file.json)
	@$(PY) -m deploy.local.privacy export $(if $(TO),--to '$(TO)')

shell: train ## talk to the assistant in the terminal (the action server must run)
	@set -a; . var/env; set +a; $(QUIET) .venv/bin/rasa shell --model var/models --endpoints endpoints.yml

parse: train ## what the assistant takes a message for (TEXT="where is my order")
	@$(QUIET) $(PY) -W ignore -m tests.nlu.parse $(TEXT) 2>/dev/null

test: ## everything: lint, data, policy, NLU, stories, unit, end-to-end and browser tests
	@$(MAKE) --no-print-directory lint validate policy train nlu stories unit e2e
	@echo "All of make test passed."

lint: setup ## ruff and mypy
	@$(RUFF) check .
	@$(RUFF) format --check .
	@actions/.venv/bin/mypy actions
	@desk/.venv/bin/mypy desk

validate: setup ## rasa data validate, warnings are errors
	@mkdir -p var/log
	@$(QUIET) .venv/bin/rasa data validate --fail-on-warnings --max-history 5 > var/log/validate.log 2>&1 \
	    && echo "rasa data validate: no warnings" || { cat var/log/validate.log; exit 1; }

nlu: train ## rasa test nlu on the held-out utterances in tests/nlu
	@rm -rf var/results/nlu/held-out; mkdir -p var/log
	@$(QUIET) .venv/bin/rasa test nlu --nlu tests/nlu --model var/models --out var/results/nlu/held-out --no-plot \
	    > var/log/nlu.log 2>&1 || { cat var/log/nlu.log; exit 1; }
	@$(PY) -m tests.nlu.report var/results/nlu/held-out

nlu-cross: setup ## rasa test nlu --cross-validation on the utterances in data/, with the confusion matrix (minutes)
	@rm -rf var/results/nlu/cross; mkdir -p var/log
	@$(QUIET) TANDEM_VAR=$(CURDIR)/var .venv/bin/rasa test nlu --cross-validation --folds 5 --nlu data \
	    --out var/results/nlu/cross > var/log/nlu-cross.log 2>&1 || { tail -50 var/log/nlu-cross.log; exit 1; }
	@$(PY) -m tests.nlu.report var/results/nlu/cross --cross-validation

stories: train ## rasa test core on the test stories in tests/stories
	@rm -rf var/results/core; mkdir -p var/log
	@$(QUIET) .venv/bin/rasa test core --e2e --stories tests/stories --model var/models --out var/results/core --no-plot \
	    --fail-on-prediction-errors > var/log/stories.log 2>&1 \
	    && echo "rasa test core: every story as predicted" || { cat var/log/stories.log; exit 1; }
	@$(PY) -m tests.stories.coverage

unit: setup ## unit tests, each service in its own environment
	@$(PY) -m pytest -q tests/unit/assistant tests/unit/deploy
	@actions/.venv/bin/python -m pytest -q -n 2 --dist loadfile tests/unit/actions
	@desk/.venv/bin/python -m pytest -q tests/unit/desk

e2e: train ## the real services on free ports: conversations, outages, two browsers
	@command -v chromium >/dev/null || { echo "The browser tests need Chromium: apt install chromium"; exit 1; }
	@$(PY) -m pytest -q tests/e2e tests/browser

bench-services: train ## memory and time of a turn, as Markdown tables
	@$(PY) -m benchmarks.services

bench-desk: setup ## a message's way to the agent's screen, and 200 live conversations with 20 agents, as Markdown tables
	@desk/.venv/bin/python -m benchmarks.desk

bench-nlu: setup ## the NLU on BANKING77 and CLINC150 (DATA=folder; SETS="banking77-10 ..."; PEER=--peer: and Rasa's default)
	@$(QUIET) $(PY) -m benchmarks.nlu $(DATA) $(if $(SETS),--sets $(SETS)) $(PEER)

bench-fallback: setup ## what each keep_in_scope costs and saves (DATA=folder adds CLINC150's out-of-scope messages)
	@$(QUIET) TANDEM_VAR=$${TANDEM_VAR:-var} $(PY) -m benchmarks.fallback_thresholds $(if $(DATA),--data $(DATA))

bench-policies: setup ## what TEDPolicy would change and cost
	@$(QUIET) $(PY) -m benchmarks.policies

bench-policy: setup ## attacks, over-defence and personal data (DATA=folder; EVERY=4: each fourth ordinary message)
	@TANDEM_VAR=$${TANDEM_VAR:-$(CURDIR)/var} actions/.venv/bin/python -m benchmarks.policy $(DATA) $(if $(EVERY),--every $(EVERY))

bench-answers: setup ## answers to the questions of tests/answers.yml, beside a plain chain (ARGS="--kinds --show")
	@set -a; . var/env; set +a; actions/.venv/bin/python -m actions.knowledge; \
	    actions/.venv/bin/python -m benchmarks.answers $(ARGS)

bench-knowledge: setup ## finding passages: recall, time, memory (DATA=folder adds BEGIN; SIZES="1000 10000"; half an hour)
	@actions/.venv/bin/python -m benchmarks.knowledge $(if $(DATA),--data $(DATA)) $(if $(SIZES),--sizes $(SIZES))

bench-grounding: setup ## the claim check on the development sets of BEGIN (DATA=folder, minutes)
	@actions/.venv/bin/python -m benchmarks.grounding $(DATA)

bench-copilot: setup ## how long an agent waits for each of the copilot's endpoints, without a model
	@actions/.venv/bin/python -m benchmarks.copilot

bench-packets: setup ## handoff packets: fields, summaries (FILE: from pytest tests/e2e --packets FILE, or an event database)
	@TANDEM_VAR=$${TANDEM_VAR:-$(CURDIR)/var} actions/.venv/bin/python -m benchmarks.packets $(FILE)

bench-privacy: setup ## what the protected conversation store costs, beside Rasa's own
	@set -a; . var/env; set +a; $(QUIET) $(PY) -m benchmarks.privacy

bench-pii: setup ## personal data found in presidio-research's sample, beside Presidio as shipped (DATA=folder)
	@actions/.venv/bin/python -m benchmarks.policy_pii $(DATA)

migrate-privacy: setup ## once, with conversations of before the vault: put tokens in place of their personal data
	@set -a; . var/env; set +a; $(QUIET) $(PY) -m assistant.privacy migrate

check-privacy: setup ## whether every value in the vault can be opened with the key
	@set -a; . var/env; set +a; $(QUIET) $(PY) -m assistant.privacy check

rekey: setup ## wrap the vault's keys anew: TANDEM_VAULT_KEY="new,old"
	@set -a; . var/env; set +a; $(QUIET) $(PY) -m assistant.privacy rekey

audit: setup ## look the packages up in the advisory service (ADVISORIES=folder: PyPA's advisory database instead)
	@$(PY) -m deploy.audit $(ADVISORIES)

sbom: setup ## the packages of the three environments as CycloneDX files in var/sbom
	@sh deploy/audit/sbom.sh

attacks: train ## attack the services on loopback; prints what was tried and blocked (the same tests are in make test)
	@mkdir -p var/results; rm -f var/results/attacks.jsonl
	@export TANDEM_ATTACKS=$(CURDIR)/var/results/attacks.jsonl; \
	    actions/.venv/bin/python -m pytest -q $$(find tests/unit/actions -name 'test_attacks_*.py') && \
	    desk/.venv/bin/python -m pytest -q $$(find tests/unit/desk -name 'test_attacks_*.py') && \
	    $(PY) -m pytest -q $$(find tests/unit/assistant tests/e2e tests/browser -name 'test_attacks_*.py'); \
	    status=$$?; $(PY) -m tests.attacks; exit $$status

pictures: e2e ## take the pictures in docs/images again
	@cp var/images/*.png docs/images/

clean: ## remove what runs leave behind (models, databases, logs), not the environments
	@rm -rf var
