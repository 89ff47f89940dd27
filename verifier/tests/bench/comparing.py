"""Runs two commands in turn, tells how they compare, and remembers it."""
import functools
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
WORK = ROOT / "build" / "bench"
HISTORY = WORK / "history.jsonl"

# The ratios to reach: ours to the other's, at most.
AT_MOST = {
    "verify-small": 1.3, "verify-initdb": 0.6, "verify-large": 0.8, "verify-restore": 1.05, "verify-many": 1.2,
    "inspect-inflate": 0.6, "inspect-inflate-two": 0.35, "dump-gz": 0.55, "dump-zst": 0.4,
    "objects-aws": 0.1, "objects-far": 0.3,
}
WORSE = 1.1  # than the last time, for --check
CHECKS = 3  # of which each must be worse


@functools.cache
def compiled(name, *libraries):
    """A program of this directory, in build/bench."""
    WORK.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", WORK / name, HERE / f"{name}.c", *libraries],
                   check=True)
    return WORK / name


class Command:
    """What is run: a list of words, or a function that makes one before each run."""

    def __init__(self, words, environment=None):
        self.make = words if callable(words) else lambda: words
        self.environment = environment


class Measured:
    def __init__(self, command):
        self.command = command
        self.words = ""
        self.seconds, self.cpu_seconds, self.peaks_mib = [], [], []

    def run(self, counts):
        words = [str(word) for word in self.command.make()]
        with tempfile.NamedTemporaryFile("r") as figures:
            done = subprocess.run([compiled("measure"), figures.name, *words], check=False,
                                  env=self.command.environment, stdout=subprocess.DEVNULL)
            if done.returncode != 0:
                sys.exit(f"bench: {shlex.join(words)} ended with status {done.returncode}")
            seconds, cpu_seconds, peak_kib = map(float, figures.read().split())
        if counts:
            self.words = shlex.join(words)
            self.seconds.append(seconds)
            self.cpu_seconds.append(cpu_seconds)
            self.peaks_mib.append(peak_kib / 1024)

    @property
    def median(self):
        return statistics.median(self.seconds)

    def tell(self, name):
        print(f"  {name} {self.words[:110]}: median {self.median:.3f} s, "
              f"{min(self.seconds):.3f} to {max(self.seconds):.3f} s; "
              f"CPU {statistics.median(self.cpu_seconds):.3f} s; peak {max(self.peaks_mib):.1f} MiB")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0] if models else os.uname().machine}"


def last_time(name):
    """What was measured last on this machine, or None."""
    if not HISTORY.exists():
        return None
    lines = [json.loads(line) for line in HISTORY.read_text(encoding="utf-8").splitlines()]
    same = [line for line in lines if line["name"] == name and line["machine"] == machine()]
    return same[-1] if same else None


def remember(name, ratio, ours, other):
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, check=False,
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    line = {"name": name, "ratio": round(ratio, 4), "seconds": [ours.median, other.median],
            "peak_mib": [max(ours.peaks_mib), max(other.peaks_mib)], "machine": machine(),
            "commit": commit, "time": int(time.time()), "load": os.getloadavg()[0]}
    with open(HISTORY, "a", encoding="utf-8") as history:
        history.write(json.dumps(line) + "\n")


def measure(name, ours, other, count):
    """A B A B ..., after one run of each that does not count. Gives the ratio of the medians."""
    both = Measured(ours), Measured(other)
    for counted in range(count + 1):
        for each in both:
            each.run(counted > 0)
    ratio = both[0].median / both[1].median
    before = last_time(name)
    words = f", last time {before['ratio']:.2f} ({before['commit']})" if before else ""
    if name in AT_MOST:
        words += f"; to reach: {AT_MOST[name]:.2f}, {'reached' if ratio <= AT_MOST[name] else 'MISSED'}"
    print(f"{name}: A/B {ratio:.2f}, B/A {1 / ratio:.2f}, {count} runs each, load {os.getloadavg()[0]:.1f}{words}")
    both[0].tell("A")
    both[1].tell("B")
    sys.stdout.flush()
    remember(name, ratio, *both)
    return ratio


worse = []  # the names of what became slower; only with --check


def compare(name, ours, other, count, check=None):
    """Peak memory is that of the largest single process. With `check` (default: as the command line says)
    a ratio that is worse than the last one is measured again, and is believed the third time."""
    before = last_time(name)
    check = compare.check if check is None else check
    for _ in range(CHECKS if check and before else 1):
        if measure(name, ours, other, count) <= (before or {"ratio": 0})["ratio"] * WORSE:
            return
    if check and before:
        worse.append(name)


compare.check = False
