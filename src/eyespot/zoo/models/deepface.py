"""Deepface-emotion: the facial expression network of deepface."""

from eyespot.preprocessing.spec import Preprocessing
from eyespot.zoo.cards import Augmentation, Model, Quantization, Recipe, Reference, Teacher
from eyespot.zoo.models.publishers import nxp

_AUGMENTATION = Augmentation(shift=4, flip=True, rotation=12.0, zoom=0.1, exposure=0.2, cutout=12, jpeg=0.1)

DEEPFACE_EMOTION = Model(
    name="deepface-emotion",
    title="Deepface-emotion",
    architecture="CNN",
    backbone="Custom",
    network="eyespot.networks.deepface:DeepFace",
    data="fer2013",
    preprocessing=Preprocessing(height=48, width=48, order="gray", mean=(128.0,), std=(64.0,)),
    recipe=Recipe(
        epochs=120,
        batch=128,
        peak=0.08,
        warmup=0.15,
        momentum=0.9,
        weight_decay=3e-4,
        averaging=0.999,
        label_smoothing=0.0,
        augmentation=_AUGMENTATION,
        norms=True,
        teacher=Teacher(
            network="eyespot.networks.wide:four_stages",
            recipe=Recipe(
                epochs=24,
                batch=128,
                peak=0.1,
                warmup=0.2,
                momentum=0.9,
                weight_decay=5e-4,
                averaging=0.99,
                label_smoothing=0.1,
                augmentation=_AUGMENTATION,
            ),
            temperature=3.0,
            weight=0.9,
            views=6,
            members=3,
        ),
    ),
    quantization=Quantization(ranges="percentile"),  # on PublicTest: docs/training-log.md
    parameters=1_485_831,
    operations=58_500_000,
    weights=(),
    references=(
        *nxp(
            float32="0.57",
            int8="TODO",
            operations="58.5M",
            parameters="1.49",
            float32_size="5.8MB",
            int8_size="1.5MB",
            compatibility="i.MX 8M Plus, i.MX 93",
        ),
        Reference(
            publisher="NXP",
            quantity="top-1 int8, the model's own page",
            value="0.568",
            source="NXP eIQ Model Zoo 1.5, tasks/vision/classification/deepface-emotion/README.md",
            date="2025-09-15",
        ),
    ),
    paper="Serengil and Ozpinar, HyperExtended LightFace: A Facial Attribute Analysis Framework, ICEET 2021; "
    "data: Goodfellow et al., Challenges in Representation Learning, ICONIP 2013, arXiv:1307.0414",
    licence="Apache-2.0",
    terms="We trained the weights; they are Apache-2.0. Kaggle's terms apply to FER2013, and you may not "
    "redistribute it. Its labels are unreliable: people agree with about 65 % of them. A face does not show "
    "what a person feels. The EU AI Act prohibits inferring emotions at work and in education, except for "
    "medical or safety reasons (article 5(1)(f)). It classifies other emotion recognition as high-risk "
    "(annex III).",
    differs="NXP's recipe calibrates on test images. The folder that it downloads mixes PublicTest and "
    "PrivateTest, so its figure cannot be reproduced from that folder.",
)
