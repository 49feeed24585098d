"""The demo products' logos: drawn tiles, twelve shapes on a gradient of any hue, pure SVG without styles."""

import colorsys
from html import escape

_STROKE = 'fill="none" stroke="#fff" stroke-width="7" stroke-linecap="round" stroke-linejoin="round"'

SHAPES: dict[str, str] = {
    "bars": '<g fill="#fff"><rect x="32" y="58" width="13" height="30" rx="4"/><rect x="53.500" y="36" width="13" '
    'height="52" rx="4"/><rect x="75" y="48" width="13" height="40" rx="4"/></g>',
    "wave": f'<path d="M28 66c11-26 21-26 32-6s21 20 32-6" {_STROKE}/>',
    "hex": f'<path d="M60 30l26 15v30L60 90 34 75V45z" {_STROKE}/><path d="M60 90V60l26-15M60 60L34 45" {_STROKE}/>',
    "ring": f'<circle cx="58" cy="62" r="24" {_STROKE}/><circle cx="84" cy="38" r="8" fill="#fff"/>',
    "leaf": f'<path d="M34 84c0-32 18-50 52-50 0 34-18 50-46 44" {_STROKE}/><path d="M34 88c8-18 18-28 32-36" {_STROKE}/>',
    "shield": f'<path d="M60 28l28 10v20c0 17-11 28-28 34-17-6-28-17-28-34V38z" {_STROKE}/>'
    f'<path d="M48 60l9 9 16-17" {_STROKE}/>',
    "spark": '<path d="M60 26l9 25 25 9-25 9-9 25-9-25-25-9 25-9z" fill="#fff"/>',
    "grid": '<g fill="#fff"><rect x="32" y="32" width="24" height="24" rx="6"/><rect x="64" y="32" width="24" height="24" '
    'rx="6" fill-opacity=".7"/><rect x="32" y="64" width="24" height="24" rx="6" fill-opacity=".7"/>'
    '<rect x="64" y="64" width="24" height="24" rx="6"/></g>',
    "layers": f'<path d="M60 30l32 17-32 17-32-17z" fill="#fff"/><path d="M28 62l32 17 32-17" {_STROKE}/>'
    f'<path d="M28 77l32 17 32-17" {_STROKE} stroke-opacity=".6"/>',
    "bolt": '<path d="M66 24L36 66h20l-4 30 32-44H63z" fill="#fff"/>',
    "cube": f'<path d="M60 28l28 16v32L60 92 32 76V44z" {_STROKE}/><path d="M32 44l28 16 28-16M60 60v32" {_STROKE}/>',
    "orbit": f'<ellipse cx="60" cy="60" rx="36" ry="15" transform="rotate(-28 60 60)" {_STROKE}/>'
    '<circle cx="60" cy="60" r="11" fill="#fff"/>',
}


def _colour(hue: int, lightness: float) -> str:
    red, green, blue = colorsys.hls_to_rgb(hue % 360 / 360, lightness, 0.68)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def logo_svg(shape: str, hue: int, initials: str) -> str:
    """A 120 by 120 tile: `shape` in white on a gradient of `hue` (0 to 359); `initials` is its name for readers.

    Raises:
        KeyError: no such shape.
    """
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120" role="img">'
        f"<title>{escape(initials)}</title>"
        '<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1">'
        f'<stop stop-color="{_colour(hue, 0.48)}"/><stop offset="1" stop-color="{_colour(hue + 18, 0.3)}"/>'
        "</linearGradient></defs>"
        f'<rect width="120" height="120" rx="28" fill="url(#g)"/>{SHAPES[shape]}</svg>'
    )
