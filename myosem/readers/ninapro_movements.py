"""What the numbers of NinaPro's labels mean: its exercises A to D and the grasps of DB6, DB8 and DB10.

The movements are those of NinaPro's instruction pages, in their order and words.
"""

from myosem.readers.parse import Label

REST: Label = ("rest", "rest")

EXERCISES: dict[str, tuple[Label, ...]] = {
    "A": (
        ("index flexion", "index-flexion"),
        ("index extension", "index-extension"),
        ("middle flexion", "middle-flexion"),
        ("middle extension", "middle-extension"),
        ("ring flexion", "ring-flexion"),
        ("ring extension", "ring-extension"),
        ("little finger flexion", "little-flexion"),
        ("little finger extension", "little-extension"),
        ("thumb adduction", "thumb-adduction"),
        ("thumb abduction", "thumb-abduction"),
        ("thumb flexion", "thumb-flexion"),
        ("thumb extension", "thumb-extension"),
    ),
    "B": (
        ("thumb up", "thumbs-up"),
        ("extension of index and middle, flexion of the others", "index-middle-extension"),
        ("flexion of ring and little finger, extension of the others", "index-middle-thumb-extension"),
        ("thumb opposing base of little finger", "thumb-little-opposition"),
        ("abduction of all fingers", "finger-abduction"),
        ("fingers flexed together in fist", "fist"),
        ("pointing index", "point"),
        ("adduction of extended fingers", "finger-adduction"),
        ("wrist supination (axis: middle finger)", "supination"),
        ("wrist pronation (axis: middle finger)", "pronation"),
        ("wrist supination (axis: little finger)", "supination-little-axis"),
        ("wrist pronation (axis: little finger)", "pronation-little-axis"),
        ("wrist flexion", "wrist-flexion"),
        ("wrist extension", "wrist-extension"),
        ("wrist radial deviation", "radial-deviation"),
        ("wrist ulnar deviation", "ulnar-deviation"),
        ("wrist extension with closed hand", "wrist-extension-fist"),
    ),
    "C": (
        ("large diameter grasp", "large-diameter-grasp"),
        ("small diameter grasp (power grip)", "small-diameter-grasp"),
        ("fixed hook grasp", "fixed-hook-grasp"),
        ("index finger extension grasp", "index-extension-grasp"),
        ("medium wrap", "medium-wrap"),
        ("ring grasp", "ring-grasp"),
        ("prismatic four fingers grasp", "prismatic-four-finger-grasp"),
        ("stick grasp", "stick-grasp"),
        ("writing tripod grasp", "writing-grasp"),
        ("power sphere grasp", "power-sphere-grasp"),
        ("three finger sphere grasp", "three-finger-sphere-grasp"),
        ("precision sphere grasp", "precision-sphere-grasp"),
        ("tripod grasp", "tripod-grasp"),
        ("prismatic pinch grasp", "prismatic-pinch-grasp"),
        ("tip pinch grasp", "tip-pinch-grasp"),
        ("quadpod grasp", "quadpod-grasp"),
        ("lateral grasp", "lateral-grasp"),
        ("parallel extension grasp", "parallel-extension-grasp"),
        ("extension type grasp", "extension-type-grasp"),
        ("power disk grasp", "power-disk-grasp"),
        ("open a bottle with a tripod grasp", "open-bottle-tripod"),
        ("turn a screw", "turn-screw"),
        ("cut something", "cut-with-knife"),
    ),
    "D": (
        ("force: flexion of the little finger", "little-press"),
        ("force: flexion of the ring finger", "ring-press"),
        ("force: flexion of the middle finger", "middle-press"),
        ("force: flexion of the index finger", "index-press"),
        ("force: abduction of the thumb", "thumb-abduction-press"),
        ("force: flexion of the thumb", "thumb-flexion-press"),
        ("force: flexion of index and little finger", "index-little-press"),
        ("force: flexion of ring and middle finger", "ring-middle-press"),
        ("force: flexion of index finger and thumb", "index-thumb-press"),
    ),
}

# DB6 writes grasps as 1, 3, 4, 6, 9, 10, 11 and no page at hand says which is which: they stay numbers.
DB6_GRASPS: dict[int, Label] = {number: (f"grasp {number}", None) for number in (1, 3, 4, 6, 9, 10, 11)}

# DB8's first five bend and straighten (or spread and close) a finger to and fro: no single action.
DB8_MOVEMENTS: dict[int, Label] = {
    1: ("thumb flexion and extension", None),
    2: ("thumb abduction and adduction", None),
    3: ("index finger flexion and extension", None),
    4: ("middle finger flexion and extension", None),
    5: ("combined ring and little finger flexion and extension", None),
    6: ("index pointer", "point"),
    7: ("cylindrical grip", "medium-wrap"),
    8: ("lateral grip", "lateral-grasp"),
    9: ("tripod grip", "tripod-grasp"),
}

# In the order of Cognolato et al. (2020); two of the ten have no entry among the actions.
DB10_GRASPS: dict[int, Label] = {
    1: ("medium wrap", "medium-wrap"),
    2: ("lateral", "lateral-grasp"),
    3: ("parallel extension", "parallel-extension-grasp"),
    4: ("tripod grasp", "tripod-grasp"),
    5: ("power sphere", "power-sphere-grasp"),
    6: ("precision disk", None),
    7: ("prismatic pinch", "prismatic-pinch-grasp"),
    8: ("index finger extension grasp", "index-extension-grasp"),
    9: ("adducted thumb", None),
    10: ("prismatic four finger", "prismatic-four-finger-grasp"),
}


def exercise_labels(exercises: str, number: int) -> tuple[tuple[Label, ...], int]:
    """Movements of the ``number``-th (from 1) of a data set's exercises, and how many come before them.

    Args:
        exercises: letters in the data set's order, e.g. ``ABC``.
        number: which of them a file holds.
    """
    before = sum(len(EXERCISES[letter]) for letter in exercises[: number - 1])
    return EXERCISES[exercises[number - 1]], before
