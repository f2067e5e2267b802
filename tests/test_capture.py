"""captured(): other libraries' output is caught, and everybody's comes back."""

from __future__ import annotations

import subprocess
import sys

THREADS = """
import os, threading
from eyespot.capture import captured

def work(delay, texts):
    with captured() as caught:
        os.write(1, b"hidden")
        threading.Event().wait(delay)
    texts.append(caught.text)

texts = []
threads = [threading.Thread(target=work, args=(delay, texts)) for delay in (0.2, 0.3, 0.1)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("visible", texts)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_overlapping_threads_keep_stdout():
    assert run(THREADS).stdout == f"visible {['hidden'] * 3}\n"


WITHIN = """
from eyespot.capture import captured
try:
    with captured():
        1 / 0
except ZeroDivisionError:
    print("back")
"""

CLOSED = """
import sys
from eyespot.capture import captured
sys.stdout.close()
with captured():
    pass
sys.stderr.write("fine")
"""


def test_an_error_within_restores_stdout():
    assert run(WITHIN).stdout == "back\n"


def test_closed_stdout_is_no_error():
    assert run(CLOSED).stderr == "fine"
