"""Run a command and say what it cost: wall time, CPU time, peak memory.

    measure.py OUTPUT COMMAND...     (prints one JSON object; the command's standard output goes to OUTPUT)

A process starts with the peak memory of the process that started it, so the command is started from an
interpreter that has loaded nothing else. What it measures below that interpreter's own size (about 9 MiB)
is not the command's.
"""
import os
import sys
import time


def main():
    output = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    before = time.perf_counter()
    child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, file_actions=[
        (os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, output, 1)])
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - before
    print('{"code": %d, "wall": %.4f, "cpu": %.4f, "peak_mib": %.1f}' % (
        os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))


def measured(command, output, timeout=None, stderr=None):
    """{"code", "wall", "cpu", "peak_mib"} of one run of command, its standard output in the file `output`."""
    import json
    import signal
    import subprocess
    runner = subprocess.Popen([sys.executable, "-I", "-S", os.path.abspath(__file__), output, *command],
                              stdout=subprocess.PIPE, stderr=stderr, start_new_session=True)
    try:
        said, _ = runner.communicate(timeout=timeout)
    except BaseException:
        os.killpg(runner.pid, signal.SIGKILL)  # the command too, which is in the same group
        runner.wait()
        raise
    if runner.returncode:
        raise OSError(f"cannot run {command[0]}")
    return json.loads(said)


if __name__ == "__main__":
    main()
