#!/usr/bin/env python3
"""compare.py HAUBERK [FOLDER...]

Runs `HAUBERK classify CAPTURE --hash compat` on every capture under the folders (by
default shared/captures, in the project's folder or beside it) and compares its answers
with those of compat.py, packet by packet. Each capture is run

    - without a cluster IP;
    - if it has an IP packet, with the destination of the first one as --cluster-ip;
    - if another destination is more frequent, with both as --cluster-ip.

HAUBERK prints `number,workset,reason` per packet (a header line may come first) and exits
with 0, or with 5 when the file is cut short. When it refuses a file it exits with another
code, 1...99, prints one sentence on stderr and nothing on stdout. Anything else is a
fault. Exit status: 0 when all runs agree; 1 when one does not, or nothing was compared;
2 for wrong usage. The last line counts the runs.
"""

import argparse
import collections
import multiprocessing
import os
import pathlib
import subprocess
import sys
from typing import NamedTuple

sys.dont_write_bytecode = True      # leave no __pycache__ in the project
import compat

PROCESSES = 2
TIME_LIMIT = 60     # seconds
NOT_CAPTURES = {".md", ".json", ".txt"}
SHOWN = 10


class Run(NamedTuple):
    """One capture, one set of cluster IPs, both answers."""
    name: str               # for the report
    equal: int = 0          # packets
    different: tuple = ()   # one text per packet
    refused: str = ""       # "both", "hauberk", "oracle", or "" for none
    crash: str = ""
    fault: str = ""         # anything else that is wrong, such as the exit status

    def passed(self):
        return not (self.different or self.crash or self.fault
                    or self.refused in ("hauberk", "oracle"))


def cluster_choices(capture):
    """The sets of cluster IPs to run a capture with."""
    destinations = collections.Counter()
    first = None
    for frame in capture.frames:
        try:
            packet = compat.parse_frame(capture.link_type, frame.data)
        except compat.NotIP:
            continue
        first = first or packet.destination
        destinations[packet.destination] += 1
    choices = [()]
    if first is not None:
        choices.append((first,))
        frequent = destinations.most_common(1)[0][0]
        if frequent != first:
            choices.append((first, frequent))
    return choices


def compare_capture(job):
    """All runs of one capture."""
    hauberk, path = job
    try:
        capture, why = compat.read_capture(path), None
    except compat.Refused as refusal:
        capture, why = None, str(refusal)
    choices = cluster_choices(capture) if capture else [()]
    return [compare_run(hauberk, path, capture, why, choice) for choice in choices]


def compare_run(hauberk, path, capture, why, cluster):
    command = [hauberk, "classify", path, "--hash", "compat"]
    for address in cluster:
        command += ["--cluster-ip", str(address)]
    name = " ".join([path] + command[5:])
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        return Run(name, crash=f"no end after {TIME_LIMIT} s")
    except OSError as error:
        return Run(name, crash=f"cannot be started: {error.strerror}")
    status = done.returncode
    if status < 0:
        return Run(name, crash=f"ended by signal {-status}")
    if status > 99:
        return Run(name, crash=f"exit status {status}")

    output = done.stdout.decode("utf-8", "replace")
    errors = done.stderr.decode("utf-8", "replace").strip()
    if status not in (0, compat.EXIT_TRUNCATED):
        fault = ""
        if output:
            fault = f"exit status {status}, but something on stdout"
        elif len(errors.splitlines()) != 1:
            fault = f"exit status {status} with {len(errors.splitlines())} lines on stderr"
        if capture is None:
            return Run(name, refused="both", fault=fault)
        return Run(f"{name}: {' '.join(errors.split())[:200]}", refused="hauberk", fault=fault)
    if capture is None:
        return Run(f"{name}: {why}", refused="oracle")

    answers, fault = parse_answers(output)
    expected_status = compat.EXIT_TRUNCATED if capture.truncated else 0
    if not fault and status != expected_status:
        fault = f"exit status {status}, expected {expected_status}"
    results = compat.classify(capture, frozenset(cluster))
    expected = dict(enumerate(results, start=1))
    equal, different = 0, []
    for number in sorted(expected.keys() | answers.keys()):
        ours, theirs = expected.get(number), answers.get(number)
        if ours and theirs and ours[0] == theirs[0]:
            equal += 1
        else:
            different.append(f"{name}: packet {number}: "
                             f"oracle {as_text(ours)}, hauberk {as_text(theirs)}")
    return Run(name, equal, tuple(different), fault=fault)


def parse_answers(output):
    """Returns ({number: (work set, reason)}, fault or "")."""
    answers = {}
    lines = output.splitlines()
    if lines and lines[-1] == "truncated":
        lines.pop()
    for index, line in enumerate(lines):
        fields = line.split(",", 2)
        try:
            number, result = int(fields[0]), int(fields[1])
        except (ValueError, IndexError):
            if index == 0:      # the header line
                continue
            return answers, f"line {index + 1} cannot be read: {line[:80]!r}"
        if number != len(answers) + 1:
            return answers, f"line {index + 1} is about packet {number}, out of order"
        answers[number] = result, fields[2] if len(fields) > 2 else None
    return answers, ""


def as_text(answer):
    if answer is None:
        return "nothing"
    result, reason = answer
    return f"{result} ({reason})" if reason else str(result)


def captures_under(folders):
    for folder in folders:
        paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        for path in paths:
            if path.is_file() and path.suffix.lower() not in NOT_CAPTURES:
                yield str(path)


def default_folder():
    project = pathlib.Path(__file__).resolve().parents[3]
    for parent in (project, project.parent):
        if (parent / "shared" / "captures").is_dir():
            return parent / "shared" / "captures"
    return None


def print_list(title, entries, shown=None):
    print(f"{title}: {len(entries)}")
    for entry in entries[:shown]:
        print(f"    {entry}")
    if shown is not None and len(entries) > shown:
        print(f"    and {len(entries) - shown} more")


def main():
    parser = argparse.ArgumentParser(
        description="Compare `HAUBERK classify --hash compat` with the independent oracle.")
    parser.add_argument("hauberk", metavar="HAUBERK")
    parser.add_argument("folders", metavar="FOLDER", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    hauberk = os.path.abspath(arguments.hauberk)
    if not os.access(hauberk, os.X_OK) or not os.path.isfile(hauberk):
        parser.error(f"{arguments.hauberk} is not a program")
    folders = arguments.folders or [folder for folder in [default_folder()] if folder]
    if not folders:
        parser.error("there is no shared/captures folder; name one")
    for folder in folders:
        if not folder.exists():
            parser.error(f"{folder} does not exist")

    jobs = [(hauberk, path) for path in captures_under(folders)]
    with multiprocessing.Pool(PROCESSES) as pool:
        results = pool.map(compare_capture, jobs, chunksize=4)
    runs = [run for of_capture in results for run in of_capture]
    different = [text for run in runs for text in run.different]

    print(f"captures compared: {len(jobs)}, in {len(runs)} runs")
    print(f"packets equal: {sum(run.equal for run in runs)}")
    print_list("packets differing", different, SHOWN)
    print(f"captures refused by both: {sum(run.refused == 'both' for run in runs)}")
    print_list("runs refused by hauberk only",
               [run.name for run in runs if run.refused == "hauberk"])
    print_list("runs refused by the oracle only",
               [run.name for run in runs if run.refused == "oracle"])
    print_list("crashes", [f"{run.name}: {run.crash}" for run in runs if run.crash])
    print_list("other faults", [f"{run.name}: {run.fault}" for run in runs if run.fault])
    passed = sum(run.passed() for run in runs)
    failed = len(runs) - passed
    print(f"compat oracle: {passed} passed, {failed} failed")
    return 1 if failed or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
