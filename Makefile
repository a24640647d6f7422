# Everything is done by devstack/: this file only names the commands.
#   make run      the portal, its worker and its servers; PORT=8123 chooses another port
#   make test     everything the continuous integration checks
.DEFAULT_GOAL := help
.PHONY: help setup run test lint bench manage

help:
	@echo "make run              lancer le portail (PORT=8123 pour un autre port)"
	@echo "make test             toutes les vérifications, celles de l’intégration continue"
	@echo "make setup            installer ce qu’il faut, sans rien lancer"
	@echo "make lint             style, types et contrats d’import seulement"
	@echo "make bench            mesurer les pages, la recherche, les PDF"
	@echo "make manage ARGS=...  une commande de manage.py, avec ses serveurs"

setup:
	@python3 devstack/bootstrap.py setup

run:
	@python3 devstack/bootstrap.py run

test:
	@python3 devstack/bootstrap.py test

lint:
	@python3 devstack/bootstrap.py lint

bench:
	@python3 devstack/bootstrap.py bench $(ARGS)

manage:
	@python3 devstack/bootstrap.py manage $(ARGS)
