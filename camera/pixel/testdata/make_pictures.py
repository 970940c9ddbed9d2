"""Makes pictures/: tiny pictures of every kind, and beside each NAME.want.png,
what a correct reader sees. Needs pillow, numpy and opencv-python-headless.

    python3 make_pictures.py
"""
import io
import pathlib
import struct
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps

OUT = pathlib.Path(__file__).parent / "pictures"
W, H = 21, 13


def scene(w=W, h=H):
    """An asymmetric picture: smooth colour, a dark corner and a bright bar."""
    y, x = np.mgrid[0:h, 0:w].astype(float)
    rgb = np.stack([40 + 190 * x / w, 30 + 200 * y / h, 220 - 8 * (x + y)], -1)
    rgb[: h // 3, : w // 4] = (10, 10, 30)
    rgb[h // 2, w // 2 :] = (250, 240, 20)
    return np.clip(rgb, 0, 255).round().astype(np.uint8)


def opacity(w=W, h=H):
    y, x = np.mgrid[0:h, 0:w]
    return ((x * 255) // (w - 1)).astype(np.uint8)


def over_white(values, alpha, one):
    """Lays values over white; both in 0..one; gives 8 bits, rounded."""
    v, a = values.astype(float), alpha.astype(float)[..., None]
    return np.floor((v * a + one * (one - a)) / one / one * 255 + 0.5).astype(np.uint8)


def save(name, data, want):
    (OUT / name).write_bytes(data)
    Image.fromarray(want).save(OUT / (name + ".want.png"), optimize=True)


def encode(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def seen(data):
    """What Pillow sees, upright."""
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


def exif(orientation):
    e = Image.Exif()
    e[0x010F] = "a maker with a long name, so that it is stored apart"
    e[0x0112] = orientation
    return e.tobytes()


def jpegs():
    rgb = scene()
    picture = Image.fromarray(rgb)
    for name, options in {
        "420": dict(subsampling=2),
        "422": dict(subsampling=1),
        "444": dict(subsampling=0),
        "progressive": dict(subsampling=2, progressive=True),
        "restart": dict(subsampling=2, restart_marker_blocks=1),
        "rgb": dict(keep_rgb=True),
    }.items():
        data = encode(picture, format="JPEG", quality=92, **options)
        save(f"{name}.jpg", data, seen(data))
    for name, factor in {
        "440": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440,
        "411": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411,
    }.items():
        ok, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor])
        save(f"{name}.jpg", data.tobytes(), seen(data.tobytes()))
    data = encode(picture.convert("L"), format="JPEG", quality=92)
    save("grey.jpg", data, seen(data))
    one = encode(picture.resize((1, 1)), format="JPEG")
    save("1x1.jpg", one, seen(one))

    # Adobe's CMYK, stored inverted, with black doing part of the work.
    k = 255 - rgb.max(-1).astype(int)
    light = np.maximum(255 - k, 1)[..., None]
    cmy = (255 - rgb.astype(int) * 255 // light).clip(0, 255)
    cmyk = np.concatenate([cmy, k[..., None]], -1).astype(np.uint8)
    data = encode(Image.fromarray(cmyk, "CMYK"), format="JPEG", quality=95)
    save("cmyk.jpg", data, seen(data))

    # YCCK: the same marker with another transform, YCbCr of the inverted CMY
    # in the first three channels. Pillow inverts what it is given.
    ycc = np.asarray(Image.fromarray((255 - cmy).astype(np.uint8)).convert("YCbCr"))
    raw = np.concatenate([255 - ycc, k[..., None].astype(np.uint8)], -1)
    data = encode(Image.fromarray(raw, "CMYK"), format="JPEG", quality=95)
    adobe = data.index(b"Adobe")
    data = data[: adobe + 11] + b"\x02" + data[adobe + 12 :]
    save("ycck.jpg", data, seen(data))

    for o in range(1, 9):
        data = encode(picture, format="JPEG", quality=92, subsampling=0, exif=exif(o))
        save(f"orientation{o}.jpg", data, seen(data))
    data = encode(picture, format="JPEG", quality=92, subsampling=2, exif=exif(6))
    save("orientation6_420.jpg", data, seen(data))


def chunk(kind, payload):
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def png_file(width, height, depth, colour, rows, interlaced=False, before=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + before
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def adam7(rgb):
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for x0, y0, dx, dy in passes:
        part = rgb[y0::dy, x0::dx]
        if part.size:
            rows += b"".join(b"\x00" + line.tobytes() for line in part)
    return rows


def pngs():
    rgb, alpha = scene(), opacity()
    rgba = np.dstack([rgb, alpha])
    grey = rgb[..., 1]
    dull = np.dstack([grey] * 3)
    png = dict(format="PNG", optimize=True)
    save("rgb.png", encode(Image.fromarray(rgb), **png), rgb)
    save("rgba.png", encode(Image.fromarray(rgba), **png), over_white(rgb, alpha, 255))
    save("grey.png", encode(Image.fromarray(grey), **png), dull)
    la = Image.fromarray(np.dstack([grey, alpha]), "LA")
    save("grey_alpha.png", encode(la, **png), over_white(dull, alpha, 255))
    for bits in (1, 2, 4):
        top = 2**bits - 1
        v = (grey.astype(int) * top // 255).astype(np.uint8)
        rows = b""
        for line in v:
            text = "".join(f"{n:0{bits}b}" for n in line)
            text += "0" * (-len(text) % 8)
            rows += b"\x00" + int(text, 2).to_bytes(len(text) // 8, "big")
        save(f"grey{bits}bit.png", png_file(W, H, bits, 0, rows), np.dstack([v * (255 // top)] * 3))

    palette = Image.fromarray(rgb).quantize(16)
    save("palette.png", encode(palette, **png), np.asarray(palette.convert("RGB")))
    tones = bytes(range(0, 256, 16))
    clear = np.asarray(palette.convert("RGB")), np.frombuffer(tones, np.uint8)[np.asarray(palette)]
    save("palette_alpha.png", encode(palette, transparency=tones, **png), over_white(*clear, 255))
    # One grey level and one colour that count as clear.
    rows = b"".join(b"\x00" + line.tobytes() for line in grey)
    level = int(grey[5, 5])
    key = chunk(b"tRNS", struct.pack(">H", level))
    save("grey_key.png", png_file(W, H, 8, 0, rows, before=key), np.where(dull == level, 255, dull).astype(np.uint8))
    save("interlaced.png", png_file(W, H, 8, 2, adam7(rgb), interlaced=True), rgb)

    y, x = np.mgrid[0:H, 0:W]
    wide = np.stack([x * 3000 + 17, y * 5000 + 99, 65535 - (x + y) * 1900], -1).astype(np.uint16)
    wide[0, 0] = 65535
    wide[0, 1] = 0
    down = lambda v: np.floor(v.astype(float) * 255 / 65535 + 0.5).astype(np.uint8)
    rows = b"".join(b"\x00" + line.astype(">u2").tobytes() for line in wide)
    save("rgb16.png", png_file(W, H, 16, 2, rows), down(wide))
    rows = b"".join(b"\x00" + line.astype(">u2").tobytes() for line in wide[..., 0])
    save("grey16.png", png_file(W, H, 16, 0, rows), down(np.dstack([wide[..., 0]] * 3)))
    alpha16 = (x * 65535 // (W - 1)).astype(np.uint16)
    rows = b"".join(b"\x00" + line.astype(">u2").tobytes() for line in np.dstack([wide, alpha16]))
    save("rgba16.png", png_file(W, H, 16, 6, rows), over_white(wide, alpha16, 65535))

    frames = [Image.fromarray(rgb), Image.fromarray(255 - rgb)]
    data = encode(frames[0], save_all=True, append_images=frames[1:], duration=100, **png)
    save("animated.png", data, rgb)
    data = encode(Image.fromarray(rgb), exif=exif(6), **png)
    save("orientation6.png", data, seen(data))


def riff(*parts):
    body = b"WEBP"
    for kind, payload in parts:
        body += kind + struct.pack("<I", len(payload)) + payload + b"\x00" * (len(payload) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff_parts(data):
    at, parts = 12, {}
    while at + 8 <= len(data):
        kind, n = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        parts[kind] = data[at + 8 : at + 8 + n]
        at += 8 + n + n % 2
    return parts


def u24(n):
    return struct.pack("<I", n)[:3]


def webps():
    rgb, alpha = scene(), opacity()
    picture = Image.fromarray(rgb)
    clear = Image.fromarray(np.dstack([rgb, alpha]))
    lossy = encode(picture, format="WEBP", quality=90)
    save("lossy.webp", lossy, seen(lossy))
    save("lossless.webp", encode(picture, format="WEBP", lossless=True), rgb)
    data = encode(clear, format="WEBP", lossless=True, exact=True)
    save("lossless_alpha.webp", data, over_white(rgb, alpha, 255))
    for name, options in {"lossy_alpha": dict(alpha_quality=100), "lossy_alpha_coarse": dict(alpha_quality=40)}.items():
        data = encode(clear, format="WEBP", quality=90, **options)
        got = np.asarray(Image.open(io.BytesIO(data)))
        save(f"{name}.webp", data, over_white(got[..., :3], got[..., 3], 255))
    for o in (6, 3):
        data = encode(picture, format="WEBP", quality=90, exif=exif(o))
        save(f"orientation{o}.webp", data, seen(data))

    frames = [picture, Image.fromarray(255 - rgb)]
    data = encode(frames[0], format="WEBP", save_all=True, append_images=frames[1:], duration=100, quality=90)
    save("animated.webp", data, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    data = encode(clear, format="WEBP", save_all=True, append_images=frames[1:], duration=100, lossless=True, exact=True)
    first = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    save("animated_alpha.webp", data, over_white(first[..., :3], first[..., 3], 255))

    # A first frame that covers a part of the canvas only.
    width, height, x, y = 32, 24, 6, 4
    still = riff_parts(lossy)[b"VP8 "]
    inner = b"VP8 " + struct.pack("<I", len(still)) + still + b"\x00" * (len(still) % 2)
    frame = u24(x // 2) + u24(y // 2) + u24(W - 1) + u24(H - 1) + u24(100) + b"\x00" + inner
    data = riff(
        (b"VP8X", b"\x12\x00\x00\x00" + u24(width - 1) + u24(height - 1)),
        (b"ANIM", b"\x00\x00\x00\x00\x00\x00"),
        (b"ANMF", frame),
        (b"ANMF", frame),
    )
    want = np.full((height, width, 3), 255, np.uint8)
    want[y : y + H, x : x + W] = seen(lossy)
    save("animated_part.webp", data, want)


OUT.mkdir(exist_ok=True)
for old in OUT.iterdir():
    old.unlink()
jpegs()
pngs()
webps()
