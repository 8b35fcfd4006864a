"""The small set of simulated people that ``myosem demo`` searches."""

_DEMO = """\
# Four simulated people, one session each, for `myosem demo`.
subjects: 4
sessions: 1
actions:
  - two-finger-pinch
  - three-finger-pinch
  - fist
  - open-hand
  - point
  - thumbs-up
  - wrist-flexion
  - wrist-extension
  - radial-deviation
  - ulnar-deviation
  - pronation
  - supination
repetitions: 3
layout: {ring: 8, along_mm: 70}
rate_hz: 200
seed: 2026
hold_s: [1.5, 2.5]
rest_s: [1.5, 2.5]
order: blocks
"""


def demo_spec() -> str:
    """The demo as the text of a ``*.synth.yaml`` file."""
    return _DEMO
