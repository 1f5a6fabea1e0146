"""Where the Haar cascades lie: ``cv2.data.haarcascades + "haarcascade_eye.xml"``."""

from pathlib import Path as _Path

haarcascades = f"{_Path(__file__).parent}/"
