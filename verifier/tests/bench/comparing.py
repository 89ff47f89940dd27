"""Runs two commands in turn and tells how they compare."""
import functools
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WORK = HERE.parents[2] / "build" / "bench"


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


def compare(name, ours, other, count):
    """A B A B ..., after one run of each that does not count. Peak memory is that of the largest single
    process."""
    both = Measured(ours), Measured(other)
    for counted in range(count + 1):
        for each in both:
            each.run(counted > 0)
    ratio = both[0].median / both[1].median
    print(f"{name}: A/B {ratio:.2f}, B/A {1 / ratio:.2f}, {count} runs each, "
          f"load {os.getloadavg()[0]:.1f}")
    both[0].tell("A")
    both[1].tell("B")
    sys.stdout.flush()
