"""Log-mel spectrograms by librosa, one thread: WAV → 22.05 kHz → chunks of a second → decibels.

    logmel.py time FOLDER             seconds a chunk of the set in FOLDER, one spectrogram a call and one
                                      call a clip, as JSON
    logmel.py parity FOLDER OURS      largest differences from the files that `data parity` wrote
"""
import os

for name in ("OMP", "NUMBA", "OPENBLAS", "MKL"):
    os.environ[f"{name}_NUM_THREADS"] = "1"
import json
import sys
import time
from pathlib import Path

import librosa
import numpy as np

CHUNK, HOP = 22_220, 11_025


def chunks(sound):
    starts = range(0, max(len(sound) - CHUNK, 0) + 1, HOP)
    return np.stack([np.pad(sound[s : s + CHUNK], (0, max(0, CHUNK - len(sound[s:])))) for s in starts])


def mel(sound):
    return librosa.feature.melspectrogram(y=sound, sr=22_050, n_fft=1920, hop_length=220, n_mels=96)


def log(bands):
    # the range is a chunk's own, as in a call with one chunk
    return np.stack([librosa.power_to_db(m, ref=1.0, amin=1e-10, top_db=80) for m in bands])


def clips(folder):
    return sorted((Path(folder) / "fsd50k/FSD50K.dev_audio").glob("*.wav"), key=lambda p: int(p.stem))


if sys.argv[1] == "time":
    files = clips(sys.argv[2])
    one = {
        "each": lambda sound: [log(mel(chunk)[None]) for chunk in chunks(sound)],
        "batched": lambda sound: log(mel(chunks(sound))),
    }
    rates = {}
    for name, work in one.items():
        work(librosa.load(files[0], sr=22_050)[0])  # warm up
        start, count = time.perf_counter(), 0
        for file in files:
            count += len(work(librosa.load(file, sr=22_050)[0]))
        rates[name] = (time.perf_counter() - start) / count
    print(json.dumps({"engine": f"librosa {librosa.__version__}", "chunks": count, **rates}))
else:
    same, whole = [], []
    for file in clips(sys.argv[2]):
        ours = np.fromfile(Path(sys.argv[3]) / f"{file.stem}.db", dtype="<f4").reshape(-1, 96, 102)
        sound = np.fromfile(Path(sys.argv[3]) / f"{file.stem}.sound", dtype="<f4")
        same.append(np.abs(log(mel(chunks(sound))) - ours).ravel())
        whole.append(np.abs(log(mel(chunks(librosa.load(file, sr=22_050)[0]))) - ours)[:, :90].ravel())
    same, whole = np.concatenate(same), np.concatenate(whole)
    print(f"parity on the same 22.05 kHz samples: largest difference {same.max():.1e} dB, "
          f"99.9 % within {np.quantile(same, 0.999):.1e} dB")
    print(f"with each side's own resampler (its transition band, the upper six bands, left out): "
          f"99 % within {np.quantile(whole, 0.99):.1e} dB, median {np.median(whole):.1e} dB")
