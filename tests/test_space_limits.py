"""Limits, Ctrl-C, executors and files: nothing that was found is lost, and parts make the same whole."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import constrint as ci
from constrint import exporting
from constrint.cli.main import main
from constrint.diagram import building, compiling
from constrint.diagram.building import Builder
from constrint.diagram.values import values_of
from constrint.space import SearchSpace
from tests.random_problems import problems, solutions

ROOT = Path(__file__).parents[1]

thorough = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=True)


def wide_problem(variables: int = 12) -> ci.Problem:
    """Its layers hardly merge: every subset of the weights has another sum, and there are two of them."""
    p = ci.Problem("wide")
    x = p.array("x", variables, 0, 3)
    p.add(
        ci.total([v * 4**k for k, v in enumerate(x)]) % 1009 <= 700,
        ci.total([v * 5**k for k, v in enumerate(x)]) % 997 <= 800,
        ci.total([v * 7**k for k, v in enumerate(x)]) % 991 <= 900,
    )
    return p


def processes(count: int) -> ProcessPoolExecutor:
    """A pool of fresh processes: a fork of one with threads, as test runners are, may hang."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def slow_problem() -> ci.Problem:
    """Has very many solutions, and no small diagram."""
    p = ci.Problem("slow")
    q = p.array("q", 40, 0, 39)
    p.add(ci.all_different(q.flat), q[0] < q[39])
    return p


def assert_holds_solutions(space: SearchSpace, problem: ci.Problem) -> None:
    assert space.size > 0 and not space.complete
    for each in space.sample(10, seed=1):
        assert problem.check(each)


# Memory -------------------------------------------------------------------------------------------------


def test_the_memory_limit_ends_with_a_lower_bound_and_true_solutions() -> None:
    p = wide_problem()
    with pytest.raises(ci.LimitReached, match="stopped by the memory limit: at least") as caught:
        p.enumerate(memory_limit=2_000_000)
    assert caught.value.space is not None
    assert caught.value.count == caught.value.space.size
    assert caught.value.stopped_by == "memory limit"
    assert_holds_solutions(caught.value.space, p)
    with pytest.raises(ci.LimitReached, match="at least") as counted:
        p.count(memory_limit=2_000_000)
    assert 0 < counted.value.count <= 4**12


def test_memory_is_bounded() -> None:
    code = (
        "import resource, constrint as ci\n"
        "from tests.test_space_limits import wide_problem\n"
        "p = wide_problem()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    p.enumerate(memory_limit=100 << 20)\n"
        "except ci.LimitReached as limit:\n"
        "    print(limit.count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    count, kilobytes = map(int, done.stdout.split())
    assert count > 0
    # Beside the limit there are one chunk of candidates and the modules that are loaded on the way.
    assert kilobytes < (100 + 150) << 10


@settings(thorough, max_examples=150)
@given(problems(depth=1))
def test_a_diagram_cut_short_has_solutions_only(problem: ci.Problem) -> None:
    expected = solutions(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "WIDTH_AT_LIMIT", 2)
        patch.setattr(building, "CHUNK", 4)
        names = list(problem.variables)
        domains = problem.propagate().domains
        if not domains:
            return
        values = [values_of(domains[name]) or () for name in names]
        expressions = [constraint.expression for constraint in problem.constraints]
        builder = Builder(names, values, expressions, memory_limit=1)
        space = SearchSpace(problem, builder.build())
    found = [tuple(each.values()) for each in space]
    assert set(found) <= set(expected)
    if builder.stopped_by is None:
        assert found == expected


def test_without_a_memory_limit_search_goes_on_where_the_diagram_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    p = wide_problem(5)
    expected = p.enumerate()
    monkeypatch.setattr(compiling, "_FIRST_WORK", 10)
    monkeypatch.setattr(compiling, "_FIRST_NODES", 1)
    monkeypatch.setattr(compiling, "DEFAULT_MEMORY", 1 << 19)
    monkeypatch.setattr(building, "CHUNK", 1 << 6)
    found = p.enumerate()
    assert list(found) == list(expected)
    assert p.count() == len(expected)


# Time and Ctrl-C ----------------------------------------------------------------------------------------


def test_a_time_limit_keeps_what_was_found() -> None:
    p = slow_problem()
    with pytest.raises(ci.LimitReached, match="stopped by the time limit") as caught:
        p.enumerate(time_limit=3)
    assert caught.value.space is not None
    assert_holds_solutions(caught.value.space, p)
    result = p.search_space(time_limit=0)
    assert (result.status, result.complete, result.stopped_by) == ("unknown", False, "time limit")
    assert len(result.space) == 0


def test_a_time_limit_within_the_layers_keeps_solutions() -> None:
    p = wide_problem(14)
    result = p.search_space(time_limit=0.5)
    assert result.stopped_by == "time limit"
    assert result.space.size > 0
    assert all(p.check(each) for each in result.space.sample(10))


@pytest.mark.parametrize("make", [slow_problem, wide_problem])
def test_ctrl_c_keeps_what_was_found(make: Callable[[], ci.Problem]) -> None:
    p = make() if make is slow_problem else wide_problem(14)
    timer = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(ci.LimitReached, match="stopped by the interrupt") as caught:
            p.enumerate()
    finally:
        timer.cancel()
    assert caught.value.space is not None
    assert_holds_solutions(caught.value.space, p)


# Executors ----------------------------------------------------------------------------------------------


class Deferred(Executor):
    """Runs everything at once in this thread, as a stand-in for any executor."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*args, **keywords))
        return future


@settings(thorough, max_examples=150)
@given(problems(depth=1))
def test_parts_make_the_same_space(problem: ci.Problem) -> None:
    space = problem.enumerate()
    narrowed = problem.enumerate(over=["y", "b"])
    with pytest.MonkeyPatch.context() as patch:
        # What is done at once is not spread.
        patch.setattr(compiling, "_FIRST_WORK", 0)
        assert list(problem.enumerate(executor=Deferred())) == list(space)
        assert problem.count(executor=Deferred()) == len(space)
        assert list(problem.enumerate(over=["y", "b"], executor=Deferred())) == list(narrowed)


def test_a_process_pool_gives_the_same_answers_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_FIRST_WORK", 0)
    p = wide_problem(6)
    few = ci.Problem()
    x, y = few.integer("x", 0, 1), few.integer("y", 0, 1)
    few.add(x != y)
    with processes(2) as pool:
        for problem in (p, few):
            serial = problem.enumerate()
            spread = problem.enumerate(executor=pool)
            assert list(spread) == list(serial)
            assert spread.sample(5, seed=1) == serial.sample(5, seed=1)
            assert problem.count(executor=pool) == len(serial)
        with pytest.raises(ci.LimitReached, match="memory limit") as caught:
            wide_problem(9).enumerate(executor=pool, memory_limit=1 << 18)
        assert caught.value.space is not None
        assert_holds_solutions(caught.value.space, wide_problem(9))


def test_dask_gives_the_same_answers_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_FIRST_WORK", 0)
    distributed = pytest.importorskip("distributed", reason="Dask's distributed is not installed")
    p = wide_problem(6)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        pool = client.get_executor()
        assert list(p.enumerate(executor=pool)) == list(p.enumerate())
        assert p.count(executor=pool) == p.count()
        sweep = [wide_problem(k) for k in (2, 3, 4)]
        assert ci.sweep(sweep, "count", executor=pool) == [problem.count() for problem in sweep]


def test_a_sweep_asks_every_problem_in_order() -> None:
    sweep = []
    for limit in range(6):
        p = ci.Problem(f"p{limit}")
        x = p.integer("x", 0, 9)
        p.add(x * x <= limit * limit)
        p.maximize(x)
        sweep.append(p)
    assert ci.sweep(sweep, "count") == [1, 2, 3, 4, 5, 6]
    with ThreadPoolExecutor(2) as pool:
        assert ci.sweep(sweep, "count", executor=pool) == [1, 2, 3, 4, 5, 6]
    with processes(2) as pool:
        solved = ci.sweep(iter(sweep), executor=pool, time_limit=20)
        assert [solution["x"] for solution in solved] == [0, 1, 2, 3, 4, 5]
        assert [len(space) for space in ci.sweep(sweep, "enumerate", executor=pool)] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ci.ProblemError, match="unknown question 'guess'"):
        ci.sweep(sweep, "guess")


# Files --------------------------------------------------------------------------------------------------


def mixed_space() -> SearchSpace:
    p = ci.Problem()
    a = p.array("a", 2, 0, 2)
    b = p.integer("b", 10**20, 10**20 + 4)
    p.add(a[0] + a[1] == b % 5)
    return p.enumerate()


def test_every_format_holds_every_row(tmp_path: Path) -> None:
    space = mixed_space()
    expected = [(*each["a"], each["b"]) for each in space]
    for ending in ("csv", "jsonl", "npz", "parquet"):
        space.save(tmp_path / f"out.{ending}")
    with (tmp_path / "out.csv").open() as stream:
        header, *rows = csv.reader(stream)
    assert header == ["a[0]", "a[1]", "b"]
    assert [tuple(map(int, row)) for row in rows] == expected
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == list(space)
    arrays = np.load(tmp_path / "out.npz")
    assert arrays["a[1]"].tolist() == [row[1] for row in expected]
    assert [int(text) for text in arrays["b"]] == [row[2] for row in expected]
    parquet = pytest.importorskip("pyarrow.parquet", reason="PyArrow is not installed")
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column("a[0]").to_pylist() == [row[0] for row in expected]
    assert [int(text) for text in table.column("b").to_pylist()] == [row[2] for row in expected]
    assert space.to_arrow().equals(table)
    frame = space.to_pandas()
    assert frame["b"].tolist() == [row[2] for row in expected]
    assert list(frame.columns) == space.names


def test_large_spaces_are_written_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = wide_problem(4).enumerate()
    monkeypatch.setattr(exporting, "_PIECE", 7)
    for ending in ("csv", "jsonl", "npz", "parquet"):
        space.save(tmp_path / f"out.{ending}")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == len(space) + 1
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == len(space)
    assert np.array_equal(np.load(tmp_path / "out.npz")["x[3]"], space["x[3]"])
    pieces = list(space.chunks(50))
    assert np.array_equal(np.concatenate([piece["x[2]"] for piece in pieces]), space["x[2]"])
    with pytest.raises(ci.ProblemError, match="the ending says the format"):
        space.save(tmp_path / "out.xls")


def test_a_time_limit_leaves_a_sound_file(tmp_path: Path) -> None:
    p = ci.Problem()
    p.array("x", 30, 0, 1)
    space = p.enumerate()
    assert len(space) == 2**30
    for ending in ("csv", "parquet"):
        path = tmp_path / f"out.{ending}"
        started = time.monotonic()
        with pytest.raises(ci.LimitReached, match="of 1,073,741,824 rows are written") as caught:
            space.save(path, time_limit=0.1)
        assert time.monotonic() - started < 60
        assert caught.value.count > 0
    with (tmp_path / "out.csv").open() as stream:
        assert sum(1 for _ in stream) > 1


# The command line -----------------------------------------------------------------------------------------


@pytest.fixture
def permutations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("permutations.yaml").write_text(
        "variables: {q: {array: 40, domain: 0..39}}\nconstraints:\n  - all_different(q)\n  - q[0] < q[39]\n"
    )
    return "permutations.yaml"


def test_the_command_line_stops_at_the_memory_limit(
    permutations: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["count", permutations, "--memory-limit", "20M", "--format", "json"])
    answer = json.loads(capsys.readouterr().out)
    assert (code, answer["status"], answer["complete"]) == (3, "satisfied", False)
    assert answer["count"] > 0
    code = main(["count", permutations, "--memory-limit", "20M"])
    assert "satisfied (stopped by the memory limit): at least" in capsys.readouterr().out
    code = main(["enumerate", permutations, "--memory-limit", "20M", "--time-limit", "20", "-o", "out.csv"])
    assert code == 3
    with Path("out.csv").open() as stream:
        header, *rows = csv.reader(stream)
    assert len(header) == 40
    assert rows and all(sorted(map(int, row)) == list(range(40)) for row in rows[:100])


def test_the_command_line_projects(permutations: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("small.yaml").write_text(
        "variables: {x: 0..3, y: 0..3, q: {array: 2, domain: bool}}\nconstraints: [x < y, sum(q) == x]\n"
    )
    assert main(["enumerate", "small.yaml", "--over", "x, q", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines() == ["x,q[0],q[1]", "0,0,0", "1,0,1", "1,1,0", "2,1,1"]
    assert main(["count", "small.yaml", "--over", "x,q", "--quiet"]) == 0
    assert capsys.readouterr().out.strip() == "4"
    assert main(["count", "small.yaml", "--over", "z"]) == 2
    assert "unknown name 'z'" in capsys.readouterr().err
    assert main(["count", "small.yaml", "--memory-limit", "lots"]) == 2
    assert "expected a size such as 500M or 4G" in capsys.readouterr().err
    assert main(["count", "small.yaml", "--over", "x,,y"]) == 2
    assert "expected names separated by commas" in capsys.readouterr().err


def test_ctrl_c_between_two_attempts_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search and diagram take turns; Ctrl-C may come while what the search found is put into a diagram."""
    original = compiling._diagram_of

    def interrupted(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return original(*arguments)

    monkeypatch.setattr(compiling, "_diagram_of", interrupted)
    p = slow_problem()
    with pytest.raises(ci.LimitReached, match="stopped by the interrupt") as caught:
        p.enumerate(time_limit=20)
    assert caught.value.space is not None
    assert_holds_solutions(caught.value.space, p)


def test_ctrl_c_as_a_diagram_is_given_up_keeps_what_the_search_found(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[None] = []

    def interrupted(builder: building.Builder) -> None:
        attempts.append(None)
        if len(attempts) == 2:  # the first one comes before any search
            os.kill(os.getpid(), signal.SIGINT)
        raise building.TooMuchWork

    monkeypatch.setattr(building.Builder, "build", interrupted)
    p = slow_problem()
    with pytest.raises(ci.LimitReached, match="stopped by the interrupt") as caught:
        p.enumerate(time_limit=20)
    assert caught.value.space is not None and len(attempts) == 2
    assert_holds_solutions(caught.value.space, p)
