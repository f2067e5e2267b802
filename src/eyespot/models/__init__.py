"""The model cards, in the order of the Model List. Adding a model is adding its card here."""

from eyespot.models.resnet import TINY_RESNET

MODELS = (TINY_RESNET,)
