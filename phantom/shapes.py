"""Analytic shapes in the body frame: columns (organs), tubes (vessels, nerves) and lobulated ellipsoids (nodes).

Body frame, mm: x to the patient's left from the midline, y to posterior, z to the head from the femoral heads' centres.
Distances are negative inside; they are first-order approximations, exact at the surface.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
Box = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""Closed ranges of x, y, z in mm."""

FloatLike = float | npt.NDArray[np.floating]
"""One height or an array of them."""

OUTSIDE_MM = 99.0
"""Distance given to points that lie beyond the ends of a column."""


@dataclass(frozen=True, eq=False)
class Column:
    """A stack of superellipses along z: knots with centre and radii, linear in between, closed at both ends."""

    knots: Points
    """(k, 5) rows of z, centre x, centre y, radius x, radius y in mm, z increasing."""

    exponent: float = 2.0
    """2 is an ellipse; larger is squarer."""

    turn_deg: float = 0.0
    """Rotation of the section about z, from x towards y."""

    def box(self) -> Box:
        """Return the bounding box."""
        z, x, y, rx, ry = self.knots.T
        reach = np.hypot(rx, ry) if self.turn_deg else None
        rx, ry = (rx, ry) if reach is None else (reach, reach)
        return (_range(x - rx, x + rx), _range(y - ry, y + ry), (float(z[0]), float(z[-1])))

    def distance_mm(self, x: Array, y: Array, z: Array) -> Array:
        """Return signed in-plane distances, broadcast over x, y, z."""
        zk, xk, yk, rxk, ryk = self.knots.T
        dx = x - np.interp(z, zk, xk).astype(np.float32)
        dy = y - np.interp(z, zk, yk).astype(np.float32)
        radius_x = np.interp(z, zk, rxk).astype(np.float32)
        radius_y = np.interp(z, zk, ryk).astype(np.float32)
        if self.turn_deg:
            cos, sin = np.float32(np.cos(np.radians(self.turn_deg))), np.float32(np.sin(np.radians(self.turn_deg)))
            dx, dy = cos * dx + sin * dy, cos * dy - sin * dx
        radial = np.sqrt(dx * dx + dy * dy)
        a, b = np.abs(dx) / radius_x, np.abs(dy) / radius_y
        if self.exponent == 2.0:
            rho = np.sqrt(a * a + b * b)
        elif self.exponent == 4.0:
            rho = np.sqrt(np.sqrt(a**2 * a**2 + b**2 * b**2))
        else:
            rho = (a**self.exponent + b**self.exponent) ** (1 / self.exponent)
        rho = np.maximum(rho, np.float32(0.05))
        distance = radial * (1 - 1 / rho)
        return np.where((z < zk[0]) | (z > zk[-1]), np.float32(OUTSIDE_MM), distance).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Tube:
    """A chain of capsules along a smooth course."""

    points: Points
    """(k, 3) x, y, z of the course in mm."""

    radii_mm: npt.NDArray[np.float64]
    """(k,) radius at each point."""

    def distance_mm(self, x: Array, y: Array, z: Array) -> Array:
        """Return signed distances, broadcast over x, y, z."""
        best = np.full(np.broadcast_shapes(x.shape, y.shape, z.shape), OUTSIDE_MM, dtype=np.float32)
        for start in range(len(self.points) - 1):
            np.minimum(best, self.segment(start, x, y, z)[0], out=best)
        return best

    def segment(self, start: int, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
        """Return the signed distances to one capsule and the position 0..1 along it."""
        a, b = self.points[start].astype(np.float32), self.points[start + 1].astype(np.float32)
        along = b - a
        length2 = max(float(along @ along), 1e-6)
        px, py, pz = x - a[0], y - a[1], z - a[2]
        t = np.clip((px * along[0] + py * along[1] + pz * along[2]) / np.float32(length2), 0, 1)
        px, py, pz = px - t * along[0], py - t * along[1], pz - t * along[2]
        r0, r1 = np.float32(self.radii_mm[start]), np.float32(self.radii_mm[start + 1])
        return np.sqrt(px * px + py * py + pz * pz) - (r0 + t * (r1 - r0)), t

    def segment_box(self, start: int, margin_mm: float) -> Box:
        """Return the bounding box of one capsule grown by a margin."""
        ends = self.points[start : start + 2]
        reach = float(self.radii_mm[start : start + 2].max()) + margin_mm
        low, high = ends.min(axis=0) - reach, ends.max(axis=0) + reach
        return tuple((float(lo), float(hi)) for lo, hi in zip(low, high, strict=True))  # type: ignore[return-value]

    def box(self, margin_mm: float = 0.0) -> Box:
        """Return the bounding box of the whole tube grown by a margin."""
        reach = float(self.radii_mm.max()) + margin_mm
        low, high = self.points.min(axis=0) - reach, self.points.max(axis=0) + reach
        return tuple((float(lo), float(hi)) for lo, hi in zip(low, high, strict=True))  # type: ignore[return-value]

    def at_height(self, z: FloatLike) -> tuple[Points, Points, Points]:
        """Return x, y and radius of the course at heights z, for a course that runs down without turning back."""
        order = np.argsort(self.points[:, 2])
        knots = self.points[order]
        x = np.interp(z, knots[:, 2], knots[:, 0])
        y = np.interp(z, knots[:, 2], knots[:, 1])
        radius = np.interp(z, knots[:, 2], self.radii_mm[order])
        return np.asarray(x), np.asarray(y), np.asarray(radius)


@dataclass(frozen=True, eq=False)
class Blob:
    """An ellipsoid with a lobulated margin: inside where |A(p - c)| < 1 + amplitude * f(direction)."""

    centre: Points
    """(3,) x, y, z in mm."""

    axes: Points
    """(3, 3) rows are unit vectors of the semi-axes."""

    semi_axes_mm: Points
    """(3,) semi-axes."""

    lobes: Points
    """(m, 4) rows of wave vector (3) and phase of the margin's ripple."""

    amplitude: float
    """Relative height of the ripple."""

    def scaled(self, factor: float) -> "Blob":
        """Return the same shape, larger or smaller."""
        return Blob(self.centre, self.axes, self.semi_axes_mm * factor, self.lobes, self.amplitude)

    def moved(self, centre: Points) -> "Blob":
        """Return the same shape around another centre."""
        return Blob(centre, self.axes, self.semi_axes_mm, self.lobes, self.amplitude)

    def reach_mm(self) -> float:
        """Return the radius of a ball that holds the shape."""
        return float(self.semi_axes_mm.max() * (1 + self.amplitude * max(len(self.lobes), 1) ** 0.5))

    def box(self, margin_mm: float = 0.0) -> Box:
        """Return the bounding box grown by a margin."""
        reach = self.reach_mm() + margin_mm
        return tuple((float(c - reach), float(c + reach)) for c in self.centre)  # type: ignore[return-value]

    def distance_mm(self, x: Array, y: Array, z: Array) -> Array:
        """Return signed distances, broadcast over x, y, z."""
        p = [np.asarray(v - c, dtype=np.float32) for v, c in zip((x, y, z), self.centre, strict=True)]
        q = [
            (p[0] * np.float32(a[0]) + p[1] * np.float32(a[1]) + p[2] * np.float32(a[2])) / np.float32(s)
            for a, s in zip(self.axes, self.semi_axes_mm, strict=True)
        ]
        rho = np.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2])
        safe = np.maximum(rho, np.float32(1e-3))
        ripple = np.zeros_like(rho)
        for kx, ky, kz, phase in self.lobes.astype(np.float32):
            ripple += np.cos((kx * q[0] + ky * q[1] + kz * q[2]) / safe + phase)
        surface = 1 + np.float32(self.amplitude) * ripple / np.float32(max(len(self.lobes), 1) ** 0.5)
        radial = np.sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2])
        return np.asarray(radial * (1 - surface / safe), dtype=np.float32)


def smooth_course(points: npt.ArrayLike, radii_mm: npt.ArrayLike, step_mm: float = 6.0) -> Tube:
    """Return a tube along a Catmull-Rom spline through the control points (k, 3) with their radii (k,)."""
    control = np.column_stack([np.asarray(points, dtype=np.float64), np.asarray(radii_mm, dtype=np.float64)])
    padded = np.vstack([2 * control[0] - control[1], control, 2 * control[-1] - control[-2]])
    rows = []
    for p0, p1, p2, p3 in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True):
        count = max(int(np.ceil(np.linalg.norm((p2 - p1)[:3]) / step_mm)), 1)
        t = (np.arange(count) / count)[:, None]
        rows.append(
            0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
        )
    course = np.vstack([*rows, control[-1:]])
    return Tube(course[:, :3], np.maximum(course[:, 3], 0.5))


def _range(low: Points, high: Points) -> tuple[float, float]:
    return float(low.min()), float(high.max())
