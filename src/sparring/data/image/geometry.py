"""Crop and fit rectangles between aspect ratios; sizes are (height, width)."""

HeightWidth = tuple[int, int]


def centre_crop(image: HeightWidth, frame: HeightWidth) -> tuple[int, int, int, int]:
    """Top, left, height and width of the largest centred part of the image with the frame's aspect ratio."""
    scale = min(image[0] / frame[0], image[1] / frame[1])
    height, width = (max(1, min(side, round(scale * of))) for side, of in zip(image, frame, strict=True))
    return (image[0] - height) // 2, (image[1] - width) // 2, height, width


def fit_inside(image: HeightWidth, frame: HeightWidth) -> HeightWidth:
    """Height and width of the image scaled to fit inside the frame."""
    scale = min(frame[0] / image[0], frame[1] / image[1])
    return max(1, min(frame[0], round(scale * image[0]))), max(1, min(frame[1], round(scale * image[1])))
