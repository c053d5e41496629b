"""Nothing that is read is ever unpickled: data, models, checkpoints, runs that go on."""

import shutil
import subprocess
import sys

import numpy as np
from PIL import Image


def test_an_audited_process_reads_data_and_a_run(tmp_path):
    """`pickle.find_class` is raised whenever a pickle names anything but plain values (PEP 578)."""
    (tmp_path / "set").mkdir()
    for i in range(14):
        Image.new("L", (16, 16), 5 * i).save(tmp_path / "set" / f"{i}.png")
    shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path / "set")
    np.savez(tmp_path / "set.npz", images=np.zeros((14, 8, 8), np.uint8), labels=np.arange(14))
    np.savez(tmp_path / "bad.npz", images=np.array([{}, []], object))
    script = f"""
import sys
def deny(event, args):
    if event == "pickle.find_class":
        raise RuntimeError(f"unpickled: {{args}}")
import sparring, sparring.training.run.run, sklearn.linear_model, sklearn.kernel_approximation, sklearn.pipeline
from sparring.modalities.load import load_dataset
from sparring.data.scan.scan import scan_spec
from sparring.errors import UserError
sys.addaudithook(deny)
here = {str(tmp_path)!r}
load_dataset("digits")
for spec in (here + "/set", here + "/set.zip", here + "/set.npz"):
    load_dataset(spec)
    scan_spec(spec)
try:
    load_dataset(here + "/bad.npz")
except UserError as error:
    print(error)
sparring.train("mlp-gan", "digits", here + "/run", images=200, reports=1)
sparring.load(here + "/run").sample(2)
try:
    sparring.resume(here + "/run")
except UserError as error:
    pass
print("whole")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "never unpickled" in done.stdout and done.stdout.endswith("whole\n")


def test_the_audit_would_notice():
    script = "import sys, pickle\ndef deny(event, args):\n    if event == 'pickle.find_class': raise RuntimeError\n"
    script += "sys.addaudithook(deny)\npickle.loads(pickle.dumps(sys.exit))"
    assert b"RuntimeError" in subprocess.run([sys.executable, "-c", script], capture_output=True).stderr
