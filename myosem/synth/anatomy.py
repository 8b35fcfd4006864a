"""The muscles of a typical right forearm: where they lie and what they do.

Positions follow cross-sectional atlases of the proximal and middle forearm, sizes follow published
measurements of physiological cross-section, gains follow each muscle's textbook actions; see
``docs/simulator.md``. A muscle with separate bellies for the fingers has one head a finger.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LENGTH_MM = 260.0
"""Elbow crease to wrist crease of the forearm that the table describes."""


@dataclass(frozen=True)
class Head:
    """One muscle, or the part of it that serves one finger.

    Attributes:
        muscle: one of ``myosem.prompts.MUSCLES``.
        part: the finger it serves, or the head's name; empty for a whole muscle.
        angle_deg: place of its middle round the limb, 0 palm side, 90 ulnar, 180 back, 270 radial.
        depth_mm: its middle below the fat.
        along_mm: middle of the belly, from the elbow towards the hand.
        length_mm: length of the belly.
        size_cm2: physiological cross-section.
        gains: by pose field, how strongly it is recruited for 1 (positive) or -1 (negative).
    """

    muscle: str
    part: str
    angle_deg: float
    depth_mm: float
    along_mm: float
    length_mm: float
    size_cm2: float
    gains: Mapping[str, float]


FLEXORS = (
    Head("flexor carpi radialis", "", 345, 7, 90, 130, 2.0,
         {"wrist_flexion": 0.9, "ulnar_deviation": -0.35, "pronation": 0.25}),
    Head("palmaris longus", "", 5, 6, 80, 110, 0.9, {"wrist_flexion": 0.7, "thumb_opposition": 0.2}),
    Head("flexor carpi ulnaris", "", 70, 7, 110, 190, 3.4,
         {"wrist_flexion": 0.8, "ulnar_deviation": 0.8}),
    Head("flexor digitorum superficialis", "index", 2, 15, 145, 120, 1.6,
         {"index": 0.9, "middle": 0.15, "wrist_flexion": 0.2}),
    Head("flexor digitorum superficialis", "middle", 18, 11, 115, 160, 2.5,
         {"middle": 0.9, "index": 0.15, "ring": 0.15, "wrist_flexion": 0.3}),
    Head("flexor digitorum superficialis", "ring", 36, 11, 115, 160, 1.9,
         {"ring": 0.9, "middle": 0.15, "little": 0.2, "wrist_flexion": 0.25, "spread": -0.15}),
    Head("flexor digitorum superficialis", "little", 50, 15, 140, 120, 0.8,
         {"little": 0.9, "ring": 0.2, "wrist_flexion": 0.15, "spread": -0.2}),
    Head("flexor digitorum profundus", "index", 42, 22, 125, 170, 1.7,
         {"index": 0.6, "middle": 0.1, "wrist_flexion": 0.1}),
    Head("flexor digitorum profundus", "middle", 62, 20, 120, 180, 2.2,
         {"middle": 0.6, "index": 0.1, "ring": 0.25, "wrist_flexion": 0.1}),
    Head("flexor digitorum profundus", "ring", 82, 17, 115, 180, 1.8,
         {"ring": 0.6, "middle": 0.25, "little": 0.25, "wrist_flexion": 0.1}),
    Head("flexor digitorum profundus", "little", 98, 15, 115, 170, 1.9,
         {"little": 0.6, "ring": 0.3, "wrist_flexion": 0.1}),
    Head("flexor pollicis longus", "", 333, 19, 150, 140, 2.1,
         {"thumb_flexion": 1.0, "thumb_opposition": 0.35, "thumb_abduction": -0.4, "wrist_flexion": 0.1}),
    Head("pronator teres", "", 318, 8, 65, 110, 4.1, {"pronation": 0.9, "wrist_flexion": 0.1}),
    Head("pronator quadratus", "", 0, 20, 235, 45, 2.1, {"pronation": 0.9}),
)  # fmt: skip

EXTENSORS = (
    Head("extensor carpi radialis", "longus", 262, 7, 65, 120, 1.5,
         {"wrist_flexion": -0.7, "ulnar_deviation": -0.8}),
    Head("extensor carpi radialis", "brevis", 238, 9, 95, 140, 2.7,
         {"wrist_flexion": -0.9, "ulnar_deviation": -0.35}),
    Head("extensor carpi ulnaris", "", 148, 8, 110, 170, 2.6,
         {"wrist_flexion": -0.7, "ulnar_deviation": 0.85, "pronation": -0.15}),
    Head("extensor digitorum", "index", 221, 9, 115, 140, 0.6,
         {"index": -0.9, "middle": -0.15, "wrist_flexion": -0.3, "spread": 0.3}),
    Head("extensor digitorum", "middle", 207, 8, 105, 150, 1.0,
         {"middle": -0.9, "index": -0.15, "ring": -0.2, "wrist_flexion": -0.35, "spread": 0.2}),
    Head("extensor digitorum", "ring", 193, 8, 105, 150, 0.9,
         {"ring": -0.9, "middle": -0.2, "little": -0.25, "wrist_flexion": -0.3, "spread": 0.2}),
    Head("extensor digitorum", "little", 181, 9, 115, 140, 0.5,
         {"little": -0.8, "ring": -0.25, "wrist_flexion": -0.2, "spread": 0.3}),
    Head("extensor digiti minimi", "", 169, 8, 120, 150, 0.6,
         {"little": -0.8, "wrist_flexion": -0.15, "spread": 0.45}),
    Head("extensor indicis", "", 172, 17, 180, 90, 0.6, {"index": -0.8, "wrist_flexion": -0.1}),
    Head("extensor pollicis longus", "", 188, 16, 155, 120, 1.0,
         {"thumb_flexion": -0.8, "thumb_abduction": -0.5, "wrist_flexion": -0.1}),
    Head("extensor pollicis brevis", "", 212, 16, 180, 90, 0.5,
         {"thumb_flexion": -0.5, "thumb_abduction": 0.4, "ulnar_deviation": -0.1}),
    Head("abductor pollicis longus", "", 218, 15, 150, 130, 1.9,
         {"thumb_abduction": 0.9, "thumb_opposition": 0.3, "thumb_flexion": -0.2, "ulnar_deviation": -0.3}),
    Head("supinator", "", 245, 18, 55, 80, 3.4, {"pronation": -0.9}),
    Head("brachioradialis", "", 288, 7, 60, 170, 1.3, {"pronation": -0.3, "ulnar_deviation": -0.15}),
)  # fmt: skip

HEADS: tuple[Head, ...] = FLEXORS + EXTENSORS
