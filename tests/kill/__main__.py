"""Kill crawls at random instants, and count what that costs.

Ends with 1 if a crawl of the frontier lost or doubled anything. What failed can be repeated with
the seed that is shown; the plan is the same then, though not how fast the machine is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from random import Random, SystemRandom
from time import monotonic

from tests.kill.campaign import KEEPERS, Harness, Result, subjects
from tests.kill.site import Site
from tests.kill.subjects import OTHERS, Subject

COLUMNS = ("kills", "pages_missing", "items_missing", "items_twice", "again")


def main() -> int:
    """Run campaigns until there were as many kills as wanted."""
    options = parse_arguments()
    seed = options.seed or str(SystemRandom().randrange(10**9))
    faults = 0
    with ExitStack() as stack:
        site = stack.enter_context(Site())
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name in options.keeper:
            keeper = KEEPERS[name]
            wanted = [
                subject
                for subject in subjects(options.only)
                if keeper.is_ours or subject.cwd == OTHERS
            ]
            harness = Harness(site, folder, keeper, keep_folders=options.keep is not None)
            if options.repeat:
                results = [harness.campaign(wanted[0], options.repeat, options.each)]
                show(results[0])
                print(results[0].errors)
            else:
                results = run(harness, wanted, seed, options)
            print_table(name, results)
            faults += keeper.is_ours and sum(bool(result.faults) for result in results)
    return 1 if faults else 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, metavar="N", help="default: 100")
    parser.add_argument("--each", type=int, default=5, metavar="N", help="kills of one crawl")
    parser.add_argument("--keeper", choices=KEEPERS, action="append", help="default: frontier")
    parser.add_argument("--only", metavar="NAMES", help="of crawls, with commas between them")
    parser.add_argument("--seed", help="draw the same deaths again")
    parser.add_argument("--repeat", metavar="SEED", help="one campaign of --only, with its log")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep what failed there")
    options = parser.parse_args()
    options.keeper = options.keeper or ["frontier"]
    return options


def run(
    harness: Harness, wanted: list[Subject], seed: str, options: argparse.Namespace
) -> list[Result]:
    """Run campaigns of one spider after the other."""
    results: list[Result] = []
    began = monotonic()
    for number, subject in enumerate(cycle(wanted)):
        kills = sum(result.kills for result in results)
        if kills >= options.kills:
            break
        each = Random(f"{seed} {number}").randint(1, min(options.each, options.kills - kills))
        result = harness.campaign(subject, f"{seed}-{number}", each)
        results.append(result)
        show(result)
    print(f"{monotonic() - began:.0f} s, seed {seed}")
    return results


def show(result: Result) -> None:
    """Tell of one campaign."""
    verdict = "; ".join(result.faults) or "as unbroken"
    print(f"{result.subject} {result.seed}: {result.kills} kills, {verdict}", flush=True)
    if result.faults:
        print(*(f"    {death}\n" for death in result.deaths), sep="", end="")
        again = f"--only {result.subject} --repeat {result.seed} --each {result.planned}"
        print(f"    again: python -m tests.kill {again}", flush=True)


def print_table(name: str, results: list[Result]) -> None:
    """Sum up by spider, as rows of a Markdown table."""
    sums: dict[str, Counter[str]] = {}
    for result in results:
        row = sums.setdefault(result.subject, Counter())
        row["campaigns"] += 1
        for column in COLUMNS:
            row[column] += getattr(result, column)
    sums["all"] = sum(sums.values(), Counter())
    print(f"\n| {name} | campaigns | " + " | ".join(COLUMNS).replace("_", " ") + " |")
    print("|---|" + "---|" * (len(COLUMNS) + 1))
    for subject, row in sums.items():
        cells = (subject, row["campaigns"], *(row[column] for column in COLUMNS))
        print("|", " | ".join(map(str, cells)), "|")


if __name__ == "__main__":
    sys.exit(main())
