"""An extension that is compiled for each Python."""

from hello_each._hello import compiled_for as compiled_for
from hello_each._hello import twice as twice
