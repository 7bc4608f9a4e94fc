"""python -m benchmarks.peers PEER FILE SECONDS MEGABYTES RUNS: one peer on one problem file, within bounds.

Prints a JSON object: `times`, in seconds of processor time from the built problem to the answer, children
included, with `satisfied` and `values`; or `refused` with the reason.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time

import constrint as ci
from benchmarks.peers.common import Answer, Refused, domains


def processor_time() -> float:
    """Seconds that this process and its ended children have used."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main(peer: str, file: str, seconds: str, megabytes: str, runs: str) -> None:
    """Solves the problem `runs` times, fewer where that would take longer than one run may."""
    limit, memory = float(seconds), int(megabytes) << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    module = importlib.import_module(f"benchmarks.peers.{peer}")
    times: list[float] = []
    answer = Answer(False)
    try:
        while len(times) < int(runs) and sum(times) < limit / 2:
            problem = ci.load(file)
            reduced = domains(problem)
            before = processor_time()
            answer = module.solve(problem, reduced)
            times.append(processor_time() - before)
    except Refused as refusal:
        print(json.dumps({"refused": str(refusal)}))
    except MemoryError:
        print(json.dumps({"refused": f"more than {megabytes} MB"}))
    else:
        print(json.dumps({"times": times, "satisfied": answer.satisfied, "values": answer.values}))


if __name__ == "__main__":
    main(*sys.argv[1:])
