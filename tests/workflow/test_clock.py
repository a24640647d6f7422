"""The clock read from its ledger: the articles' rules, then what holds for any ledger."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations, takewhile

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cpts_portal.working_days import is_working_day
from workflow.clock import (
    Clock,
    ClockRule,
    ClockState,
    Event,
    EventKind,
    Line,
    Silence,
    UnreadableLedgerError,
    alert_day,
    alerts_due,
    check_correction,
    check_sequence,
    read_clock,
)
from workflow.legal_dates import add_months

LETTER = ClockRule(months=2, silence=Silence.REFUSAL)
PROJECT = ClockRule(months=2, silence=Silence.ACCEPTANCE)
NBSP = "\N{NO-BREAK SPACE}"


def day(month: int, number: int) -> date:
    return date(2026, month, number)


def start(on: date, id_: int | None = None) -> Event:
    return Event(kind=EventKind.START, effective_on=on, id=id_)


def suspend(on: date, until: date, id_: int | None = None) -> Event:
    return Event(kind=EventKind.SUSPEND, effective_on=on, until=until, id=id_)


def resume(on: date, id_: int | None = None) -> Event:
    return Event(kind=EventKind.RESUME, effective_on=on, id=id_)


def reopen(on: date, id_: int | None = None) -> Event:
    return Event(kind=EventKind.REOPEN, effective_on=on, id=id_)


def restart(on: date, id_: int | None = None) -> Event:
    return Event(kind=EventKind.RESTART, effective_on=on, id=id_)


def end(on: date, id_: int | None = None) -> Event:
    return Event(kind=EventKind.END, effective_on=on, id=id_)


def counter(event: Event, id_: int | None = None) -> Event:
    return replace(event, id=id_, cancels=event.id)


def deadline(events: list[Event], rule: ClockRule, today: date) -> date | None:
    return read_clock(events, rule, today=today).deadline


# --- What the articles say --------------------------------------------------------------


def test_a_clock_without_events_has_not_started():
    assert read_clock([], LETTER, today=day(3, 12)) == Clock(
        state=ClockState.NOT_STARTED, today=day(3, 12), silence_means=Silence.REFUSAL
    )


def test_a_running_clock_says_its_deadline_and_what_is_left_for_the_law_and_for_people():
    began = start(day(3, 12))
    assert read_clock([began], LETTER, today=day(5, 4)) == Clock(
        state=ClockState.RUNNING,
        today=day(5, 4),
        silence_means=Silence.REFUSAL,
        started_on=day(3, 12),
        deadline=day(5, 12),
        days_left=8,
        working_days_left=5,  # Friday 8 May is a holiday
        history=(Line(event=began, deadline=day(5, 12)),),
    )


@pytest.mark.parametrize(
    ("started_on", "expected"),
    [
        (date(2026, 12, 31), date(2027, 2, 28)),
        (date(2027, 12, 31), date(2028, 2, 29)),
        (date(2027, 12, 30), date(2028, 2, 29)),
        (date(2027, 12, 29), date(2028, 2, 29)),
        (date(2028, 2, 29), date(2028, 4, 29)),
        (date(2026, 6, 30), date(2026, 8, 30)),
    ],
)
@pytest.mark.parametrize("rule", [LETTER, PROJECT])
def test_two_months_end_on_the_same_day_or_the_last_of_the_month(rule, started_on, expected):
    assert deadline([start(started_on)], rule, started_on) == expected


def test_a_refusal_is_suspended_from_the_request_to_the_reception():
    ledger = [start(day(3, 12)), suspend(day(4, 1), day(4, 30)), resume(day(4, 11))]
    assert deadline(ledger, LETTER, day(4, 11)) == day(5, 22)


def test_days_of_suspension_are_added_to_the_day_the_months_reach():
    began = date(2026, 12, 31)
    ledger = [start(began), suspend(date(2027, 1, 10), date(2027, 1, 11))]
    assert deadline(ledger, LETTER, date(2027, 2, 1)) == date(2027, 3, 1)


def test_while_suspended_the_deadline_supposes_no_answer_and_the_days_left_stand_still():
    ledger = [start(day(3, 12)), suspend(day(4, 1), day(4, 21))]
    seen = [read_clock(ledger, LETTER, today=day(4, number)) for number in (1, 15, 21)]
    assert {(c.state, c.deadline, c.days_left, c.suspended_days) for c in seen} == {
        (ClockState.SUSPENDED, day(6, 1), 41, 20)
    }


def test_without_an_answer_a_refusal_s_suspension_ends_at_the_time_limit():
    ledger = [start(day(3, 12)), suspend(day(4, 1), day(4, 21))]
    clock = read_clock(ledger, LETTER, today=day(4, 22))
    assert (clock.state, clock.deadline, clock.days_left) == (ClockState.RUNNING, day(6, 1), 40)


def test_answering_on_the_last_day_or_not_at_all_gives_the_same_deadline():
    silent = [start(day(3, 12)), suspend(day(4, 1), day(4, 21))]
    answered = [*silent, resume(day(4, 21))]
    assert deadline(answered, LETTER, day(5, 2)) == deadline(silent, LETTER, day(5, 2))


def test_a_time_limit_can_be_extended():
    ledger = [
        start(day(3, 12)),
        suspend(day(4, 1), day(4, 11)),
        suspend(day(4, 11), day(4, 21)),
        resume(day(4, 16)),
    ]
    assert deadline(ledger, LETTER, day(4, 16)) == day(5, 27)


def test_items_requested_and_received_on_one_day_suspend_nothing():
    ledger = [start(day(3, 12)), suspend(day(4, 1), day(4, 11)), resume(day(4, 1))]
    clock = read_clock(ledger, LETTER, today=day(4, 1))
    assert (clock.state, clock.deadline) == (ClockState.RUNNING, day(5, 12))


def test_items_received_and_others_requested_on_one_day_leave_it_suspended():
    ledger = [
        start(day(3, 12)),
        suspend(day(4, 1), day(4, 11)),
        resume(day(4, 6)),
        suspend(day(4, 6), day(4, 9)),
    ]
    clock = read_clock(ledger, LETTER, today=day(4, 6))
    assert (clock.state, clock.suspended_until, clock.suspended_days) == (
        ClockState.SUSPENDED,
        day(4, 9),
        8,
    )


def test_an_acceptance_has_no_deadline_until_the_file_is_complete_whatever_the_time_limit():
    ledger = [start(day(3, 12)), suspend(day(4, 1), day(4, 11))]
    clock = read_clock(ledger, PROJECT, today=day(7, 14))
    assert (clock.state, clock.deadline, clock.days_left) == (ClockState.SUSPENDED, None, None)
    assert not clock.silence_took_effect


def test_an_acceptance_runs_in_full_from_the_complete_file():
    ledger = [start(day(3, 12)), suspend(day(4, 1), day(4, 11)), restart(day(7, 14))]
    clock = read_clock(ledger, PROJECT, today=day(7, 14))
    assert (clock.started_on, clock.deadline, clock.suspended_days) == (day(7, 14), day(9, 14), 0)


def test_an_acceptance_of_which_nothing_more_is_asked_goes_on_where_it_stood():
    ledger = [start(day(3, 12)), suspend(day(4, 1), day(4, 21)), resume(day(4, 11))]
    clock = read_clock(ledger, PROJECT, today=day(4, 11))
    assert (clock.started_on, clock.deadline, clock.suspended_days) == (day(3, 12), day(5, 22), 10)
    completed = [*ledger, suspend(day(4, 20), day(5, 1)), restart(day(4, 25))]
    assert deadline(completed, PROJECT, day(4, 25)) == day(6, 25)


@pytest.mark.parametrize("rule", [LETTER, PROJECT], ids=["refusal", "acceptance"])
def test_a_withdrawn_decision_begins_a_whole_period(rule):
    past = [start(day(3, 12)), suspend(day(4, 1), day(4, 21)), resume(day(4, 11)), end(day(4, 20))]
    again = [*past, reopen(day(6, 2))]
    clock = read_clock(again, rule, today=day(6, 2))
    assert (clock.state, clock.started_on, clock.deadline, clock.ended_on) == (
        ClockState.RUNNING,
        day(6, 2),
        day(8, 2),
        None,
    )
    # Whatever came before weighs nothing on it; it may be stopped, and end, like the first.
    asked = [*again, suspend(day(6, 10), day(6, 20))]
    assert check_sequence(again, asked[-1], rule=rule, today=day(6, 10)) == []
    decided = [*again, end(day(7, 1))]
    assert read_clock(decided, rule, today=day(9, 1)).ended_on == day(7, 1)


def test_decided_withdrawn_and_decided_again_on_one_day():
    once = [start(day(3, 12)), end(day(4, 2)), reopen(day(4, 2))]
    assert check_sequence(once, end(day(4, 2)), rule=LETTER, today=day(4, 2)) == []
    for order in permutations([*once, end(day(4, 2))]):
        clock = read_clock(order, LETTER, today=day(4, 2))
        assert (clock.state, clock.deadline) == (ClockState.ENDED, day(6, 2))


def test_an_acceptance_asked_to_complete_and_completed_on_one_day_runs_from_it():
    ledger = [start(day(3, 12)), suspend(day(4, 1), day(4, 11)), restart(day(4, 1))]
    clock = read_clock(ledger, PROJECT, today=day(4, 1))
    assert (clock.state, clock.deadline) == (ClockState.RUNNING, day(6, 1))


def test_an_acceptance_restarts_when_the_deciding_administration_receives_the_file():
    ledger = [start(day(3, 12)), restart(day(3, 20))]
    assert deadline(ledger, PROJECT, day(3, 20)) == day(5, 20)


def test_a_decision_stops_the_clock_and_nothing_more_is_awaited():
    ledger = [start(day(3, 12)), end(day(4, 2))]
    clock = read_clock(ledger, LETTER, today=day(7, 1))
    assert (clock.state, clock.ended_on, clock.deadline, clock.days_left) == (
        ClockState.ENDED,
        day(4, 2),
        day(5, 12),
        None,
    )
    assert not clock.silence_took_effect


def test_a_clock_stopped_during_a_suspension_reads_the_same_ever_after():
    ledger = [start(day(3, 12)), suspend(day(4, 1), day(4, 21)), end(day(4, 5))]
    first, later = (read_clock(ledger, LETTER, today=today) for today in (day(4, 5), day(7, 1)))
    assert replace(first, today=later.today) == later


@pytest.mark.parametrize(
    ("events", "today", "expected"),
    [
        ([], day(5, 12), False),
        ([], day(5, 13), True),
        ([end(day(5, 12))], day(6, 1), False),
        ([end(day(5, 13))], day(6, 1), True),
    ],
)
def test_silence_takes_effect_once_the_whole_last_day_has_gone(events, today, expected):
    clock = read_clock([start(day(3, 12)), *events], LETTER, today=today)
    assert clock.silence_took_effect is expected


def test_days_past_the_deadline_are_negative():
    clock = read_clock([start(day(3, 12))], LETTER, today=day(5, 15))
    assert (clock.days_left, clock.working_days_left) == (-3, -2)  # Thursday is Ascension Day


def test_a_past_day_is_read_as_it_stood():
    ledger = [start(day(3, 12)), suspend(day(4, 1), day(4, 21)), end(day(5, 1))]
    states = [
        read_clock(ledger, LETTER, today=day(m, d)).state for m, d in [(3, 1), (3, 31), (4, 2)]
    ]
    assert states == [ClockState.NOT_STARTED, ClockState.RUNNING, ClockState.SUSPENDED]


def test_the_history_keeps_what_was_corrected_and_how_the_deadline_moved():
    began, mistake = start(day(3, 12), 1), suspend(day(4, 1), day(4, 21), 2)
    correction, other = counter(mistake, 3), suspend(day(4, 2), day(4, 12), 4)
    clock = read_clock([began, mistake, correction, other], LETTER, today=day(4, 2))
    assert clock.history == (
        Line(event=began, deadline=day(5, 12)),
        Line(event=mistake, cancelled_by=correction),
        Line(event=other, deadline=day(5, 22)),
    )


# --- What makes no sense ----------------------------------------------------------------

BEGUN = [start(day(3, 12))]
WAITING = [*BEGUN, suspend(day(4, 1), day(4, 21))]


@pytest.mark.parametrize(
    ("rule", "ledger", "new", "expected"),
    [
        (LETTER, [], start(day(12, 2)), "« Départ du délai », 2 décembre 2026 : cette date est à"),
        (LETTER, BEGUN, start(day(3, 13)), "le délai a déjà commencé le 12 mars 2026"),
        (LETTER, BEGUN, start(day(3, 12)), "il est déjà enregistré à cette date"),
        (LETTER, [], end(day(3, 12)), "le délai n’a pas encore commencé à cette date"),
        (LETTER, BEGUN, end(day(3, 11)), "le délai n’a pas encore commencé à cette date"),
        (LETTER, BEGUN, resume(day(4, 1)), "le délai n’est pas suspendu à cette date"),
        (LETTER, WAITING, resume(day(4, 22)), "il a repris de lui-même à la date limite"),
        (LETTER, WAITING, resume(day(3, 31)), "le délai n’est pas suspendu à cette date"),
        (LETTER, WAITING, restart(day(4, 2)), "Enregistrez une reprise"),
        (PROJECT, BEGUN, resume(day(4, 2)), "le délai n’est pas arrêté à cette date"),
        (LETTER, BEGUN, reopen(day(4, 2)), "le délai n’a pas pris fin à cette date"),
        (LETTER, [], reopen(day(4, 2)), "le délai n’a pas encore commencé à cette date"),
        (LETTER, WAITING, suspend(day(4, 5), day(4, 21)), "déjà suspendu, jusqu’au 21 avril 2026"),
        (LETTER, BEGUN, suspend(day(4, 5), day(4, 5)), "fixe une date limite"),
        (LETTER, BEGUN, suspend(day(4, 5), date(2027, 4, 7)), "à plus d’un an"),
        (LETTER, BEGUN, suspend(day(5, 13), day(6, 1)), "le silence a valu rejet"),
        (PROJECT, BEGUN, restart(day(5, 13)), "le silence a valu acceptation"),
        (LETTER, [*BEGUN, end(day(4, 2))], resume(day(4, 3)), "a pris fin le 2 avril 2026"),
        (LETTER, [*BEGUN, end(day(4, 2))], end(day(4, 3)), "a pris fin le 2 avril 2026"),
        # A late entry takes what follows with it: the resumption of the 11th would hang in the air.
        (
            LETTER,
            [*WAITING, resume(day(4, 11))],
            resume(day(4, 6)),
            "« Reprise du délai », 11 avril 2026 : le délai n’est pas suspendu",
        ),
    ],
)
def test_an_event_that_makes_no_sense_is_refused_in_words(rule, ledger, new, expected):
    (sentence,) = check_sequence(ledger, new, rule=rule, today=day(12, 1))
    assert expected in sentence.replace(NBSP, " ")


def test_what_is_refused_at_the_entry_cannot_be_read_either():
    with pytest.raises(UnreadableLedgerError, match="déjà commencé"):
        read_clock([*BEGUN, start(day(3, 13))], LETTER, today=day(4, 1))


def test_only_a_suspension_gives_a_time_limit():
    with pytest.raises(ValueError, match="time limit"):
        Event(kind=EventKind.START, effective_on=day(3, 12), until=day(4, 1))


def test_an_event_entered_late_takes_its_place():
    ledger = [*BEGUN, end(day(5, 20))]
    late = suspend(day(4, 1), day(4, 21))
    assert check_sequence(ledger, late, rule=LETTER, today=day(6, 1)) == []
    assert deadline([*ledger, late], LETTER, day(6, 1)) == day(6, 1)


# --- Corrections ------------------------------------------------------------------------

NUMBERED = [start(day(3, 12), 1), suspend(day(4, 1), day(4, 21), 2), resume(day(4, 11), 3)]


def test_an_event_on_which_others_stand_is_corrected_last():
    refused = check_correction(NUMBERED, NUMBERED[1], rule=LETTER, today=day(5, 1))
    assert len(refused) == 2
    assert "« Reprise du délai », 11 avril 2026 : le délai n’est pas" in refused[0].replace(
        NBSP, " "
    )
    assert refused[1].startswith("Corrigez d’abord cet évènement")
    assert check_correction(NUMBERED, NUMBERED[2], rule=LETTER, today=day(5, 1)) == []


def test_a_wrong_start_is_replaced_under_what_followed():
    earlier, later = start(day(3, 10)), start(day(4, 2))
    today = day(5, 1)
    checked = [
        check_correction(NUMBERED, NUMBERED[0], rule=LETTER, today=today, replacement=replacement)
        for replacement in (earlier, later)
    ]
    assert checked[0] == []
    assert "le délai n’a pas encore commencé" in checked[1][0]
    ledger = [*NUMBERED, counter(NUMBERED[0], 4), earlier]
    assert deadline(ledger, LETTER, today) == day(5, 20)


def test_an_event_is_corrected_once_and_a_correction_never():
    ledger = [*NUMBERED, counter(NUMBERED[2], 4)]
    again = check_correction(ledger, NUMBERED[2], rule=LETTER, today=day(5, 1))
    back = check_correction(ledger, ledger[3], rule=LETTER, today=day(5, 1))
    assert [again[0][:34], back[0][:36]] == [
        "Cet évènement a déjà été corrigé\N{NO-BREAK SPACE}:",
        "Une correction ne se corrige pas. Po",
    ]


# --- Alerts -----------------------------------------------------------------------------


def test_alerts_come_at_their_day_or_on_the_working_day_before():
    began = [start(day(3, 12))]  # deadline on Tuesday 12 May; 10 and 27 April, 5 and 8 May count
    days = [day(4, 1) + timedelta(days=rank) for rank in range(50)]
    first_seen: dict[int, date] = {}
    for today in days:
        clock = read_clock(began, LETTER, today=today)
        for threshold in alerts_due(clock, LETTER, today=today):
            first_seen.setdefault(threshold, today)
    assert first_seen == {
        30: day(4, 10),  # Sunday 12 April, hence Friday the 10th
        15: day(4, 27),
        7: day(5, 5),
        2: day(5, 7),  # Sunday 10 May, after Friday 8 May, a holiday
    }


def test_nothing_is_due_while_suspended_once_ended_or_after_the_deadline():
    ledgers = [
        ([suspend(day(4, 30), day(5, 30))], day(5, 10)),
        ([end(day(5, 9))], day(5, 10)),
        ([], day(5, 13)),
    ]
    due = [
        alerts_due(
            read_clock([start(day(3, 12)), *events], LETTER, today=today), LETTER, today=today
        )
        for events, today in ledgers
    ]
    assert due == [[], [], []]


def test_a_short_period_has_no_alert_longer_than_itself():
    rule = ClockRule(months=1, silence=Silence.REFUSAL)
    clock = read_clock([start(day(2, 10))], rule, today=day(2, 10))
    assert alerts_due(clock, rule, today=day(2, 10)) == []
    clock = read_clock([start(day(2, 10))], rule, today=day(3, 10))
    assert alerts_due(clock, rule, today=day(3, 10)) == [15, 7, 2]
    # Thirty days exactly: the day it starts, nobody needs to be told.
    clock = read_clock([start(day(4, 9))], rule, today=day(4, 9))
    assert (clock.days_left, alerts_due(clock, rule, today=day(4, 9))) == (30, [])


# --- What holds for any ledger ----------------------------------------------------------

rules = st.sampled_from([LETTER, PROJECT, ClockRule(months=4, silence=Silence.REFUSAL)])
dates = st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31))
MUCH_LATER = timedelta(days=2_000)


@st.composite
def entries(draw, *, base: date) -> Event:
    """Any event in the year that follows `base`, sensible or not."""
    kind = draw(st.sampled_from(EventKind))
    on = base + timedelta(days=draw(st.integers(-5, 150)))
    until = on + timedelta(days=draw(st.integers(1, 60))) if kind == EventKind.SUSPEND else None
    return Event(kind=kind, effective_on=on, until=until)


@st.composite
def ledgers(draw, *, rule: ClockRule) -> list[Event]:
    """A ledger as it can be: of any events entered in any order, those that were accepted."""
    base = draw(dates)
    ledger = [start(base, 1)]
    for number in range(2, 2 + draw(st.integers(0, 8))):
        new = replace(draw(entries(base=base)), id=number)
        if check_sequence(ledger, new, rule=rule, today=base + MUCH_LATER) == []:
            ledger.append(new)
        undone = draw(st.sampled_from([None, None, None, *ledger]))
        if undone and not check_correction(ledger, undone, rule=rule, today=base + MUCH_LATER):
            ledger.append(counter(undone, 100 + number))
    return ledger


ruled_ledgers = rules.flatmap(lambda rule: st.tuples(st.just(rule), ledgers(rule=rule)))
todays = st.integers(0, 400)


def without_history(clock: Clock) -> Clock:
    return replace(clock, history=())


@given(ruled_ledgers, todays)
def test_what_was_accepted_can_be_read_on_any_day(ruled, later):
    rule, ledger = ruled
    first = min(event.effective_on for event in ledger)
    clock = read_clock(ledger, rule, today=first + timedelta(days=later))
    if clock.deadline:
        assert clock.deadline >= add_months(clock.started_on, rule.months) >= clock.started_on
    assert (clock.started_on is None) == (clock.state == ClockState.NOT_STARTED)
    assert (clock.ended_on is not None) == (clock.state == ClockState.ENDED)
    if clock.state == ClockState.RUNNING:
        assert clock.days_left == (clock.deadline - clock.today).days


@given(st.data(), ruled_ledgers, todays)
def test_the_order_of_entry_is_irrelevant(data, ruled, later):
    rule, ledger = ruled
    today = ledger[0].effective_on + timedelta(days=later)
    shuffled = data.draw(st.permutations(ledger))
    assert read_clock(shuffled, rule, today=today) == read_clock(ledger, rule, today=today)


@given(st.data(), ruled_ledgers, todays)
def test_a_corrected_event_counts_as_if_never_entered(data, ruled, later):
    rule, ledger = ruled
    far = ledger[0].effective_on + MUCH_LATER
    mistakes = [e for e in ledger if check_correction(ledger, e, rule=rule, today=far) == []]
    assume(mistakes)
    target = data.draw(st.sampled_from(mistakes))
    today = ledger[0].effective_on + timedelta(days=later)
    corrected = read_clock([*ledger, counter(target, 999)], rule, today=today)
    never = read_clock([event for event in ledger if event != target], rule, today=today)
    assert without_history(corrected) == without_history(never)


@given(st.data(), ruled_ledgers)
def test_what_was_entered_and_corrected_leaves_no_trace_in_the_reading(data, ruled):
    rule, ledger = ruled
    far = ledger[0].effective_on + MUCH_LATER
    corrected = list(ledger)
    tried = data.draw(st.lists(entries(base=ledger[0].effective_on), max_size=6))
    for number, entry in enumerate(tried, 500):
        new = replace(entry, id=number)
        if check_sequence(ledger, new, rule=rule, today=far) == []:
            corrected += [new, counter(new, number + 500)]
    assert without_history(read_clock(corrected, rule, today=far)) == without_history(
        read_clock(ledger, rule, today=far)
    )


@given(ledgers(rule=PROJECT), st.integers(1, 200), todays)
def test_a_new_start_ignores_the_past(ledger, gap, later):
    # What follows an end is another period: the past is what came before.
    period = list(takewhile(lambda event: event.kind != EventKind.END, ledger))
    corrected = {event.cancels for event in period}
    past = [e for e in period if e.id not in corrected and not e.cancels]
    assume(past)
    on = max(event.effective_on for event in past) + timedelta(days=gap)
    again = restart(min(on, deadline(past, PROJECT, on) or on), 999)
    assert check_sequence(past, again, rule=PROJECT, today=on) == []
    today = again.effective_on + timedelta(days=later)
    alone = [start(again.effective_on)]
    assert without_history(read_clock([*past, again], PROJECT, today=today)) == without_history(
        read_clock(alone, PROJECT, today=today)
    )


# Requests for missing items, one after the other: days since the last one was over, days
# given, day of the answer (None: no answer). Short enough to come before the deadline.
requests = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 90), st.none() | st.integers(1, 90)), max_size=5
)


@given(st.data(), dates, requests)
def test_a_refusal_s_suspensions_add_exactly_their_days(data, began, asked):
    ledger, on, expected = [start(began)], began, 0
    for gap, given_days, answered in asked:
        on += timedelta(days=gap)
        ledger.append(suspend(on, on + timedelta(days=given_days)))
        lasted = given_days
        if answered is not None and answered <= given_days:
            lasted = answered
            ledger.append(resume(on + timedelta(days=answered)))
        on += timedelta(days=lasted)
        expected += lasted
    clock = read_clock(data.draw(st.permutations(ledger)), LETTER, today=on)
    assert clock.suspended_days == expected
    assert clock.deadline == add_months(began, 2) + timedelta(days=expected)


@given(ledgers(rule=LETTER), st.integers(0, 300), st.integers(0, 300))
def test_a_refusal_s_deadline_is_moved_by_events_and_never_by_time(ledger, one, other):
    last = max(event.effective_on for event in ledger)
    days = [last + timedelta(days=later) for later in (one, other)]
    assert len({deadline(ledger, LETTER, today) for today in days}) == 1


@given(ruled_ledgers, st.data())
def test_nothing_joins_a_ledger_after_its_end(ruled, data):
    rule, ledger = ruled
    last = max(event.effective_on for event in ledger)
    if read_clock(ledger, rule, today=last).state == ClockState.NOT_STARTED:
        ledger = [*ledger, start(last)]
    if read_clock(ledger, rule, today=last).state != ClockState.ENDED:
        ledger = [*ledger, end(last)]
    new = data.draw(entries(base=last + timedelta(days=6)))
    assume(new.kind != EventKind.REOPEN)
    assert len(check_sequence(ledger, new, rule=rule, today=last + MUCH_LATER)) == 1


@given(ruled_ledgers, dates)
def test_no_event_is_ever_entered_before_it_happened(ruled, today):
    rule, ledger = ruled
    tomorrow = end(today + timedelta(days=1))
    (sentence,) = check_sequence(ledger, tomorrow, rule=rule, today=today)
    assert "cette date est à venir" in sentence


@given(dates, st.sampled_from(["", "67", "974"]))
def test_told_each_day_the_most_pressing_alert_comes_once_in_order(began, department):
    told: list[int] = []
    for rank in range(70):
        today = began + timedelta(days=rank)
        clock = read_clock([start(began)], LETTER, today=today)
        due = alerts_due(clock, LETTER, today=today, department_code=department)
        if due and due[-1] not in told:
            told.append(due[-1])
            assert is_working_day(today, department)
            assert 0 <= clock.days_left - due[-1] <= 5
    assert told == [30, 15, 7, 2]


@given(dates, st.integers(0, 60))
def test_people_are_told_on_a_working_day_never_later_than_the_law_counts(limit, days):
    told = alert_day(limit, days)
    assert is_working_day(told)
    assert told <= limit - timedelta(days=days)


def test_all_entry_orders_of_a_long_case_read_the_same():
    ledger = [
        start(day(1, 31), 1),
        suspend(day(2, 10), day(2, 20), 2),
        resume(day(2, 15), 3),
        suspend(day(2, 15), day(2, 25), 4),
        suspend(day(2, 25), day(3, 5), 5),
        end(day(4, 20), 6),
    ]
    read = {deadline(list(order), LETTER, day(5, 1)) for order in permutations(ledger)}
    assert read == {day(3, 31) + timedelta(days=5 + 18)}
