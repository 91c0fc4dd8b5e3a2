"""How the scripts here measure: a process is run to its end, and the system says what it used."""

import os
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MIB = 1 << 20


def peak_so_far(pid):
    """The most memory that a running process has held. (What `wait4` says of it begins with the size of this script.)"""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            lines = [line.split() for line in status if line.startswith("VmHWM:")]
    except OSError:
        return 0
    return int(lines[0][1]) * 1024 if lines else 0


def measured(command):
    """What a command says, the seconds of CPU it took (of all its threads, start-up included) and the most memory it held, as
    Linux says it every few milliseconds; elsewhere 0."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said = []
    reader = threading.Thread(target=lambda: said.append(process.stdout.read()))
    reader.start()
    peak = 0
    while reader.is_alive():
        peak = max(peak, peak_so_far(process.pid))
        reader.join(0.005)
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"status {process.returncode}: {' '.join(command)}")
    return said[0], used.ru_utime + used.ru_stime, peak


def built(package, manifest, target):
    """The program of a package, built as it is released."""
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", manifest, "--target-dir", target]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    return os.path.join(target, "release", package)


def fallover():
    return built("fallover", os.path.join(ROOT, "Cargo.toml"), os.path.join(ROOT, "target"))
