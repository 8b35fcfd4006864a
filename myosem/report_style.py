"""What every report looks like, and what every report says about its numbers."""

METHOD = (
    "Segments are found from the signal alone: where its power rises over the session's rest, and short "
    "stretches of the rest between.",
    "Each segment is read in the context of the whole unlabelled session and becomes a vector; words become "
    "vectors of the same space. A score is the cosine of two, from -1 to 1. Scores of one query can be "
    "compared with each other; they are no probabilities.",
    "A segment fits where its score reaches the model's threshold, which all but 5 % of right answers of "
    "people never seen reach, and where the words are about an action of the hand.",
    "A label is the phrase with the highest probability among the candidates and every other action that the "
    "model knows; where none of the candidates wins, it is “none of these”.",
    "What a data set says was done is shown for comparison. It plays no part in any segment, score or label.",
    "The channels are shown in dB over the recording's own rest level.",
)
LIMITS = (
    "The numbers say how near signals lie to words for this model, not what a person did or meant.",
    "The model knows hands and forearms of the data sets it was trained on; other muscles, electrodes or "
    "tasks may be read wrongly, and with confidence.",
    "People differ: what holds on average for people never seen need not hold for this one. Recordings of "
    "people in the training data look better than they would.",
    "This is a tool for research. It is no medical device and gives no diagnosis.",
)
STYLE = """
:root { color-scheme: light; --ink: #1f2933; --quiet: #66727f; --line: #e1e7ec; --accent: #0b7285; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1060px; padding: 34px 28px 60px; color: var(--ink); background: #fff;
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
header { border-bottom: 3px solid var(--accent); padding-bottom: 14px; margin-bottom: 22px; }
.brand { margin: 0; color: var(--accent); font-weight: 600; font-size: 13px; }
h1 { margin: 4px 0; font-size: 27px; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 38px 0 8px; font-size: 19px; }
h3 { margin: 22px 0 6px; font-size: 15px; }
p { max-width: 76ch; margin: 6px 0 12px; }
.under, .quiet { color: var(--quiet); font-size: 13px; overflow-wrap: anywhere; }
.under { margin: 0; }
.mark { background: #fff3bf; border-radius: 5px; padding: 2px 8px; font-size: 14px; font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px; }
.cards div { border: 1px solid var(--line); border-radius: 9px; padding: 10px 14px; }
.cards b { display: block; font-size: 21px; font-variant-numeric: tabular-nums; }
.cards span { color: var(--quiet); font-size: 12.5px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th { text-align: left; color: var(--quiet); font-weight: 500; border-bottom: 1px solid var(--line); }
th, td { padding: 5px 12px 5px 0; vertical-align: top; overflow-wrap: anywhere; }
tbody tr { border-bottom: 1px solid #f0f3f5; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { display: block; width: 100%; min-width: 120px; height: 11px; margin-top: 5px; background: #f1f4f6;
  border-radius: 6px; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); border-radius: 6px; }
figure { margin: 14px 0 22px; }
figcaption { font-weight: 600; font-size: 13.5px; }
figure svg { width: 100%; height: auto; }
svg.wave { width: 190px; height: 40px; display: block; }
svg.wave rect { fill: #d3f0f2; }
svg.wave polygon { fill: var(--accent); }
summary { cursor: pointer; color: var(--quiet); margin-bottom: 6px; }
li { max-width: 82ch; margin: 4px 0; }
@media (max-width: 640px) { body { padding: 18px 14px 40px; } table { display: block; overflow-x: auto; } }
@media print {
  @page { size: A4; margin: 14mm; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  h2 { break-after: avoid; } tr, figure, .cards div { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
