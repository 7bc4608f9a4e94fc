"""A file from anybody ends in a clear error, whatever it tries to expand to.

Each bomb is loaded in a process of its own with 2 seconds of processor time and 200 MB of memory.
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest

import constrint as ci
from constrint.numbers import long_integers

CPU_SECONDS = 2
MEMORY = 200 << 20


def problem(constraint: str, parameters: str = "p: 1", variables: str = "x: 0..9") -> str:
    return (
        f"parameters:\n  {parameters}\nvariables:\n  {variables}\n  q: {{array: 1000, domain: bool}}\n"
        f'constraints:\n  - "{constraint}"\n'
    )


def squares() -> str:
    return "\n  ".join(["p0: 10**1000", *(f"p{k}: p{k - 1} * p{k - 1}" for k in range(1, 40))])


def aliases(first: str, opening: str, closing: str, prefix: str) -> str:
    lines = [f"{prefix}&a0 {first}"]
    for k in range(1, 12):
        inner = ", ".join([f"*a{k - 1}"] * 10)
        lines.append(f"{prefix.replace('0', str(k))}&a{k} {opening}{inner}{closing}")
    return "\n  ".join(lines)


BOMBS = {
    "a long range": problem("all(x != i for i in range(10**9))"),
    "an endless range": problem("sum(1 for i in range(10**30)) > x"),
    "nested ranges": problem("all(x != i*j*k for i in range(500) for j in range(500) for k in range(500))"),
    "a loop without turns": problem("all(x != i for i in range(10**9) if i < 0)"),
    "nested lists": problem("x < 1", "c: '[[0 for i in range(10000)] for j in range(10000)]'"),
    "the largest of a range": problem("x < max(range(10**9))"),
    "a table": problem("table([x], [[i] for i in range(10**7)])"),
    "an element of a range": problem("element(x, range(10**8)) < 3"),
    "elements of long lists": problem("sum(w[x] for i in range(10000)) < 3", "w: '[i for i in range(5000)]'"),
    "slices": problem("all(len(w[0:]) > i for i in range(10**5))", "w: '[i for i in range(100000)]'"),
    "memberships": problem("all(x in w for i in range(10000))", "w: '[i for i in range(50000)]'"),
    "exclusions": problem("all(x // 2 not in w for i in range(1000))", "w: '[i for i in range(1000)]'"),
    "sums of sums": problem("all(sum(q) * (sum(q) + i) > i for i in range(10000))"),
    "a tower of powers": problem("x < 9 ** 9 ** 9"),
    "a tower in a loop": problem("all(x < 7 ** 7 ** i for i in range(20))"),
    "a tower in a parameter": problem("x < 1", "p: 10 ** 10 ** 10"),
    "squares of squares": problem("x < 1", squares()),
    "long divisions": problem("x < 1", "a: 2**500000\n  c: sum(a // (2**250000 + i) for i in range(9999))"),
    "long products": problem("x < 1", "a: 2**500000 - 1\n  c: sum(a * (a + i) for i in range(100000))"),
    "long divisors": problem("x < 1", "a: 2**500000 - 1\n  c: sum(gcd(a, a - i) for i in range(100000))"),
    "a least common multiple": problem("x < 1", "c: lcm(10**30 + i for i in range(100000))"),
    "many digits": problem(f"x < {'9' * 99_000}", "\n  ".join(f"p{k}: {'9' * 99_000}" for k in range(40))),
    "too many digits": problem("x < " + "9" * 3_000_000),
    "parentheses": problem("(" * 5_000 + "x" + ")" * 5_000),
    "many parentheses": problem("(" * 1_000_000 + "x" + ")" * 1_000_000),
    "signs": problem("-" * 2_000 + "x"),
    "negations": problem("not " * 2_000 + "x"),
    "powers of powers": problem("**".join(["x"] * 2_000)),
    "choices": problem("x if x else " * 1_200 + "x"),
    "a long sum": problem("+".join(["x"] * 40_000)),
    "a huge array": problem("x < 1", variables="x: 0..9\n  y: {array: [100000, 100000], domain: bool}"),
    "huge values": problem("x < 1", variables="x: {values: range(10**9)}"),
    "aliases of lists": f"parameters:\n  {aliases('[1, 1]', '[', ']', 'p0: ')}\nvariables: {{x: bool}}\n",
    "aliases of conditions": (
        f"variables: {{x: bool}}\nconstraints:\n  {aliases('{any: [x < 1, x > 2]}', '{any: [', ']}', '- ')}\n"
    ),
    "a chain of aliases": (
        "parameters:\n  a0: &a0 [1]\n"
        + "".join(f"  a{k}: &a{k} [*a{k - 1}]\n" for k in range(1, 20_000))
        + "variables: {x: bool}\n"
    ),
    "deep lists": "variables: " + "[" * 100_000,
    "deep mappings": "variables: " + "{a: " * 100_000,
    "deep blocks": "".join(" " * k + "a:\n" for k in range(2_000)),
    "a million values": "parameters:\n  a: [" + "1," * 1_000_000 + "1]\nvariables: {x: bool}\n",
    "many constraints": "variables: {x: bool}\nconstraints:\n"
    + "".join(f"  - x * x + {k} > x * {k} - x\n" for k in range(30_000)),
    "a large file": "variables: {x: bool}\n# " + "x" * 8_000_000,
}  # fmt: skip


def load_under_limits(path: Path) -> tuple[str, str]:
    """The type and text of the error of loading the file, in a process with limits; ("", "") for none."""
    import resource

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        result = ("", "")
        try:
            ci.load(path)
        except BaseException as error:
            result = (type(error).__name__, str(error)[:1000])
        os.write(writing, pickle.dumps(result))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        found = stream.read()
    os.waitpid(child, 0)
    assert found, "the process was killed by its limits"
    result = pickle.loads(found)
    assert isinstance(result, tuple)
    return result


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits of resources")
@pytest.mark.parametrize("name", BOMBS)
def test_bomb(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    path.write_text(BOMBS[name])
    kind, text = load_under_limits(path)
    assert kind == "SizeLimitError", text
    assert "bomb.yaml" in text


# What is large but reasonable loads --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        problem("all(q[i] + q[j] <= 1 for i in range(200) for j in range(i))"),
        problem("sum(i * q[i] for i in range(1000)) <= 10**6"),
        problem(" + ".join(["x"] * 2_000) + " < 3"),
        problem("x in range(10**12)"),
        problem("x in range(0, 10**12, 7)"),
        problem(f"x < {'9' * 50_000}"),
        problem("x < 1", variables="x: 1..10**100000"),
        problem("x < len(range(10**9))"),
        problem("abs(" * 90 + "x" + ")" * 90 + " < 3"),
        problem("x < 1", "w: [" + ", ".join(["-1"] * 100_000) + "]"),
    ],
)
def test_large_files_load(text: str, tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text(text)
    assert len(ci.load(path).constraints) == 1


@pytest.mark.skipif(not hasattr(sys, "get_int_max_str_digits"), reason="this Python has no such limit")
def test_pythons_own_limit_of_digits_is_left_as_it_was() -> None:
    before = sys.get_int_max_str_digits()
    with long_integers():
        assert len(str(10**5000)) == 5001
    assert sys.get_int_max_str_digits() == before
