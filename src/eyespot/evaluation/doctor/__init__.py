"""What a file wants to be fed, and what each mistake costs, on images with which nothing was chosen."""

from eyespot.evaluation.doctor.diagnose import data_for as data_for
from eyespot.evaluation.doctor.diagnose import diagnose as diagnose
from eyespot.evaluation.doctor.inscribe import inscribe as inscribe
