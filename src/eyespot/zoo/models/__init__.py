"""The model cards, in the order of the Model List. To add a model, add its card here."""

from eyespot.zoo.models.deepface import DEEPFACE_EMOTION
from eyespot.zoo.models.efficientnet_lite import EFFICIENTNET_LITE0
from eyespot.zoo.models.mnasnet import MNASNET
from eyespot.zoo.models.mobilenet import MOBILENET_V1, MOBILENET_V2, VISUAL_WAKE_WORD
from eyespot.zoo.models.resnet import TINY_RESNET

MODELS = (
    DEEPFACE_EMOTION,
    MOBILENET_V1,
    TINY_RESNET,
    VISUAL_WAKE_WORD,
    MOBILENET_V2,
    MNASNET,
    EFFICIENTNET_LITE0,
)
