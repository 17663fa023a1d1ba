"use strict";
// Draws the run that is in the page: one line of JSON for each event. Only what is to be seen is in the document, so that
// long runs scroll as lightly as short ones.

const run = JSON.parse(document.getElementById("run").textContent);
const { head, lines, tail, cut, bands, states } = run;
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function html(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// Time.

function clock(at) {
  const text = (at / 1e9).toFixed(6);
  return text.replace(/0{1,3}$/, "");
}

function span(nanos) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (nanos >= size) return `${Number((nanos / size).toPrecision(3))} ${unit}`;
  }
  return `${nanos} ns`;
}

// What is shown.

const FILTERS = [
  { id: "talk", name: "Handshakes", about: "Greetings and commands of ZMTP", on: true },
  { id: "tcp", name: "TCP", about: "SYN, FIN, RST, broken connections", on: true },
  { id: "empty", name: "No result", about: "Calls that ended without a message", on: true },
  { id: "details", name: "Details", about: "States of connections and links, monitor events", on: false },
];
const shows = Object.fromEntries(FILTERS.map((filter) => [filter.id, filter.on]));

function filterOf(line) {
  switch (line.event) {
    case "packet":
      if (line.kind === "ack" || line.kind === "ack-of-syn") return "details";
      if (line.kind !== "data") return "tcp";
      return line.messages || line.fate !== "arrives" ? null : "talk";
    case "call": return line.ended === "empty" ? "empty" : null;
    case "connection": return line.state === "broken" ? "tcp" : "details";
    case "monitor": case "link": return "details";
    default: return null;
  }
}

const hosts = head.hosts.map((host) => host.name);
const laneOf = new Map(hosts.map((name, lane) => [name, lane]));
const isPacket = (line) => line.event === "packet" || line.event === "datagram";

/** The lane at which an event is, or null where it is about all. */
function lane(line) {
  if (isPacket(line) || line.event === "link") return laneOf.get(line.from) ?? 0;
  if (line.host !== undefined) return laneOf.get(line.host) ?? 0;
  return null;
}

// Layout: a row for each point of time; between them as much room as the logarithm of the time, and none for long silence.

const TOP = 74, ROW = 19, SILENCE = 200e6;
let times = [], tops = [], items = [], buckets = new Map(), laneX = [], width = 0, height = 0, step = 300;

function gapOf(nanos) {
  const gap = Math.max(17, 8 + 14 * Math.log10(1 + nanos / 50e3));
  return nanos >= SILENCE ? Math.max(gap, 56) : Math.min(gap, 56);
}

function layout() {
  const visible = [];
  lines.forEach((line, index) => {
    const filter = filterOf(line);
    if (filter === null || shows[filter]) visible.push(index);
  });
  const points = new Set([0]);
  for (const index of visible) {
    points.add(lines[index].at);
    if (lines[index].arrives !== undefined) points.add(lines[index].arrives);
  }
  for (const band of bands) { points.add(band.from); points.add(band.until); }
  times = [...points].sort((one, other) => one - other);
  const rowOf = new Map(times.map((at, row) => [at, row]));
  // How many labels lie above each other in a row, lane by lane.
  const used = times.map(() => new Map());
  items = visible.map((index) => {
    const line = lines[index], row = rowOf.get(line.at), at = lane(line);
    const rank = used[row].get(at) ?? 0;
    used[row].set(at, rank + 1);
    return { index, row, rank, until: line.arrives === undefined ? row : rowOf.get(line.arrives) };
  });
  for (const band of bands) {
    const row = used[rowOf.get(band.from)];
    band.rank = row.get("band") ?? 0;
    row.set("band", band.rank + 1);
  }
  let y = TOP;
  tops = times.map((at, row) => {
    if (row > 0) y += gapOf(at - times[row - 1]);
    const mine = y;
    const under = used[row].get("band") ?? 0;
    const above = [...used[row]].filter(([key]) => key !== "band").map(([, count]) => count - 1);
    y += ROW * (Math.max(0, ...above) + under);
    return mine;
  });
  height = y + 60;
  buckets = new Map();
  items.forEach((item, place) => {
    const line = lines[item.index];
    item.lane = lane(line);
    const under = used[item.row].get("band") ?? 0;
    item.y = tops[item.row] + (item.rank + under) * ROW;
    item.end = Math.max(tops[item.until], item.y);
    for (let bucket = Math.floor((item.y - 40) / 500); bucket <= Math.floor((item.end + 40) / 500); bucket += 1) {
      if (!buckets.has(bucket)) buckets.set(bucket, []);
      buckets.get(bucket).push(place);
    }
  });
  placeLanes();
}

function placeLanes() {
  const count = hosts.length, side = 236, room = byId("stage").clientWidth || 1100;
  step = count > 1 ? Math.min(460, Math.max(250, (room - 90 - 2 * side) / (count - 1))) : 0;
  const left = count > 1 ? 90 + side : 150;
  laneX = hosts.map((_, lane) => left + lane * step);
  width = Math.max(left + (count - 1) * step + (count > 1 ? side : 420), room);
  byId("lanes").replaceChildren(...head.hosts.map((host, lane) => {
    const sockets = host.sockets.map((socket) => `${socket.name} ${socket.type}`).join(", ");
    return html("div", { class: "lane", style: `left:${laneX[lane]}px` }, html("b", {}, host.name), html("small", {}, sockets));
  }));
  byId("lanes").style.width = `${width}px`;
  const drawing = byId("drawing");
  drawing.setAttribute("width", width);
  drawing.setAttribute("height", height);
}

/** The place of a time, also between rows. */
function yOf(at) {
  let low = 0, high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= at) low = middle; else high = middle - 1;
  }
  if (low === times.length - 1 || at <= times[low]) return tops[low];
  const share = (at - times[low]) / (times[low + 1] - times[low]);
  return tops[low] + share * (tops[low + 1] - tops[low]);
}

// Drawing.

const short = (text, most) => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);

/** What lies behind the events, from one y to another. */
function ground(from, until) {
  const group = svg("g");
  for (const band of bands) {
    const top = yOf(band.from), bottom = Math.max(yOf(band.until), top + 4);
    if (bottom < from || top > until) continue;
    const lanes = band.hosts.map((host) => laneX[laneOf.get(host)]).filter((x) => x !== undefined);
    const left = Math.min(...(lanes.length ? lanes : laneX)) - 24, right = Math.max(...(lanes.length ? lanes : laneX)) + 24;
    group.append(svg("rect", { class: "band", x: left, y: top, width: right - left, height: bottom - top, rx: 4 }));
    group.append(svg("path", { class: "band-edge", d: `M${left} ${top}H${right}` }));
  }
  laneX.forEach((x) => group.append(svg("path", { class: "life", d: `M${x} ${Math.max(from, 0)}V${Math.min(until, height - 20)}` })));
  for (const state of states) {
    const top = yOf(state.from), bottom = state.until === null ? height - 20 : yOf(state.until);
    if (bottom < from || top > until) continue;
    const x = laneX[laneOf.get(state.host)];
    group.append(svg("path", { d: `M${x} ${top}V${bottom}`, stroke: "var(--paper)", "stroke-width": 4 }));
    group.append(svg("path", { class: "life down", d: `M${x} ${top}V${bottom}` }));
  }
  let last = -99;
  times.forEach((at, row) => {
    const y = tops[row];
    if (row > 0 && at - times[row - 1] >= SILENCE && y >= from && y - 60 <= until) {
      const middle = (bottomOf(row - 1) + y) / 2;
      laneX.forEach((x) => {
        group.append(svg("path", { d: `M${x} ${middle - 7}V${middle + 7}`, stroke: "var(--paper)", "stroke-width": 4 }));
        group.append(svg("path", { class: "gap", d: `M${x} ${middle - 7}l-5 3.5 10 7 -5 3.5` }));
      });
      group.append(svg("text", { class: "time", x: 72, y: middle + 4, "font-style": "italic" }, `+ ${span(at - times[row - 1])}`));
    }
    if (y >= from - 20 && y <= until && y - last >= 13) {
      group.append(svg("text", { class: "time", x: 72, y: y + 4 }, clock(at)));
      last = y;
    }
  });
  for (const band of bands) {
    const top = yOf(band.from) + band.rank * ROW;
    if (top < from - 20 || top > until) continue;
    const lanes = band.hosts.map((host) => laneX[laneOf.get(host)]).filter((x) => x !== undefined);
    const left = Math.min(...(lanes.length ? lanes : laneX)) - 24;
    group.append(svg("text", { class: "band-text said", x: left + 8, y: top + 14 }, `⚡ ${band.text}`));
  }
  return group;
}

/** Where the labels of a row end. */
function bottomOf(row) {
  const next = tops[row + 1] ?? height;
  return next - gapOf((times[row + 1] ?? times[row]) - times[row]);
}

function classesOf(line) {
  const classes = ["ev", line.event];
  if (line.event === "packet") {
    classes.push(line.kind === "data" ? (line.messages ? "message" : "talk") : "tcp", line.kind);
    if (line.guessed) classes.push("guessed");
  }
  if (line.fate && line.fate !== "arrives") classes.push(line.fate);
  if (line.event === "call") {
    classes.push(line.call === "sent" || line.call === "passed-on" ? "message" : line.call === "received" ? "received" : "quiet");
    if (line.ended !== "done") classes.push(line.ended);
  }
  if (line.event === "host") classes.push(line.state);
  if (line.event === "connection" || line.event === "monitor" || line.event === "link") classes.push("quiet");
  return classes;
}

function drawn(place) {
  const item = items[place], line = lines[item.index];
  const group = svg("g", { class: classesOf(line).join(" "), "data-line": item.index });
  if (isPacket(line)) drawPacket(group, item, line);
  else if (item.lane === null) drawRule(group, item, line);
  else drawCall(group, item, line);
  group.prepend(svg("title", {}, `${clock(line.at)} s  ${line.text}`));
  if (traced !== null && line.messages?.includes(traced)) group.classList.add("on");
  if (item.index === chosen) group.classList.add("now");
  return group;
}

function drawPacket(group, item, line) {
  const from = laneX[item.lane], to = laneX[laneOf.get(line.to) ?? item.lane];
  const says = labelOf(line);
  if (from === to) {
    const end = Math.max(item.end, item.y + 10);
    const way = `M${from} ${item.y}C${from + 46} ${item.y} ${from + 46} ${end} ${from + 5} ${end}`;
    group.append(svg("path", { class: "hit", d: way }), svg("path", { class: "arrow", d: way }), arrowHead(from, end, Math.PI));
    const label = svg("text", { class: "label", x: from + 44, y: (item.y + end) / 2 + 4 }, short(says, 34));
    label.style.textAnchor = "start";
    group.append(label);
    return;
  }
  const towards = Math.sign(to - from);
  let x = to, y = item.end;
  if (line.fate === "lost") { x = from + towards * step * 0.62; y = item.y + 9; }
  if (line.fate === "held") { x = from + towards * step * 0.36; y = item.y + 5; }
  const angle = Math.atan2(y - item.y, x - from);
  const stop = line.fate === "arrives" ? x - 3 * Math.cos(angle) : x;
  const way = `M${from} ${item.y}L${stop} ${y}`;
  group.append(svg("path", { class: "hit", d: way }), svg("path", { class: "arrow", d: way }));
  if (line.fate === "arrives") group.append(arrowHead(x, y, angle));
  if (line.fate === "lost") group.append(svg("path", { class: "sign", d: `M${x - 5} ${y - 5}l10 10m0-10l-10 10` }));
  if (line.fate === "held") group.append(svg("path", { class: "sign", d: `M${x} ${y - 6}v12m5-12v12` }));
  // Along the arrow, a bit away from its beginning: there no arrow from the other side crosses it.
  const turn = towards > 0 ? angle : angle - Math.PI * Math.sign(angle || 1);
  const away = line.fate === "arrives" ? 46 : 12, at = [from + towards * away, item.y + away * Math.tan(Math.abs(turn)) - 4];
  const label = svg("text", { class: "label", x: at[0], y: at[1], transform: `rotate(${(turn * 180) / Math.PI} ${at[0]} ${at[1]})` });
  label.textContent = short(says, Math.floor((step - away) / 6.4));
  label.style.textAnchor = towards > 0 ? "start" : "end";
  group.append(label);
  if (line.fate === "lost") {
    const why = svg("text", { class: "label", x: x + towards * 10, y: y + 4 }, `lost: ${line.why}`);
    why.style.textAnchor = towards > 0 ? "start" : "end";
    group.append(why);
  }
}

function labelOf(line) {
  if (line.event === "datagram") return `datagram, ${line.octets} octets`;
  const kinds = { syn: "SYN", "syn-ack": "SYN ACK", "ack-of-syn": "ACK", ack: "ACK", fin: "FIN", rst: "RST" };
  const says = line.carries ? line.carries.join(", ") : kinds[line.kind] ?? (line.octets ? `${line.octets} octets` : "asks for room");
  return `${line.again ? "↻ " : ""}${line.guessed ? "≈ " : ""}${says}`;
}

function arrowHead(x, y, angle) {
  const point = (length, turn) => `${x - length * Math.cos(angle + turn)} ${y - length * Math.sin(angle + turn)}`;
  return svg("path", { class: "head", d: `M${x} ${y}L${point(10, 0.38)}L${point(10, -0.38)}Z` });
}

function drawCall(group, item, line) {
  const x = laneX[item.lane], left = item.lane === 0 && hosts.length > 1;
  if (line.event === "call" && line.since < line.at) {
    const since = Math.min(yOf(line.since), item.y);
    group.append(svg("rect", { class: "busy", x: x - 2.5, y: since, width: 5, height: item.y - since, rx: 2 }));
  }
  const said = svg("text", { class: "said", x: left ? x - 12 : x + 12, y: item.y + 4, "text-anchor": left ? "end" : "start" });
  // How long it waited is to be seen.
  said.textContent = short(line.text.replace(/, after [^,]*$/, ""), item.lane === 0 || item.lane === hosts.length - 1 ? 36 : 34);
  const reach = Math.min(300, 24 + said.textContent.length * 7);
  const box = { x: left ? x - reach : x - 8, y: item.y - 9, width: reach + 8, height: 18, rx: 5 };
  group.append(svg("rect", { class: "halo", ...box }), svg("rect", { class: "hit", ...box }));
  const dot = { class: "dot", cx: x, cy: item.y, r: 4.5 };
  if (line.event === "connection" || line.event === "lost") group.append(svg("path", { class: "sign", d: `M${x - 4} ${item.y - 4}l8 8m0-8l-8 8` }));
  else group.append(svg("circle", dot));
  group.append(said);
}

function drawRule(group, item, line) {
  const colour = line.event === "healed" ? "var(--good)" : "var(--faint)";
  const isBand = line.event === "fault" && line.phase === "begins";
  const right = laneX.at(-1) + 24;
  group.append(svg("rect", { class: "hit", x: 80, y: item.y - 8, width: right - 80, height: 16 }));
  if (isBand) return;
  group.append(svg("path", { d: `M${laneX[0] - 24} ${item.y}H${right}`, stroke: colour, "stroke-dasharray": "3 4", fill: "none" }));
  const said = svg("text", { class: "said", x: right + 8, y: item.y - 4 }, short(line.event === "fault" ? line.text.replace(/:.*/, "") : line.text, 42));
  group.append(said);
}

function wrongMarks(from, until) {
  const group = svg("g");
  tail.violations.forEach((violation, number) => {
    const item = itemNear(violation.line);
    if (item === undefined || item.y < from - 40 || item.y > until + 40) return;
    const y = item.y + 9.5, text = `violation ${tail.violations.length > 1 ? `${number + 1} ` : ""}of ${violation.clause}`;
    const wide = 18 + text.length * 6.9, flag = width - wide - 10;
    group.append(svg("path", { class: "wrong-line", d: `M84 ${y}H${flag}` }));
    group.append(svg("rect", { class: "wrong-flag", x: flag, y: y - 10, width: wide, height: 20, rx: 4 }));
    group.append(svg("text", { class: "wrong-text", x: flag + 9, y: y + 4 }, text));
  });
  return group;
}

/** The item of a line, or of the last one before it that is shown. */
function itemNear(index) {
  if (index === null) return undefined;
  let found = items[0];
  for (const item of items) { if (item.index > index) break; found = item; }
  return found;
}

function fill(into, from, until) {
  const places = new Set();
  for (let bucket = Math.floor(from / 500); bucket <= Math.floor(until / 500); bucket += 1) {
    for (const place of buckets.get(bucket) ?? []) places.add(place);
  }
  // Packets below, so that no arrow hides what an application did.
  const order = [...places].sort((one, other) => one - other);
  const packets = order.filter((place) => isPacket(lines[items[place].index]));
  const calls = order.filter((place) => !isPacket(lines[items[place].index]));
  into.replaceChildren(ground(from, until), wrongMarks(from, until), ...[...packets, ...calls].map(drawn));
}

let waiting = false;
function draw() {
  const stage = byId("stage");
  const from = stage.scrollTop - 300, until = stage.scrollTop + stage.clientHeight + 300;
  const drawing = byId("drawing");
  drawing.classList.toggle("traced", traced !== null);
  fill(drawing, from, until);
  drawMap();
}
function drawSoon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

function drawMap() {
  const stage = byId("stage"), share = (y) => `${(100 * y) / height}%`;
  const bar = (kind, y, long) => html("i", { class: kind, style: `top:${share(y)};height:${share(long)}` });
  const steps = traced === null ? [] : items.filter((item) => lines[item.index].messages?.includes(traced));
  byId("map").replaceChildren(
    ...bands.map((band) => bar("band", yOf(band.from), yOf(band.until) - yOf(band.from))),
    ...steps.map((item) => bar("step", item.y, 0)),
    ...tail.violations.map((violation) => itemNear(violation.line)).filter(Boolean).map((item) => bar("wrong", item.y, 0)),
    bar("view", stage.scrollTop, stage.clientHeight),
  );
}

// Selecting.

let chosen = null, traced = null, hovered = null;
const wayOf = (message) => lines.flatMap((line, index) => (line.messages?.includes(message) ? [index] : []));

function choose(index, message) {
  chosen = index;
  const messages = index === null ? [] : lines[index].messages ?? [];
  traced = message ?? (messages.includes(traced) ? traced : messages[0] ?? null);
  hovered = null;
  showDetails();
  draw();
  if (index !== null) byId("spoken").textContent = `${clock(lines[index].at)} seconds: ${lines[index].text}`;
  try { history.replaceState(null, "", traced === null ? "#" : `#${encodeURIComponent(traced)}`); } catch { /* not for files in some browsers */ }
}

function goTo(index, message) {
  const item = itemNear(index), stage = byId("stage");
  if (item && (item.y < stage.scrollTop + 70 || item.y > stage.scrollTop + stage.clientHeight - 40)) {
    stage.scrollTop = item.y - stage.clientHeight / 2;
  }
  choose(index, message);
}

const placeOf = (line) => (isPacket(line) || line.event === "link" ? `${line.from} → ${line.to}` : line.host ?? "");

function fateOf(way) {
  const got = way.filter((index) => lines[index].call === "received").length;
  if (got > 0) return ["good", got === 1 ? "received" : `received ${got} times`];
  if (way.some((index) => lines[index].call === "sent")) return ["bad", "never received"];
  return ["open", "not sent"];
}

function showDetails() {
  const details = byId("details");
  if (chosen === null && traced === null) {
    const words = "Choose an event, or find a message: its whole way is shown, from the call that sent it to the one that received it.";
    details.replaceChildren(html("h2", {}, "Selected"), html("p", {}, words));
    return;
  }
  const children = [html("h2", {}, "Selected")];
  if (chosen !== null) {
    const line = lines[chosen];
    children.push(html("p", { class: "when" }, `${clock(line.at)} s  ${placeOf(line)}`), html("p", { class: "what" }, line.text));
    if ((line.messages?.length ?? 0) > 1) {
      const others = line.messages.map((name) => html("button", {
        type: "button", "aria-pressed": String(name === traced), onclick: () => choose(chosen, name),
      }, name));
      children.push(html("div", { class: "others", role: "group", "aria-label": "Messages of this event" }, ...others));
    }
    if (line.guessed) children.push(html("p", {}, "Sealed by CURVE: the message is known by order and length only."));
  }
  if (traced !== null) {
    const way = wayOf(traced), [mark, fate] = fateOf(way);
    children.push(html("h3", {}, traced, html("span", { class: `fate ${mark}` }, fate)));
    children.push(html("ol", { class: "way" }, ...way.map((index) => {
      const line = lines[index];
      const kind = line.event === "lost" ? "lost" : line.fate && line.fate !== "arrives" ? line.fate : line.call === "received" ? "received" : "";
      return html("li", {}, html("button", {
        type: "button", class: kind, "data-to": index, "aria-current": String(index === chosen), onclick: () => goTo(index, traced),
      }, html("small", {}, `${clock(line.at)} s  ${placeOf(line)}`), line.text));
    })));
  }
  details.replaceChildren(...children);
}

function moveBy(by) {
  if (items.length === 0) return;
  const place = items.findIndex((item) => item.index >= (chosen ?? -1));
  const next = chosen === null ? (by > 0 ? 0 : items.length - 1) : place < 0 ? items.length - 1 : place + by;
  goTo(items[Math.max(0, Math.min(items.length - 1, next))].index);
}

function stepBy(by) {
  if (traced === null) return;
  const way = wayOf(traced);
  const place = by > 0 ? way.findIndex((index) => index > (chosen ?? -1)) : way.findLastIndex((index) => index < (chosen ?? Infinity));
  if (place >= 0) goTo(way[place], traced);
}

let nextViolation = 0;
function showViolation(number) {
  const violation = tail.violations[number];
  if (!violation) return;
  nextViolation = (number + 1) % tail.violations.length;
  if (violation.line !== null) goTo(violation.line, violation.messages[0]);
}

// Finding.

const known = [...new Set(lines.flatMap((line) => line.messages ?? []))];
let hits = [], hit = 0;

function find(text) {
  const wanted = text.trim().toLowerCase();
  hits = [];
  if (wanted !== "") {
    const exact = (name) => (name.toLowerCase() === wanted ? 0 : 1);
    const names = known.filter((name) => name.toLowerCase().includes(wanted)).sort((one, other) => exact(one) - exact(other));
    hits.push(...names.slice(0, 20).map((name) => {
      const way = wayOf(name);
      return { name, text: name, about: fateOf(way)[1], go: () => goTo(way[0], name) };
    }));
    for (let index = 0; index < lines.length && hits.length < 40; index += 1) {
      const line = lines[index];
      if (!line.text.toLowerCase().includes(wanted)) continue;
      hits.push({ text: short(line.text, 48), about: `${clock(line.at)} s`, go: () => goTo(index) });
    }
  }
  hit = 0;
  showFound();
}

function showFound() {
  const found = byId("found"), open = hits.length > 0;
  found.hidden = !open;
  byId("search").setAttribute("aria-expanded", String(open));
  byId("search").setAttribute("aria-activedescendant", open ? `found-${hit}` : "");
  found.replaceChildren(...hits.map((one, place) => html("li", {
    id: `found-${place}`, role: "option", "aria-selected": String(place === hit),
    onmousedown: (event) => { event.preventDefault(); take(place); },
  }, html("span", {}, one.text), html("small", {}, one.about))));
  found.children[hit]?.scrollIntoView({ block: "nearest" });
}

function take(place) {
  const one = hits[place];
  if (!one) return;
  hits = [];
  showFound();
  byId("stage").focus();
  one.go();
}

// What people do.

byId("search").addEventListener("input", (event) => find(event.target.value));
byId("search").addEventListener("blur", () => { byId("found").hidden = true; });
byId("search").addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) { hit = (hit + by + hits.length) % Math.max(1, hits.length); showFound(); event.preventDefault(); }
  if (event.key === "Enter") take(hit);
  if (event.key === "Escape") { event.target.value = ""; hits = []; showFound(); byId("stage").focus(); }
});
document.addEventListener("keydown", (event) => {
  if (event.target.matches?.("input") || event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  const inStage = event.target === byId("stage") || event.target === document.body;
  const does = {
    "/": () => byId("search").focus(),
    "?": () => byId("help").showModal(),
    n: () => stepBy(1), p: () => stepBy(-1), v: () => showViolation(nextViolation),
    Escape: () => { traced = null; choose(null); },
    ...(inStage && {
      ArrowDown: () => moveBy(1), ArrowUp: () => moveBy(-1),
      Home: () => items.length && goTo(items[0].index), End: () => items.length && goTo(items.at(-1).index),
    }),
  }[event.key];
  if (does) { does(); event.preventDefault(); }
});
const lineAt = (event) => event.target.closest?.("[data-line]")?.dataset.line;
byId("drawing").addEventListener("click", (event) => {
  const index = lineAt(event);
  if (index === undefined) { traced = null; choose(null); } else choose(Number(index));
});
byId("drawing").addEventListener("mouseover", (event) => {
  const index = lineAt(event), messages = index === undefined ? [] : lines[Number(index)].messages ?? [];
  if (traced !== null || messages[0] === hovered) return;
  hovered = messages[0] ?? null;
  for (const element of byId("drawing").querySelectorAll("[data-line]")) {
    element.classList.toggle("on", hovered !== null && (lines[Number(element.dataset.line)].messages?.includes(hovered) ?? false));
  }
});
byId("stage").addEventListener("scroll", drawSoon, { passive: true });
byId("map").addEventListener("click", (event) => {
  const box = byId("map").getBoundingClientRect(), stage = byId("stage");
  stage.scrollTop = ((event.clientY - box.top) / box.height) * height - stage.clientHeight / 2;
});
byId("keys").addEventListener("click", () => byId("help").showModal());
const setTheme = (theme) => { document.documentElement.dataset.theme = theme; };
byId("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
addEventListener("resize", () => { placeLanes(); drawSoon(); });
// On paper, the drawing is cut into pages; a long run prints what is to be seen and around.
const PAGE = 1150, PAGES = 40;
addEventListener("beforeprint", () => {
  const whole = height <= PAGE * PAGES;
  const begin = whole ? 0 : Math.max(0, byId("stage").scrollTop - (PAGE * PAGES) / 2);
  const end = whole ? height : Math.min(height, begin + PAGE * PAGES);
  const pages = [];
  for (let top = begin; top < end; top += PAGE) {
    const page = svg("svg", { viewBox: `0 ${top - 40} ${width} ${Math.min(PAGE, end - top) + 40}` });
    fill(page, top, Math.min(top + PAGE, end));
    page.append(...laneX.map((x, lane) => svg("text", { x, y: top - 22, "text-anchor": "middle", "font-weight": "bold" }, hosts[lane])));
    pages.push(page);
  }
  byId("paper").replaceChildren(...(whole ? [] : [html("p", {}, "The run is long: this is the part that was to be seen.")]), ...pages);
});
addEventListener("afterprint", () => byId("paper").replaceChildren());

// The head of the page.

function ending() {
  if (tail.violations.length > 0) return ["bad", tail.violations.length === 1 ? "1 violation" : `${tail.violations.length} violations`];
  if (tail.ending === "finished") return ["good", "finished"];
  return ["bad", Object.keys(tail.ending)[0].replaceAll("-", " ")];
}

function begin() {
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  byId("title").textContent = head.title;
  const [mark, text] = ending();
  byId("about").append(
    html("span", { class: `pill ${mark}` }, text), `  seed ${head.seed} · ${hosts.length} hosts · ${known.length} messages · `,
    `${cut.of} events in ${span(lines.at(-1)?.at ?? 0)} · hash `, html("span", { class: "mono" }, tail.hash),
  );
  if (cut.of > lines.length) {
    const first = cut.first + 1;
    byId("note").textContent = `The run is long: events ${first} to ${cut.first + lines.length} of ${cut.of} are here. All are in its JSON lines.`;
    byId("note").hidden = false;
  } else if (head.recorded === "history") {
    byId("note").textContent = "The network was not recorded: only what applications did is here.";
    byId("note").hidden = false;
  }
  byId("violations").hidden = tail.violations.length === 0;
  byId("violations").append(...tail.violations.map((violation, number) => html("button", {
    type: "button", class: "violation", onclick: () => showViolation(number),
  }, html("b", {}, `✗ ${violation.clause}`), html("span", {}, violation.text), html("small", {}, "show ", html("kbd", {}, "v")))));
  byId("filters").append(...FILTERS.map((filter) => html("button", {
    type: "button", title: filter.about, "data-filter": filter.id, "aria-pressed": String(shows[filter.id]),
    onclick: (event) => {
      shows[filter.id] = !shows[filter.id];
      event.currentTarget.setAttribute("aria-pressed", String(shows[filter.id]));
      layout();
      if (chosen === null) draw(); else goTo(chosen, traced);
    },
  }, filter.name)));
  legend();
  layout();
  showDetails();
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (known.includes(wanted)) goTo(wayOf(wanted)[0], wanted);
  else if (tail.violations.length > 0) showViolation(0);
  else draw();
}

function legend() {
  const sample = (classes, ...children) => svg("svg", { width: 46, height: 16, class: "" }, svg("g", { class: `ev ${classes}` }, ...children));
  const arrow = (until = 40) => svg("path", { class: "arrow", d: `M2 8H${until}` });
  const dot = () => svg("circle", { class: "dot", cx: 23, cy: 8, r: 4.5 });
  const rows = [
    [sample("message", arrow(), arrowHead(44, 8, 0)), "packet with messages of applications"],
    [sample("talk", arrow(), arrowHead(44, 8, 0)), "packet with greetings, commands"],
    [sample("tcp", arrow(), arrowHead(44, 8, 0)), "SYN, FIN of a connection"],
    [sample("lost", arrow(30), svg("path", { class: "sign", d: "M26 3l10 10m0-10l-10 10" })), "lost, and why; ↻ sent again"],
    [sample("held", arrow(24), svg("path", { class: "sign", d: "M26 2v12m5-12v12" })), "held by a fault, goes on later"],
    [sample("message", dot()), "an application sent a message"],
    [sample("received", dot()), "an application received one"],
    [sample("empty", dot()), "a call ended without result"],
    [sample("fault", svg("rect", { class: "band", x: 2, y: 1, width: 42, height: 14 }), svg("path", { class: "band-edge", d: "M2 1H44" })), "a fault, as long as it is on"],
    [sample("", svg("path", { class: "life down", d: "M2 8H44" })), "the host is down"],
  ];
  if (lines.some((line) => line.guessed)) rows.push([sample("message guessed", arrow(), arrowHead(44, 8, 0)), "≈ sealed: known by order only"]);
  byId("legend").append(...rows.map(([picture, text]) => html("li", {}, picture, text)));
}

begin();
