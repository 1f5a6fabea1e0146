"""Where the Haar cascades lie: ``cv2.data.haarcascades + "haarcascade_eye.xml"``."""

import os

haarcascades = os.path.join(os.path.dirname(__file__), "")
