"""A part of a page in which a model runs: on a picture, a camera's frames, and with the mistakes that boards make.

part = write(site / "playground", file, contract, address="../playground/")
whole("title", part, style=STYLE.read_text("utf-8"), allowed=allowed())
"""

from eyespot.site.playground.runtime import allowed as allowed
from eyespot.site.playground.write import STYLE as STYLE
from eyespot.site.playground.write import write as write
