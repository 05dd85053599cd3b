"""Small data sets in the published formats, by the libraries that their publishers used.

    data_files.py FOLDER      (numpy, scipy, h5py)

A sample has its published shape and type; there are fewer samples. Sounds are WAV files of 44.1 kHz and 16
bits, 0.3 to 30 s long, as FSD50K's.
"""
import gzip
import io
import math
import pickle
import sys
import tarfile
import wave
from pathlib import Path

import h5py
import numpy as np
import scipy.io

root = Path(sys.argv[1])
rng = np.random.default_rng(0)


def folder(name):
    (root / name).mkdir(parents=True, exist_ok=True)
    return root / name


def smooth(*shape):
    return rng.standard_normal(shape, dtype=np.float32)


# CIFAR-10, whole: 60,000 records
for name in [*(f"data_batch_{b}" for b in range(1, 6)), "test_batch"]:
    records = rng.integers(0, 256, (10_000, 3073), dtype=np.uint8)
    records[:, 0] = np.arange(10_000) % 10
    records.tofile(folder("cifar10") / f"{name}.bin")
(root / "cifar10/batches.meta.txt").write_text("".join(f"class {c}\n" for c in range(10)))

# FSD50K, unpacked
fsd = folder("fsd50k")
truth = folder("fsd50k/FSD50K.ground_truth")
(truth / "vocabulary.csv").write_text("".join(f"{c},Label_{c},/m/{c}\n" for c in range(200)))
rows = {"dev": ["fname,labels,mids,split"], "eval": ["fname,labels,mids"]}
for number, seconds in enumerate(np.geomspace(0.3, 30, 48)):
    part = "eval" if number % 8 == 7 else "dev"
    n = int(seconds * 44_100)
    t = np.arange(n) / 44_100
    sound = 0.3 * np.sin(2 * math.pi * (200 + 150 * number) * t * (1 + 0.1 * t)) + 0.02 * smooth(n)
    with wave.open(str(folder(f"fsd50k/FSD50K.{part}_audio") / f"{number}.wav"), "wb") as out:
        out.setnchannels(1), out.setsampwidth(2), out.setframerate(44_100)
        out.writeframes((sound * 32_000).astype("<i2").tobytes())
    split = [] if part == "eval" else ["val" if number % 8 == 3 else "train"]
    rows[part].append(",".join([str(number), f"Label_{number}", f"/m/{number}", *split]))
for part, lines in rows.items():
    (truth / f"{part}.csv").write_text("\n".join(lines) + "\n")

# NAS-Bench-360
sphere = {p: {"images": rng.integers(0, 256, (n, 3, 60, 60), dtype=np.uint8), "labels": np.arange(n) % 100}
          for p, n in (("train", 4000), ("test", 400))}
with gzip.open(folder("spherical") / "s2_cifar100.gz", "wb", compresslevel=1) as f:
    pickle.dump(sphere, f, protocol=2)
for part, n in (("train", 4000), ("val", 400), ("test", 400)):
    np.save(folder("ninapro") / f"ninapro_{part}.npy", smooth(n, 52, 16).astype(np.float64))
    np.save(root / f"ninapro/label_{part}.npy", np.arange(n) % 18)
for part, n in (("train", 20_000), ("test", 2000)):
    held = {"data": smooth(n, 46), "label": np.arange(n) % 24 + 1}
    np.save(folder("satellite") / f"satellite_{part}.npy", held, allow_pickle=True)
letters = {f"x_{p}": np.eye(4, dtype=np.uint8)[rng.integers(0, 4, (n, 1000))]
           for p, n in (("train", 4000), ("val", 400), ("test", 400))}
known = {k.replace("x", "y"): rng.integers(0, 2, (len(v), 36), dtype=np.uint8) for k, v in letters.items()}
np.savez(folder("deepsea") / "deepsea_filtered.npz", **letters, **known)
records = np.empty(120, dtype=object)
records[:] = [(smooth(9000) * 500).astype(np.int16) for _ in records]
with open(folder("ecg2017") / "challenge2017.pkl", "wb") as f:
    pickle.dump({"data": records, "label": np.array(list("NAO~") * 30)}, f, protocol=3)
flows = {"coeff": np.where(smooth(40, 421, 421) > 0, 12.0, 3.0), "sol": smooth(40, 421, 421).astype(np.float64)}
for number in (1, 2):
    scipy.io.savemat(folder("darcy") / f"piececonst_r421_N1024_smooth{number}.mat", flows)
for part, n in (("train", 200), ("test", 20)):
    with tarfile.open(folder("cosmic") / f"deepCR.ACS-WFC.{part}.tar", "w") as tar:
        for number in range(n):
            image = np.stack([smooth(256, 256), rng.integers(0, 2, (256, 256)), np.zeros((256, 256))])
            buffer = io.BytesIO()
            np.save(buffer, image.astype(np.float32))
            entry = tarfile.TarInfo(f"npy_{part}/f435w/10760/2/{number}_0.npy")
            entry.size = buffer.tell()
            buffer.seek(0)
            tar.addfile(entry, buffer)
for source in ("deepcov", "psicov"):
    names = [f"protein{number}" for number in range(8)]
    # the list names each of eight proteins many times
    (folder("protein") / f"{source}.lst").write_text("".join(f"{names[i % 8]} 200\n" for i in range(164)))
    for number, name in enumerate(names):
        size = 100 + 60 * number
        features = {"seq": "A" * size, "ss": smooth(3, size), "pssm": smooth(size, 22), "sa": smooth(size),
                    "entropy": smooth(size), **{k: smooth(size, size) for k in ("ccmpred", "freecon", "potential")}}
        with open(folder(f"protein/{source}/features") / f"{name}.pkl", "wb") as f:
            pickle.dump(features, f)
        held = np.empty(3, dtype=object)
        held[:] = [size, "A" * size, np.abs(smooth(size, size)) * 10]
        np.save(folder(f"protein/{source}/distance") / f"{name}-cb.npy", held, allow_pickle=True)


# PDEBench
def pde(name, **parts):
    with h5py.File(folder("pdebench") / name, "w") as f:
        for key, shape in parts.items():
            f[key] = smooth(*shape)


pde("1D_Advection_Sols_beta0.4.hdf5", tensor=(48, 201, 1024))
pde("1D_Burgers_Sols_Nu1.0.hdf5", tensor=(48, 201, 1024))
pde("1D_CFD_Rand_Eta0.1_Zeta0.1_periodic_Train.hdf5", **{k: (48, 101, 1024) for k in ("density", "pressure", "Vx")})
pde("ReacDiff_Nu0.5_Rho1.0.hdf5", tensor=(48, 101, 1024))
pde("2D_DarcyFlow_beta0.1_Train.hdf5", nu=(200, 128, 128), tensor=(200, 1, 128, 128))
pde("2D_CFD_Rand_M1.0_Eta0.1_Zeta0.1_periodic_128_Train.hdf5",
    **{k: (24, 21, 128, 128) for k in ("density", "pressure", "Vx", "Vy")})
pde("1D_diff-sorp_NA_NA.h5", **{f"{n:04d}/data": (101, 1024, 1) for n in range(48)})
pde("2D_rdb_NA_NA.h5", **{f"{n:04d}/data": (101, 128, 128, 1) for n in range(12)})
pde("2D_diff-react_NA_NA.h5", **{f"{n:04d}/data": (101, 128, 128, 2) for n in range(12)})
