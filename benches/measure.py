"""How the scripts here measure: a process is run to its end, and the system says what it used."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MIB = 1 << 20


def measured(command):
    """What a command says, the seconds of CPU it took (of all its threads, start-up included) and the most memory it held."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said = process.stdout.read()
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"status {process.returncode}: {' '.join(command)}")
    # Linux counts in KiB, macOS in bytes.
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return said, used.ru_utime + used.ru_stime, peak


def built(package, manifest, target):
    """The program of a package, built as it is released."""
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", manifest, "--target-dir", target]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return os.path.join(target, "release", package)


def fallover():
    return built("fallover", os.path.join(ROOT, "Cargo.toml"), os.path.join(ROOT, "target"))
