"""Colour constancy: name a surface's colour whatever light falls on it. A network that sees luminance alone cannot."""

from __future__ import annotations

import numpy as np

from archlock.tasks.families.canvas import (
    SIZE,
    Array,
    Labels,
    between,
    blend,
    classified,
    column,
    coverage,
    grainy,
    paint,
    pixel_grid,
)
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task

CLASSES = ("red", "orange", "yellow-green", "green", "cyan", "blue", "violet", "magenta")
TILES = 4


def colours(settings: TaskSettings) -> Task:
    """The hue of a disc before a patchwork of surfaces, all lit by one coloured light (von Kries gains per channel).

    Surfaces differ in lightness, so that luminance says nothing of the class; the patchwork tells the light.
    Difficulty widens the range of lights and hues and dims the colours. Colour, 24x24.
    """
    return classified(settings, CLASSES, draw_colours, "generated surfaces under coloured lights, 24x24 colour")


def draw_colours(rng: np.random.Generator, labels: Labels, difficulty: float) -> Array:
    """Pictures (n, 3, 24, 24) whose disc has the hue in ``labels``."""
    count = len(labels)
    spread = blend(0.15, 0.9, difficulty)
    hue = (labels + rng.uniform(-0.5, 0.5, count) * spread) / len(CLASSES)
    chroma = between(rng, blend(0.3, 0.18, difficulty), 0.35, count)
    disc = reflectance(hue, chroma, between(rng, 0.3, 0.7, count))
    surroundings = reflectance(
        between(rng, 0, 1, count, TILES, TILES),
        between(rng, 0, 0.2, count, TILES, TILES),
        between(rng, 0.2, 0.8, count, TILES, TILES),
    )
    tile = -(-SIZE // TILES)
    ground = np.moveaxis(surroundings.repeat(tile, axis=1).repeat(tile, axis=2), -1, 1)
    x, y = pixel_grid()
    centre = between(rng, -5, 5, 2, count)
    radius = between(rng, 4.0, 6.0, count)
    distance = np.hypot(x - column(centre[0]), y - column(centre[1])) - column(radius)
    light = np.exp(rng.normal(0, blend(0.05, 0.5, difficulty), (count, 3)))
    return grainy(rng, paint(ground, disc, coverage(distance)) * column(light), blend(0.01, 0.08, difficulty))


def reflectance(hue: Array, chroma: Array, lightness: Array) -> Array:
    """Red, green and blue reflectance (..., 3) of a hue in turns, a chroma and a lightness.

    The hue circle lies in the plane of equal luminance (BT.601 weights), so that hue and luminance are independent.
    """
    weights = np.array([0.299, 0.587, 0.114])
    first = np.cross(weights, [0.0, 0.0, 1.0])
    first /= np.linalg.norm(first)
    second = np.cross(weights, first)
    second /= np.linalg.norm(second)
    turn = 2 * np.pi * hue[..., None]
    return np.asarray(lightness[..., None] + chroma[..., None] * (np.cos(turn) * first + np.sin(turn) * second))
