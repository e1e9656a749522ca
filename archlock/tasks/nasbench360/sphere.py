"""Pictures on a sphere: the projection of Cohen et al. (Spherical CNNs, ICLR 2018) from the plane, after a turn."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Array = NDArray[np.float64]
BANDWIDTH = 30
"""Of the published data: a grid of 60 latitudes by 60 longitudes."""
ORIGIN = 2 + 1e-3
"""Height of the point that the picture is projected from, just above the north pole, which lies at height 2."""
OUTSIDE = 9.0
REACH = 1.5
"""Half the side of the picture in the plane that the south pole touches, radii of the sphere."""


def driscoll_healy_grid(bandwidth: int) -> Array:
    """Points of the unit sphere, shape (3, 2b, 2b): rows are latitudes from the north pole, columns longitudes.

    Source: Driscoll and Healy, Advances in Applied Mathematics 1994, section 3.
    """
    steps = np.arange(2 * bandwidth)
    colatitude, longitude = np.meshgrid(steps * np.pi / (2 * bandwidth), steps * np.pi / bandwidth, indexing="ij")
    ring = np.sin(colatitude)
    return np.stack([ring * np.cos(longitude), ring * np.sin(longitude), np.cos(colatitude)])


def random_rotations(rng: np.random.Generator, count: int, share: float) -> Array:
    """Rotation matrices (count, 3, 3), uniform over all rotations, each taken only a ``share`` of its way."""
    from scipy.spatial.transform import Rotation

    vectors = Rotation.random(count, rng=rng).as_rotvec()
    return np.asarray(Rotation.from_rotvec(share * vectors).as_matrix())


def places_in_picture(points: Array) -> Array:
    """Where the ray from `ORIGIN` through each point (..., 3, rows, columns) meets the picture.

    Returns:
        (..., rows, columns, 2), row and column in [-1, 1] inside the picture and beyond outside it. Points around the
        north pole that face the origin see nothing of the picture and lie outside.
    """
    height = points[..., 2, :, :] + 1
    along = -height / (height - ORIGIN)
    places = points[..., :2, :, :] * (1 + along)[..., None, :, :] / REACH
    facing = points[..., 2:, :, :] > 1 / (ORIGIN - 1)
    return np.moveaxis(np.where(facing, OUTSIDE, places), -3, -1)


def on_sphere(pictures: Tensor, rotations: Array, bandwidth: int = BANDWIDTH) -> Tensor:
    """Pictures projected on a sphere that is turned, each scaled to run from 0 to 1; black where none falls.

    Args:
        pictures: shape (n, channels, height, width), not negative.
        rotations: shape (n, 3, 3).
        bandwidth: half the rows and columns of the result.

    Returns:
        shape (n, channels, 2 bandwidth, 2 bandwidth), sampled bilinearly.
    """
    points = np.einsum("nij,jab->niab", rotations, driscoll_healy_grid(bandwidth))
    # grid_sample wants (column, row); a picture's row lies along x, as in the published code.
    places = torch.from_numpy(places_in_picture(points)[..., ::-1].copy()).to(pictures.dtype)
    seen = functional.grid_sample(pictures, places, mode="bilinear", padding_mode="zeros", align_corners=False)
    low, high = seen.amin(dim=(1, 2, 3), keepdim=True), seen.amax(dim=(1, 2, 3), keepdim=True)
    return (seen - low) / (high - low).clamp_min(1e-8)
