"""Pictures of all judged candidates: predicted source against transfer, and latency against energy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from archlock.report.page_text import SI_PREFIXES, plain, si, si_exponent
from archlock.report.pictures import Scale, label, node, number, picture, titled, x_axis, y_axis
from archlock.report.record import CandidatePoint

WIDTH, HEIGHT = 500.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 490.0, 34.0, 338.0
MAX_DOTS = 3000
LABEL_HEIGHT = 13.0
Place = Callable[[CandidatePoint], tuple[float, float]]
ON_TOP = {"twin": 1, "locked": 2}
"""Where marks coincide, the locked model is the one to be seen."""
ROLE_CLASSES = {"locked": "locked", "twin": "twin"}


def front_picture(candidates: Sequence[CandidatePoint]) -> Markup:
    """Predicted source (right is better) against predicted transfer (down is safer)."""
    x = Scale.over([point.source for point in candidates], LEFT, RIGHT)
    y = Scale.over([point.transfer for point in candidates], BOTTOM, TOP)
    drawn = x_axis(x, TOP, BOTTOM, "predicted source metric, right is better")
    drawn += y_axis(y, LEFT, RIGHT, "predicted transfer score, lower is safer")
    drawn.append(_staircase(candidates, x, y))
    drawn += _marks(candidates, lambda point: (x(point.source), y(point.transfer)), _describe)
    return picture(WIDTH, HEIGHT, _front_description(candidates), drawn)


def cost_picture(candidates: Sequence[CandidatePoint], budgets: Mapping[str, float]) -> Markup:
    """Modelled latency against energy, with the budgets that were set as dashed lines."""
    latencies, energies = ([point.latency_s for point in candidates], [point.energy_j for point in candidates])
    latency_limit, energy_limit = budgets.get("latency_s"), budgets.get("energy_j")
    x = Scale.over([*latencies, *([latency_limit] if latency_limit is not None else [])], LEFT, RIGHT)
    y = Scale.over([*energies, *([energy_limit] if energy_limit is not None else [])], BOTTOM, TOP)
    time, work = si_exponent(max(latencies, default=1.0)), si_exponent(max(energies, default=1.0))
    drawn = x_axis(x, TOP, BOTTOM, f"modelled latency, {SI_PREFIXES[time]}s", 10.0**time)
    drawn += y_axis(y, LEFT, RIGHT, f"modelled energy, {SI_PREFIXES[work]}J", 10.0**work)
    drawn += _marks(candidates, lambda point: (x(point.latency_s), y(point.energy_j)), _describe)
    if latency_limit is not None:
        drawn.append(node("path", class_="budget", d=f"M{number(x(latency_limit))} {TOP}V{BOTTOM}"))
        drawn.append(
            label(x(latency_limit) - 4, TOP + 10, f"budget {si(latency_limit, 's')}", "budget-label halo", "end")
        )
    if energy_limit is not None:
        drawn.append(node("path", class_="budget", d=f"M{LEFT} {number(y(energy_limit))}H{RIGHT}"))
        drawn.append(label(LEFT + 4, y(energy_limit) - 4, f"budget {si(energy_limit, 'J')}", "budget-label halo"))
    return picture(WIDTH, HEIGHT, f"Modelled latency against modelled energy of {len(candidates)} candidates.", drawn)


def _front_description(candidates: Sequence[CandidatePoint]) -> str:
    admissible = sum(point.admissible for point in candidates)
    front = sum(point.front for point in candidates)
    return (
        f"Predicted source metric against predicted transfer score of {len(candidates)} candidates: "
        f"{admissible} admissible, {front} on the Pareto front."
    )


def _staircase(candidates: Sequence[CandidatePoint], x: Scale, y: Scale) -> Element:
    """The front seen in these two objectives: front members that no other beats in both."""
    steps: list[tuple[float, float]] = []
    for point in sorted((p for p in candidates if p.front), key=lambda p: (-p.source, p.transfer)):
        if not steps or point.transfer < steps[-1][1]:
            steps.append((point.source, point.transfer))
    places = [(number(x(source)), number(y(transfer))) for source, transfer in steps]
    path = "".join(f"M{px} {py}" if not i else f"V{py}H{px}" for i, (px, py) in enumerate(places))
    return node("path", class_="front-line", d=path)


def _marks(
    candidates: Sequence[CandidatePoint], place: Place, describe: Callable[[CandidatePoint], str]
) -> list[Element]:
    """Dots of the crowd as three paths, rings for the front, and named marks for the models of a role."""
    crowd = [point for point in candidates if not point.front and point.role is None]
    crowd = crowd[:: 1 + len(crowd) // MAX_DOTS]
    drawn = [
        _dots([place(p) for p in crowd if not p.admissible], "dot out"),
        _dots([place(p) for p in crowd if p.admissible], "dot in"),
    ]
    for point in candidates:
        if point.front and point.role is None:
            px, py = place(point)
            drawn.append(titled(node("circle", class_="dot front", cx=px, cy=py, r=3.6), describe(point)))
    named = sorted((p for p in candidates if p.role is not None), key=lambda p: ON_TOP.get(p.role or "", -1))
    for point in named:
        drawn.append(_role_mark(point, *place(point), describe(point)))
    return drawn + _role_labels(named, place)


def _dots(places: Sequence[tuple[float, float]], style: str) -> Element:
    """Many dots as one path of zero-length strokes, which keeps the page small."""
    return node("path", class_=style, d="".join(f"M{number(x)} {number(y)}h0" for x, y in places))


def _role_mark(point: CandidatePoint, x: float, y: float, title: str) -> Element:
    style = f"mark {ROLE_CLASSES.get(point.role or '', 'other')}"
    if point.role == "locked":
        return titled(node("circle", class_=style, cx=x, cy=y, r=5.5), title)
    if point.role == "twin":
        return titled(node("rect", class_=style, x=x - 6.5, y=y - 6.5, width=13.0, height=13.0), title)
    corners = f"M{number(x)} {number(y - 6)}L{number(x + 5.5)} {number(y + 4)}H{number(x - 5.5)}Z"
    return titled(node("path", class_=style, d=corners), title)


def _role_labels(named: Sequence[CandidatePoint], place: Place) -> list[Element]:
    """Names beside the marks, pushed down where they would overlap."""
    drawn: list[Element] = []
    lowest = {"start": -LABEL_HEIGHT, "end": -LABEL_HEIGHT}
    for point in sorted(named, key=lambda each: place(each)[1]):
        x, y = place(point)
        anchor = "end" if x > 0.62 * WIDTH else "start"
        lowest[anchor] = max(y + 4, lowest[anchor] + LABEL_HEIGHT)
        offset = -11 if anchor == "end" else 11
        drawn.append(label(x + offset, lowest[anchor], point.role or "", "role halo", anchor))
    return drawn


def _describe(point: CandidatePoint) -> str:
    state = "admissible" if point.admissible else "not admissible"
    return (
        f"{point.role or 'candidate'} {point.id}: source {plain(point.source)}, transfer {plain(point.transfer)}, "
        f"after one edit {plain(point.robust)} (predicted); {si(point.latency_s, 's')}, {si(point.energy_j, 'J')} "
        f"(modelled); {state}"
    )
