"""A scene as SVG that stands inside an HTML page."""

from html import escape

from runtime.report.scene import Line, Outline, Point, Scene, Text

_HATCH = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line x1="0" y1="0" x2="0" y2="6" stroke="#7d8791" stroke-width="1.6"/></pattern></defs>'
)


def to_svg(scene: Scene, title: str, description: str) -> str:
    """Return an `svg` element; title and description are what a screen reader says. The page may hold only one."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {scene.width:g} {scene.height:g}" role="img" '
        f'aria-labelledby="diagram-title diagram-description" font-family="Helvetica, Arial, sans-serif">'
        f'<title id="diagram-title">{escape(title)}</title>'
        f'<desc id="diagram-description">{escape(description)}</desc>{_HATCH}'
    )
    return head + "".join(_element(item) for item in scene.items) + "</svg>"


def _element(item: Outline | Line | Text) -> str:
    if isinstance(item, Outline):
        return _outline(item)
    if isinstance(item, Line):
        (x1, y1), (x2, y2) = item.start, item.end
        return (
            f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" stroke="{item.stroke}" '
            f'stroke-width="{_n(item.width)}"/>'
        )
    weight = ' font-weight="bold"' if item.bold else ""
    return (
        f'<text x="{_n(item.at[0])}" y="{_n(item.at[1])}" font-size="{_n(item.size)}" fill="{item.colour}" '
        f'text-anchor="{item.anchor}"{weight}>{escape(item.words)}</text>'
    )


def _outline(item: Outline) -> str:
    path = f"M{_at(item.start)}" + "".join("C" + " ".join(map(_at, curve)) for curve in item.curves) + "Z"
    stroke = f'stroke="{item.stroke}" stroke-width="{_n(item.width)}"' if item.stroke else 'stroke="none"'
    drawn = f'<path d="{path}" fill="{item.fill or "none"}" {stroke} stroke-linejoin="round"/>'
    return drawn + f'<path d="{path}" fill="url(#hatch)" stroke="none"/>' if item.hatched else drawn


def _at(point: Point) -> str:
    return f"{_n(point[0])},{_n(point[1])}"


def _n(value: float) -> str:
    """Return a coordinate with two digits behind the point at most."""
    return f"{round(value, 2) + 0.0:g}"
