"""Rhythms: one-dimensional signals whose class lies in when their beats fall, not in what a beat looks like."""

from __future__ import annotations

import numpy as np
from scipy import fft

from archlock.seeding import numpy_generator
from archlock.tasks.families.canvas import Array, Labels, balanced_labels, between, blend
from archlock.tasks.samples import Samples, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task, TaskKind

RATE_HZ = 64
LENGTH = 512
SECONDS = LENGTH / RATE_HZ
PADDED = 768
"""Length of the transform; the padding keeps the end of a signal from wrapping to its beginning."""
MARGIN = 72
"""Samples computed for one beat, and kept free before and after the signal."""
FRAMES = 32
SCALES_HZ = np.geomspace(0.4, 24, FRAMES)
CLASSES = ("regular", "slow", "fast", "irregular", "dropped beat", "early beat")
INTERVAL_S = {"slow": (1.15, 1.5), "fast": (0.4, 0.55)}
USUAL_INTERVAL_S = (0.65, 1.0)
BEAT = ((-0.18, 0.035, 0.15), (-0.03, 0.012, -0.12), (0.0, 0.014, 1.0), (0.03, 0.014, -0.22), (0.24, 0.06, 0.3))
"""Waves P, Q, R, S and T of one beat: seconds from the R peak, width in seconds, height."""


def rhythms(settings: TaskSettings) -> Task:
    """Eight seconds of an ECG-like signal, named by its rhythm.

    Beats are sums of Gaussians (after McSharry et al., IEEE TBME 2003). Difficulty makes intervals vary more, the
    irregular rhythm less so, and adds baseline wander and noise. With ``view: picture`` the signal is seen as its
    scalogram, 1x32x32: magnitudes of a Morlet wavelet transform, 0.4 to 24 Hz from top to bottom, averaged over
    frames of a quarter of a second; with ``view: row`` as one row, 1x1x512 at 64 Hz.
    """
    count = settings.sample_count()
    rng = numpy_generator(settings.seed, settings.name, settings.difficulty, count)
    labels = balanced_labels(rng, count, len(CLASSES))
    signals = draw_rhythms(rng, labels, settings.difficulty)
    picture = settings.view == "picture"
    inputs = scalogram(signals)[:, None] if picture else signals[:, None, None]
    seen = "as a 32x32 scalogram (time-frequency picture)" if picture else "as one row (C, 1, L)"
    note = f"generated ECG-like signals, 8 s at 64 Hz, seen {seen}"
    return make_task(Samples(inputs.astype(np.float32), labels, TaskKind.CLASSIFICATION, CLASSES, note), settings)


def draw_rhythms(rng: np.random.Generator, labels: Labels, difficulty: float) -> Array:
    """Signals (n, 512) of the rhythms in ``labels``."""
    count = len(labels)
    times = beat_times(rng, labels, difficulty)
    signal = beats_at(rng, times)
    clock = np.arange(LENGTH) / RATE_HZ
    phase, wander_hz = between(rng, 0, 2 * np.pi, count, 1), between(rng, 0.1, 0.4, count, 1)
    wander = blend(0.05, 0.4, difficulty) * np.sin(2 * np.pi * wander_hz * clock + phase)
    return np.asarray(signal + wander + rng.normal(0, blend(0.02, 0.24, difficulty), signal.shape))


def beats_at(rng: np.random.Generator, times: Array) -> Array:
    """Signals (n, 512) with one beat at each of ``times`` (n, beats); every signal has its own shape of beat.

    Only the samples around a beat are computed; a margin on both sides takes beats that are partly or wholly outside.
    """
    count, beats = times.shape
    heights, stretch = between(rng, 0.8, 1.2, count, beats), between(rng, 0.85, 1.15, count, 1)
    padded = np.zeros((count, LENGTH + 2 * MARGIN))
    rows = np.arange(count)[:, None]
    for beat in range(beats):
        nearest = np.clip(np.rint(times[:, beat, None] * RATE_HZ), -MARGIN / 2, LENGTH + MARGIN / 2).astype(np.int64)
        samples = nearest + np.arange(-MARGIN // 2, MARGIN // 2)
        since_s = samples / RATE_HZ - times[:, beat, None]
        waves = [height * np.exp(-(((since_s / stretch - at) / width) ** 2) / 2) for at, width, height in BEAT]
        padded[rows, samples + MARGIN] += heights[:, beat, None] * np.sum(waves, axis=0)
    return padded[:, MARGIN:-MARGIN]


def beat_times(rng: np.random.Generator, labels: Labels, difficulty: float) -> Array:
    """Seconds of each R peak, shape (n, beats); beats that are dropped lie far outside the signal."""
    count, beats = len(labels), int(SECONDS / INTERVAL_S["fast"][0]) + 4
    low, high = np.array([INTERVAL_S.get(name, USUAL_INTERVAL_S) for name in CLASSES])[labels].T
    usual = rng.uniform(low, high)[:, None]
    irregular = (labels == CLASSES.index("irregular"))[:, None]
    spread = np.where(irregular, blend(0.35, 0.2, difficulty), blend(0.01, 0.05, difficulty))
    intervals = usual * np.clip(1 + spread * rng.normal(size=(count, beats)), 0.4, 1.9)
    times = np.cumsum(intervals, axis=1) - usual * between(rng, 0.5, 1.5, count, 1)
    within = (times > 1.0) & (times < SECONDS - 1.0)
    event = np.argmax(within * rng.random(times.shape), axis=1)
    chosen = np.arange(beats) == event[:, None]
    early = chosen & (labels == CLASSES.index("early beat"))[:, None]
    dropped = chosen & (labels == CLASSES.index("dropped beat"))[:, None]
    times = times - early * usual * blend(0.5, 0.3, difficulty)
    return np.where(dropped, -100.0, times)


def scalogram(signals: Array, scales_hz: Array = SCALES_HZ, rate_hz: float = RATE_HZ, padded: int = PADDED) -> Array:
    """Compressed magnitude of a Morlet wavelet transform, shape (n, scales, 32 frames), from signals (n, length).

    Args:
        signals: the length is a multiple of 32.
        scales_hz: centre frequencies, one per row.
        rate_hz: samples per second.
        padded: length of the transform, at least that of the signals.

    Source: Torrence and Compo, BAMS 1998, table 1 (Morlet, central angular frequency 6), scaled to equal peak gain.
    """
    spectrum = fft.fft((signals - signals.mean(axis=1, keepdims=True)).astype(np.float32), n=padded)
    hertz = fft.fftfreq(padded, d=1 / rate_hz)
    picture = np.empty((len(signals), len(scales_hz), FRAMES))
    for row, centre_hz in enumerate(scales_hz):
        gain = 2 * np.exp(-((6 * (hertz / centre_hz - 1)) ** 2) / 2) * (hertz > 0)
        magnitude = np.abs(fft.ifft(spectrum * gain.astype(np.float32)))[:, : signals.shape[1]]
        picture[:, row] = magnitude.reshape(len(signals), FRAMES, -1).mean(axis=2)
    return np.sqrt(picture)
