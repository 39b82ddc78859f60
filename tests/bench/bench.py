"""What `run` and `gate` share: the null broker, and what one driver's run costs."""

import json
import os
import re
import resource
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Failed(Exception):
    """A program did not do what it was asked for."""


class Skipped(Exception):
    """A driver does not do this workload."""


class Broker:
    """The null broker, which ends with its standard input, so also with this process."""

    def __init__(self, folder, *arguments):
        self.process = subprocess.Popen([folder / "culex_bench_broker", *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        word, _, port = self.process.stdout.readline().partition(" ")
        if word != "port":
            raise Failed("the null broker does not start")
        self.port = int(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def publishes(self):
        """Messages that it has taken since it was last asked."""
        self.process.stdin.write("total\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline().split()[1])


class Driver:
    """One of the programs culex_bench_<name>, and what it costs to send `count` messages of `size` bytes through it."""

    def __init__(self, folder, name, broker, certificate=None, more=()):
        self.folder, self.name, self.broker, self.certificate, self.more = folder, name, broker, certificate, more

    @property
    def path(self):
        return self.folder / f"culex_bench_{self.name}"

    def run(self, workload, count, size, before=(), environment=None):
        """Runs it, sees to it that the broker has got everything, and gives its answer and its standard error."""
        command = [*before, self.path, workload, str(count), str(size), str(self.broker.port)]
        command += [str(self.certificate)] if self.certificate else []
        command += self.more
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False,
                              env={**os.environ, **(environment or {})})
        arrived = self.broker.publishes()
        if done.returncode == 3:
            raise Skipped(f"{self.name} does not do {workload}")
        if done.returncode != 0:
            raise Failed(f"{self.name} {workload}: {done.stderr.strip()[-500:]}")
        if workload not in ("w5", "w6", "w8", "w8tls") and arrived != count:
            raise Failed(f"{self.name} {workload}: {count} messages were sent, and {arrived} have arrived")
        return json.loads(done.stdout), done.stderr

    def instructions(self, workload, count, size):
        _, log = self.run(workload, count, size, ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"])
        return int(re.search(r"Collected : (\d+)", log).group(1))

    def allocations(self, workload, count, size):
        with tempfile.NamedTemporaryFile("r") as answer:
            self.run(workload, count, size, environment={
                "LD_PRELOAD": str(self.folder / "culex_bench_preload.so"), "BENCH_ALLOCATIONS": answer.name})
            return int(answer.read())

    def system_calls(self, workload, count, size):
        with tempfile.NamedTemporaryFile("r") as answer:
            self.run(workload, count, size, ["strace", "-f", "-c", "-o", answer.name])
            return int(re.search(r"^100\.00 +\S+ +(?:\d+ +)?(\d+) .*total$", answer.read(), re.M).group(1))

    def per_message(self, measure, workload, size, few, many):
        """What `measure` finds for one message: the difference of two lengths, so that starting and ending do not count."""
        return (measure(workload, many, size) - measure(workload, few, size)) / (many - few)


def allow_many_files():
    """Lets this process and its children have as many as they may; gives how many connections that is."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return 1_000_000 if most == resource.RLIM_INFINITY else most - 100


def build(preset, target):
    """Configures a preset and builds a target of it; gives the folder of the benchmarks' programs."""
    for command in (["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset, "--target", target]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}:\n{(done.stdout + done.stderr)[-3000:]}")
    return ROOT / "build" / preset / "bench"
