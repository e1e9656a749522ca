"""Log-mel spectrograms as the benchmark makes them of sound at 22,050 Hz."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

RATE_HZ = 22_050
BANDS = 96
TRANSFORM, WINDOW, HOP = 1920, int(RATE_HZ * 0.03), int(RATE_HZ * 0.01)
FRAMES = RATE_HZ // HOP + 1
"""101, of one second."""
DYNAMIC_RANGE_DB, LEAST_POWER = 80.0, 1e-10


def mel_filters() -> Tensor:
    """Triangles from frequencies to mel bands, shape (96, 961), peak 1, HTK scale from 0 to half the rate.

    Source: the HTK formula 2595 log10(1 + f / 700) (Young et al., The HTK Book), as torchaudio's defaults.
    """
    hertz = np.linspace(0, RATE_HZ / 2, TRANSFORM // 2 + 1)
    mels = np.linspace(0, 2595 * np.log10(1 + RATE_HZ / 2 / 700), BANDS + 2)
    corners = 700 * (10 ** (mels / 2595) - 1)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    triangles = np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle))
    return torch.from_numpy(np.maximum(triangles, 0).astype(np.float32))


def log_mel(sounds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-mel pictures (n, 96, 101) of one second each, from sounds (n, 22050): decibels less their mean.

    Levels more than 80 dB below the loudest of a picture are raised to that, as librosa's power_to_db does.
    """
    spectrum = torch.stft(
        torch.from_numpy(sounds),
        n_fft=TRANSFORM,
        hop_length=HOP,
        win_length=WINDOW,
        window=torch.hann_window(WINDOW),
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    power = mel_filters() @ spectrum.abs().square()
    decibels = 10 * power.clamp_min(LEAST_POWER).log10()
    decibels = torch.maximum(decibels, decibels.amax(dim=(1, 2), keepdim=True) - DYNAMIC_RANGE_DB)
    return np.asarray((decibels - decibels.mean(dim=(1, 2), keepdim=True)).numpy(), dtype=np.float32)
