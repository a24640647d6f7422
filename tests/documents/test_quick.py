"""The quick replacements change how long a document takes, and nothing else."""

import resource

import pytest

from documents import quick
from documents.rendering import html_to_pdf, in_one_chunk, warm_up

TABLE = """
<table class="rows"><colgroup><col style="width: 30%"/><col/></colgroup>
<thead><tr><th scope="col">Profession</th><th scope="col" class="number">Nombre</th></tr></thead>
<tbody>{rows}</tbody></table>
"""
ROW = '<tr class="short"><th scope="row">Profession {n}</th><td class="number">{n}</td></tr>'
BODY = """
<h1>Titre</h1>
<p style="text-align: justify">{words}</p>
<p style="width: 40%; margin-left: 10%; padding: 2%; border-radius: 2mm; border: 1pt solid red">
Des pourcentages</p>
<p style="margin-block-start: 9mm; white-space: pre-wrap; tab-size: 30mm">Avant \taprès\nligne</p>
<p style="float: right; width: 30mm">À côté</p><p style="position: relative; top: 2mm">Décalé</p>
<div style="position: absolute; top: 0; left: 0">Ailleurs</div>
<p>e\u0301 o\u0302\u0323 V\u0301 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627</p>
<p>\u4e2d \U0001f600 Ταῦτα <i>Да</i></p>
<p style="white-space: nowrap; overflow: hidden; text-overflow: ellipsis; width: 20mm">{words}</p>
<p style="letter-spacing: 2pt">Espacé</p><p style="text-transform: uppercase">AVATAR ŒUVRE ﬁn</p>
<p style="text-decoration: underline; font-variant-numeric: tabular-nums">10 965</p>
<ul><li>Un</li><li>Deux<ol><li>Trois</li></ol></li></ul>
<p><span class="box ticked">case cochée : </span><b>Oui</b> <span class="hash">0123</span></p>
"""


def page(body: str) -> str:
    return f'<html lang="fr"><head><title>Essai</title></head><body>{body}</body></html>'


def test_they_are_in_place_with_the_version_we_install():
    assert quick.make_quick() is True


@pytest.mark.parametrize("draft", [False, True])
def test_same_bytes_as_the_library_alone(draft):
    body = BODY.format(words="Des mots, toujours des mots. " * 60)
    html = page(body + TABLE.format(rows="".join(ROW.format(n=n) for n in range(90))))

    made = html_to_pdf(html, draft=draft)
    with quick.as_published():
        published = html_to_pdf(html, draft=draft)

    assert made == published


def test_calls_below_a_document_ask_for_no_memory_at_every_turn():
    warm_up()

    # The day Python keeps a chunk for the next call, `in_one_chunk` may go: this says so.
    assert (worst_depth() > 900, in_one_chunk(worst_depth) < 100) == (True, True)


def worst_depth() -> int:
    """Pages of memory a loop of a thousand calls asks for, at the worst depth it can stand at."""
    return max(asked_at(depth) for depth in range(200))


def asked_at(depth: int) -> int:
    if depth:
        return asked_at(depth - 1)
    start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(1000):
        calls()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - start


def calls() -> int:
    return called()


def called() -> int:
    return 1
