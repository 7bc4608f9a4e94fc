"""Schedules and rotas, with CP-SAT's own interval constraints where they fit."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from benchmarks.peer import Data, Model, Peer


def job_shop(data: Data) -> Peer:
    p = Peer()
    m = p.model
    jobs, machines, duration, horizon = (data[key] for key in ("jobs", "machines", "duration", "horizon"))
    start = p.array("start", (jobs, machines), 0, horizon)
    end = p.integer("end", 0, horizon)
    on_machine: list[list[Any]] = [[] for _ in range(machines)]
    for j in range(jobs):
        for k in range(machines):
            finish = start[j][k] + duration[j][k]
            on_machine[data["machine"][j][k]].append(
                m.new_fixed_size_interval_var(start[j][k], duration[j][k], "")
            )
            m.add(finish <= (start[j][k + 1] if k + 1 < machines else end))
    for intervals in on_machine:
        m.add_no_overlap(intervals)
    p.minimize(end, 0, horizon)
    return p


def project(data: Data) -> Peer:
    p = Peer()
    m = p.model
    duration, horizon = data["duration"], data["horizon"]
    start = p.array("start", (data["activities"],), 0, horizon)
    end = p.integer("end", 0, horizon)
    for a, b in data["before"]:
        m.add(start[a] + duration[a] <= start[b])
    intervals = [m.new_fixed_size_interval_var(s, d, "") for s, d in zip(start, duration, strict=True)]
    m.add_cumulative(intervals, data["crew"], data["available"])
    m.add_max_equality(end, [s + d for s, d in zip(start, duration, strict=True)])
    m.add(start[4] >= 9)
    p.minimize(end, 0, horizon)
    p.minimize(start[2], 0, horizon)
    return p


def nurse_rota(data: Data) -> Peer:
    p = Peer()
    m = p.model
    nurses, days, needed = data["nurses"], data["days"], data["needed"]
    shift = p.array("shift", (nurses, days), 0, 3)
    works = [[[m.new_bool_var("") for _ in range(4)] for _ in range(days)] for _ in range(nurses)]
    for n in range(nurses):
        for d in range(days):
            m.add_exactly_one(works[n][d])
            m.add(shift[n][d] == sum(s * works[n][d][s] for s in range(4)))
        for d in range(days - 1):
            for s in (2, 3):
                m.add_bool_or(~works[n][d][s], works[n][d + 1][0], works[n][d + 1][s])
        for d in range(1, days - 1):
            m.add_bool_or(~works[n][d][3], works[n][d - 1][3], works[n][d + 1][3])
        m.add_implication(works[n][0][3], works[n][1][3])
        m.add(sum(works[n][d][0] for d in range(days)) >= 2)
        m.add(sum(works[n][d][3] for d in range(days)) <= 3)
    for d in range(days):
        for s in (1, 2, 3):
            m.add(sum(works[n][d][s] for n in range(nurses)) == needed[s])
    p.minimize(sum(1 - works[n][d][0] for n, d in data["wishes"]), 0, len(data["wishes"]))
    return p


def meeting_hours(data: Data) -> Peer:
    p = Peer()
    m = p.model
    offices = data["offices"]
    utc = p.integer("utc", 0, 23)
    hour, day = p.array("hour", (offices,), 0, 23), p.array("day", (offices,), -1, 1)
    discomfort = p.array("discomfort", (offices,), 0, 12)
    for i in range(offices):
        # One linear equation says both: CP-SAT's own division rounds towards zero.
        m.add(utc + data["offset"][i] == 24 * day[i] + hour[i])
        m.add(hour[i] >= data["first_hour"])
        m.add(hour[i] <= data["last_hour"])
        m.add_max_equality(discomfort[i], [12 - hour[i], hour[i] - 15, 0])
    worst = m.new_int_var(0, 12, "")
    m.add_max_equality(worst, discomfort)
    p.minimize(worst, 0, 12)
    p.minimize(sum(discomfort), 0, 12 * offices)
    return p


def building_site(data: Data) -> Peer:
    p = Peer()
    m = p.model
    late = data["late"]
    lasting: dict[str, Any] = {"cellar": 4, "walls": 5, "roof": 3, "windows": 2, "pipes": 4, "wires": 3}
    crew: dict[str, Any] = {"cellar": 3, "walls": 4, "roof": 3, "windows": 2, "pipes": 2, "wires": 2}
    start = {name: p.integer(f"{name}.start", 0, late) for name in lasting}
    plasterers = p.integer("plasterers", 1, 3)
    start["plaster"] = p.integer("plaster.start", 0, late)
    lasting["plaster"], crew["plaster"] = 7 - 2 * plasterers, plasterers
    present = p.integer("garden.present", 0, 1)
    garden = p.integer("garden.start", 0, late)
    end = p.integer("end", 0, late)
    finish = {name: m.new_int_var(0, 2 * late, "") for name in start}
    task = {name: m.new_interval_var(start[name], lasting[name], finish[name], "") for name in start}
    optional = m.new_bool_var("")
    m.add(present == optional)
    m.add(garden == 0).only_enforce_if(~optional)
    m.add(garden + 4 <= end).only_enforce_if(optional)
    lawn = m.new_optional_fixed_size_interval_var(garden, 4, optional, "")
    before = [("cellar", "walls"), ("walls", "roof"), ("walls", "windows"), ("roof", "wires")]
    before += [(name, "plaster") for name in ("windows", "pipes", "wires")]
    for first, second in before:
        m.add(finish[first] <= start[second])
    m.add(finish["roof"] + 1 <= start["pipes"])
    m.add_no_overlap([task["walls"], task["roof"], task["windows"], lawn])
    m.add_cumulative([*task.values(), lawn], [*(crew[name] for name in task), 3], data["people"])
    for name in start:
        m.add(finish[name] <= end)
    p.maximize(present, 0, 1)
    p.minimize(end, 0, late)
    p.minimize(plasterers, 1, 3)
    return p


def delivery_round(data: Data) -> Peer:
    p = Peer()
    m = p.model
    n, minutes = data["shops"], data["minutes"]
    following = p.array("next", (n,), 0, n - 1)
    steps = {(i, j): m.new_bool_var("") for i in range(n) for j in range(n) if i != j}
    m.add_circuit([(i, j, step) for (i, j), step in steps.items()])
    for i in range(n):
        m.add(following[i] == sum(j * steps[i, j] for j in range(n) if j != i))
    p.minimize(sum(minutes[i][j] * step for (i, j), step in steps.items()), 0, n * max(map(max, minutes)))
    return p


def shift_pattern(data: Data) -> Peer:
    p = Peer()
    m = p.model
    nurses, days = data["nurses"], data["days"]
    shift = p.array("shift", (nurses, days), 0, 3)
    is_on = [[[m.new_bool_var("") for _ in range(4)] for _ in range(days)] for _ in range(nurses)]
    for n in range(nurses):
        m.add_automaton(shift[n], 0, [0, 1, 2, 3], data["rules"])
        for d in range(days):
            m.add_exactly_one(is_on[n][d])
            m.add(shift[n][d] == sum(s * is_on[n][d][s] for s in range(4)))
        m.add(sum(is_on[n][d][3] for d in range(days)) <= 2)
    for d in range(days):
        for s in range(3):
            m.add_exactly_one(is_on[n][d][s] for n in range(nurses))
    # Nurses are alike: their weeks, read as numbers in base 4, ascend.
    weeks = [sum(4 ** (days - 1 - d) * shift[n][d] for d in range(days)) for n in range(nurses)]
    for one, other in pairwise(weeks):
        m.add(one < other)
    return p


MODELS: dict[str, Model] = {
    model.__name__: model
    for model in (
        job_shop,
        project,
        nurse_rota,
        meeting_hours,
        building_site,
        delivery_round,
        shift_pattern,
    )
}
