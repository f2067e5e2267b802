"""What a data set holds and what to mend in it, before anything trains on it."""

from eyespot.data.inspected import Inspection as Inspection
from eyespot.data.inspection.engine import inspect as inspect
from eyespot.data.inspection.engine import quick as quick
from eyespot.data.inspection.engine import sheets as sheets
from eyespot.data.inspection.features import default as default
from eyespot.data.inspection.features import extractor as extractor
