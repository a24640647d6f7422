from cpts_portal.memo import Memo


def _remembering(limit: int) -> tuple[Memo[str], list[str]]:
    return Memo[str](limit=limit, weigh=len), []


def test_what_a_key_determines_is_worked_out_once() -> None:
    memo, made = _remembering(10_000)

    def make() -> str:
        made.append("made")
        return "drawn"

    assert [memo.get(("field", "text"), make) for _ in range(3)] == ["drawn"] * 3
    assert made == ["made"]


def test_another_text_is_another_result() -> None:
    memo, _ = _remembering(10_000)

    assert [memo.get(("field", text), lambda text=text: text.upper()) for text in "aba"] == [
        "A",
        "B",
        "A",
    ]


def test_what_was_used_longest_ago_makes_room() -> None:
    memo, made = _remembering(2_200)

    def draw(key: str) -> str:
        def make() -> str:
            made.append(key)
            return "x" * 600

        return memo.get((key,), make)

    for key in ("a", "b", "a", "c", "a", "b"):
        draw(key)

    assert made == ["a", "b", "c", "b"]


def test_a_result_larger_than_the_room_is_given_and_not_kept() -> None:
    memo, made = _remembering(1_000)

    def make() -> str:
        made.append("made")
        return "x" * 5_000

    assert [len(memo.get(("large",), make)) for _ in range(2)] == [5_000, 5_000]
    assert made == ["made", "made"]
