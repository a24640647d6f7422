"""How sentences name a kind of case."""

import pytest

from writing.kinds import Words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            Words(noun="lettre", label="lettre d’intention", is_feminine=True, accepted="acceptée"),
            (
                "la lettre, une lettre, cette lettre, sa lettre, de la lettre, à la lettre, "
                "la lettre d’intention, une lettre d’intention, de la lettre d’intention, "
                "déposée, elle, la"
            ),
        ),
        (
            Words(noun="projet", label="projet de santé", is_feminine=False, accepted="validé"),
            (
                "le projet, un projet, ce projet, son projet, du projet, au projet, "
                "le projet de santé, un projet de santé, du projet de santé, "
                "déposé, il, le"
            ),
        ),
        (
            Words(
                noun="avenant",
                label="avenant au projet",
                is_feminine=False,
                accepted="validé",
            ),
            (
                "l’avenant, un avenant, cet avenant, son avenant, de l’avenant, à l’avenant, "
                "l’avenant au projet, un avenant au projet, de l’avenant au projet, "
                "déposé, il, le"
            ),
        ),
    ],
)
def test_articles_and_participles_agree_with_the_name_of_a_case(words: Words, said: str) -> None:
    names = (words.the, words.a, words.this, words.its, words.of_the, words.to_the)
    labels = (words.the_label, words.a_label, words.of_the_label)

    assert ", ".join((*names, *labels, f"déposé{words.e}", words.it, words.direct)) == said
