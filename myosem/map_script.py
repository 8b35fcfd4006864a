"""Style and script of the map: a canvas to zoom and pan, a legend to choose from, a card for the point."""

STYLE = """
:root { --paper: #ffffff; --ink: #1f2933; --quiet: #66727f; --line: #dfe5ea; --card: #ffffffee; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14191e; --ink: #e8edf1; --quiet: #95a1ad; --line: #303942; --card: #1b2228ee; }
}
* { box-sizing: border-box; }
html, body { margin: 0; height: 100%; overflow: hidden; background: var(--paper); color: var(--ink);
  font: 14px/1.4 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
canvas#map { position: fixed; inset: 0; width: 100%; height: 100%; touch-action: none; cursor: grab; }
canvas#map:focus-visible { outline: 2px solid #0b7285; outline-offset: -2px; }
.panel { position: fixed; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 14px; box-shadow: 0 2px 14px #0001; }
#head { left: 14px; top: 14px; width: 300px; }
#head h1 { font-size: 15px; margin: 0 0 6px; overflow-wrap: anywhere; }
#head p { margin: 8px 0 0; color: var(--quiet); font-size: 11.5px; }
#legend { right: 14px; top: 14px; max-height: calc(100% - 28px); width: 232px;
  display: flex; flex-direction: column; }
#legend select, #head input { width: 100%; font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--line); border-radius: 6px; padding: 5px 8px; }
#items { overflow-y: auto; margin: 8px -6px 0 0; flex: 1; }
.item { display: flex; gap: 8px; width: 100%; align-items: center; border: 0; background: none;
  color: inherit; font: inherit; font-size: 12.5px; padding: 2px 6px 2px 2px; text-align: left;
  cursor: pointer; border-radius: 5px; }
.item:hover { background: var(--line); }
.item.off { opacity: .35; }
.item i { flex: none; width: 11px; height: 11px; border-radius: 50%; }
.item span { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.item b { font-weight: 400; color: var(--quiet); font-variant-numeric: tabular-nums; }
#card { left: 14px; bottom: 14px; width: 300px; display: none; }
#card h2 { font-size: 14px; margin: 0 0 2px; overflow-wrap: anywhere; }
#card div { color: var(--quiet); font-size: 12px; overflow-wrap: anywhere; }
#card code { font-size: 11px; user-select: all; }
#card svg { display: block; width: 100%; height: 46px; margin: 6px 0; }
@media (max-width: 760px) {
  #head { right: 14px; width: auto; padding: 8px 12px; } #head p { display: none; }
  #legend { top: auto; left: 14px; width: auto; height: 25vh; bottom: 10px; padding: 8px 12px; }
  #card { left: 14px; right: 14px; width: auto; bottom: calc(25vh + 20px); padding: 8px 12px; }
}
"""

SCRIPT = """
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const kinds = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };
function unpack(text, kind) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new kinds[kind](bytes.buffer);
}
function make(tag, within, text, id) {
  const one = document.createElement(tag);
  if (text) one.textContent = text;
  if (id) one.id = id;
  within.append(one);
  return one;
}
const count = data.count, X = unpack(data.x, 'u2'), Y = unpack(data.y, 'u2');
const start = unpack(data.start, 'f4'), end = unpack(data.end, 'f4'), score = unpack(data.score, 'f4');
const near = unpack(data.nearest, 'u2'), recording = unpack(data.recording, 'u4');
const label = unpack(data.label, 'u4'), waves = unpack(data.waves, 'u1');
const waveOf = new Map(unpack(data.thumbnails, 'u4').entries().map(([place, one]) => [one, place]));
const modes = data.modes.map(one => ({ ...one, codes: unpack(one.codes, 'u2') }));
for (const one of modes) {
  one.members = one.names.map(() => []);
  one.codes.forEach((code, point) => one.members[code].push(point));
}

// What stands around the picture.
const ui = document.getElementById('ui'), canvas = document.getElementById('map');
const pen = canvas.getContext('2d');
const head = make('div', ui, '', 'head'), legend = make('div', ui, '', 'legend');
const card = make('div', ui, '', 'card');
for (const one of [head, legend, card]) one.className = 'panel';
make('h1', head, data.title);
const find = make('input', head);
find.type = 'search';
find.placeholder = 'label, data set, person, file';
find.setAttribute('aria-label', 'Show only what has these letters');
make('p', head, data.note);
make('p', head, 'Drag to move, wheel or pinch to zoom, click to keep a point. Keys: arrows, +, −, 0, Esc.');
const select = make('select', legend);
select.setAttribute('aria-label', 'Coloured by');
modes.forEach((one, place) => { make('option', select, 'by ' + one.title).value = place; });
const items = make('div', legend, '', 'items');

// What is shown of it.
let mode = modes[0], chosen = new Set(), matching = null, hovered = -1, kept = -1;
let zoom = 1, left = 0, top_ = 0, width = 0, height = 0, waiting = false;

function listItems() {
  items.replaceChildren();
  mode.names.forEach((name, code) => {
    const item = make('button', items);
    item.className = 'item' + (chosen.size && !chosen.has(code) ? ' off' : '');
    make('i', item).style.background = mode.colours[code];
    make('span', item, name).title = name;
    make('b', item, mode.members[code].length.toLocaleString('en'));
    item.onclick = () => {
      if (!chosen.delete(code)) chosen.add(code);
      listItems();
      redraw();
    };
  });
}
select.onchange = () => { mode = modes[select.value]; chosen = new Set(); listItems(); redraw(); };
find.oninput = () => {
  const wanted = find.value.trim().toLowerCase();
  if (!wanted) matching = null;
  else {
    const named = data.labels.map(one => one.toLowerCase().includes(wanted));
    const held = data.recordings.map(one => one.join(' ').toLowerCase().includes(wanted));
    const acted = data.actions.map(one => one.toLowerCase().includes(wanted));
    matching = Uint8Array.from(label, (code, i) => named[code] || held[recording[i]] || acted[near[i]]);
  }
  redraw();
};
const shown = point =>
  (!matching || matching[point]) && (!chosen.size || chosen.has(mode.codes[point]));

// Where things are: world coordinates are those of the data, y upwards.
const toX = x => left + zoom * x, toY = y => top_ + zoom * (data.grid - y);
function home() {
  const narrow = width <= 760;
  const room = narrow ? [10, 70, width - 20, height * 0.75 - 100] : [330, 20, width - 590, height - 40];
  zoom = Math.min(room[2], room[3]) / data.grid;
  left = room[0] + (room[2] - zoom * data.grid) / 2;
  top_ = room[1] + (room[3] - zoom * data.grid) / 2;
  redraw();
}
function zoomAt(x, y, factor) {
  const least = 0.3 * Math.min(width, height) / data.grid;
  factor = Math.min(Math.max(zoom * factor, least), 400 * least) / zoom;
  left = x - (x - left) * factor;
  top_ = y - (y - top_) * factor;
  zoom *= factor;
  redraw();
}
function redraw() {
  if (!waiting) requestAnimationFrame(draw);
  waiting = true;
}

// The picture.
function dots(points, radius) {
  const side = 2 * radius;
  for (const point of points) {
    const x = toX(X[point]), y = toY(Y[point]);
    if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
    if (radius < 1.4) pen.fillRect(x - radius, y - radius, side, side);
    else { pen.beginPath(); pen.arc(x, y, radius, 0, 7); pen.fill(); }
  }
}
function draw() {
  waiting = false;
  const paper = getComputedStyle(document.body), scale = devicePixelRatio || 1;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  const spread = zoom * data.grid / Math.min(width, height);
  const radius = Math.min(Math.max(90 / Math.sqrt(count), 0.8), 3) * Math.min(Math.sqrt(spread), 4);
  if (chosen.size || matching) {
    pen.globalAlpha = 0.12;
    pen.fillStyle = '#8a96a1';
    for (const members of mode.members) dots(members.filter(point => !shown(point)), radius);
  }
  pen.globalAlpha = count > 5000 ? 0.72 : 0.85;
  mode.members.forEach((members, code) => {
    if (chosen.size && !chosen.has(code)) return;
    pen.fillStyle = mode.colours[code];
    dots(matching ? members.filter(point => matching[point]) : members, radius);
  });
  pen.globalAlpha = 1;
  names(paper.color, paper.backgroundColor);
  const marked = kept >= 0 ? kept : hovered;
  if (marked >= 0) {
    pen.beginPath();
    pen.arc(toX(X[marked]), toY(Y[marked]), radius + 5, 0, 7);
    pen.lineWidth = 2;
    pen.strokeStyle = paper.color;
    pen.stroke();
  }
}
function names(ink, paper) {
  pen.font = '600 12.5px system-ui, sans-serif';
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.lineJoin = 'round';
  const taken = [];
  for (const [name, worldX, worldY] of data.places) {
    const x = toX(worldX), y = toY(worldY), half = pen.measureText(name).width / 2 + 4;
    const hit = taken.some(one => Math.abs(one[0] - x) < one[2] + half && Math.abs(one[1] - y) < 17);
    if (hit || x < 0 || y < 0 || x > width || y > height) continue;
    taken.push([x, y, half]);
    pen.lineWidth = 4;
    pen.strokeStyle = paper;
    pen.strokeText(name, x, y);
    pen.fillStyle = ink;
    pen.fillText(name, x, y);
  }
}

// The point under the pointer, from a grid of cells.
const side = 256, cell = (x, y) => (y * side / 65536 | 0) * side + (x * side / 65536 | 0);
const cells = new Map();
for (let point = 0; point < count; point++) {
  const place = cell(X[point], Y[point]);
  if (!cells.has(place)) cells.set(place, []);
  cells.get(place).push(point);
}
function pointAt(x, y) {
  const reach = Math.min(9 / zoom, data.grid / 20), size = 65536 / side;
  const worldX = (x - left) / zoom, worldY = data.grid - (y - top_) / zoom;
  let best = -1, least = reach;
  for (let row = Math.floor((worldY - reach) / size); row <= (worldY + reach) / size; row++)
    for (let column = Math.floor((worldX - reach) / size); column <= (worldX + reach) / size; column++)
      for (const point of cells.get(row * side + column) || []) {
        const away = Math.hypot(X[point] - worldX, Y[point] - worldY);
        if (away < least && shown(point)) { least = away; best = point; }
      }
  return best;
}
function wave(point) {
  const place = waveOf.get(point);
  if (place === undefined) return null;
  const bins = 32, space = 'http:' + '//www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg'), shape = document.createElementNS(space, 'polygon');
  const heights = Array.from(waves.subarray(place * bins, (place + 1) * bins), one => 0.03 + one / 262);
  const upper = heights.map((one, bin) => `${bin},${-one}`);
  const lower = heights.map((one, bin) => `${bin},${one}`);
  svg.setAttribute('viewBox', `0 -1.05 ${bins - 1} 2.1`);
  svg.setAttribute('preserveAspectRatio', 'none');
  shape.setAttribute('points', upper.concat(lower.reverse()).join(' '));
  shape.setAttribute('fill', mode.colours[mode.codes[point]]);
  svg.append(shape);
  return svg;
}
function showCard(point) {
  card.replaceChildren();
  card.style.display = point < 0 ? 'none' : 'block';
  if (point < 0) return;
  const [id, dataset, person, session, source] = data.recordings[recording[point]];
  make('h2', card, data.labels[label[point]] || 'not labelled');
  make('div', card, `nearest action: ${data.actions[near[point]]}, ${score[point].toFixed(2)}`);
  const svg = wave(point);
  if (svg) card.append(svg);
  make('div', card, `${dataset} · ${person} · ${session}`);
  make('div', card, `${source}, ${start[point].toFixed(2)} to ${end[point].toFixed(2)} s`);
  make('code', card, `${id}@${start[point].toFixed(3)}`).title = 'the id that myosem similar takes';
}
function look(point) {
  if (kept < 0 && point !== hovered) { hovered = point; showCard(point); redraw(); }
}
function keep(point) {
  kept = point === kept ? -1 : point;
  hovered = point;
  showCard(point);
  redraw();
}

// Pointer, wheel, keys.
const fingers = new Map();
let moved = 0;
canvas.onpointerdown = event => {
  canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  moved = 0;
};
canvas.onpointermove = event => {
  const before = fingers.get(event.pointerId), now = [event.clientX, event.clientY];
  if (!before) return look(pointAt(...now));
  const other = [...fingers].find(([id]) => id !== event.pointerId);
  if (other) {
    const [x, y] = other[1];
    zoomAt(x, y, Math.hypot(now[0] - x, now[1] - y) / Math.max(Math.hypot(before[0] - x, before[1] - y), 1));
  } else { left += now[0] - before[0]; top_ += now[1] - before[1]; redraw(); }
  moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
  fingers.set(event.pointerId, now);
};
canvas.onpointerup = event => {
  if (moved < 4 && fingers.size === 1) keep(pointAt(event.clientX, event.clientY));
  fingers.delete(event.pointerId);
};
canvas.onpointercancel = event => { fingers.delete(event.pointerId); };
canvas.onwheel = event => {
  event.preventDefault();
  zoomAt(event.clientX, event.clientY, Math.exp(-event.deltaY / 400));
};
canvas.onkeydown = event => {
  const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
  if (step) { left += step[0]; top_ += step[1]; redraw(); }
  else if (event.key === '+' || event.key === '=') zoomAt(width / 2, height / 2, 1.3);
  else if (event.key === '-') zoomAt(width / 2, height / 2, 1 / 1.3);
  else if (event.key === '0') home();
  else if (event.key === 'Escape') keep(-1);
  else return;
  event.preventDefault();
};
function fit() {
  width = innerWidth;
  height = innerHeight;
  canvas.width = width * (devicePixelRatio || 1);
  canvas.height = height * (devicePixelRatio || 1);
}
onresize = () => { fit(); redraw(); };
listItems();
fit();
home();
document.documentElement.dataset.ready = count;
"""
