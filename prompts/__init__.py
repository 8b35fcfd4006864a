"""What actions mean: pose, muscles and views in words, written as YAML and checked on loading."""

from myosem.prompts.load import (
    action_for_name,
    load_actions,
    load_unrelated,
    read_file,
    texts_of,
    without_actions,
)
from myosem.prompts.schema import GROUPS, MUSCLES, POSE_FIELDS, VIEWS, Action, Pose, View, normal
from myosem.prompts.templates import EFFORTS, effort_word, template_texts, with_effort

__all__ = [
    "EFFORTS",
    "GROUPS",
    "MUSCLES",
    "POSE_FIELDS",
    "VIEWS",
    "Action",
    "Pose",
    "View",
    "action_for_name",
    "effort_word",
    "load_actions",
    "load_unrelated",
    "normal",
    "read_file",
    "template_texts",
    "texts_of",
    "with_effort",
    "without_actions",
]
