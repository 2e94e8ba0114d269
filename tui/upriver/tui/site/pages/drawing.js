// Drawings of lineage: boxes in layers from left to right, wires between them.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.flat(Infinity));
  return made;
}

/** The layer of each box: one more than the deepest of those that lead into it. Wires against a cycle count once. */
function layers(boxes, wires) {
  const into = new Map(boxes.map((box) => [box.id, []]));
  for (const wire of wires) into.get(wire.target)?.push(wire.source);
  const known = new Map(), open = new Set();
  const depth = (id) => {
    if (known.has(id)) return known.get(id);
    if (open.has(id)) return 0;
    open.add(id);
    const found = Math.max(0, ...into.get(id).filter((up) => into.has(up) && up !== id).map((up) => depth(up) + 1));
    open.delete(id);
    known.set(id, found);
    return found;
  };
  boxes.forEach((box) => depth(box.id));
  return known;
}

/** Order the boxes of each layer by where their neighbours are, forth and back: fewer wires cross. */
function arrange(columns, wires) {
  const near = new Map();
  for (const wire of wires) {
    for (const [a, b] of [[wire.source, wire.target], [wire.target, wire.source]]) {
      if (!near.has(a)) near.set(a, []);
      near.get(a).push(b);
    }
  }
  const place = new Map();
  const number = () => columns.forEach((column) => column.forEach((box, n) => place.set(box.id, n / column.length)));
  number();
  for (let round = 0; round < 6; round += 1) {
    for (const column of round % 2 ? [...columns].reverse() : columns) {
      const centre = new Map(column.map((box) => {
        const around = (near.get(box.id) || []).filter((id) => place.has(id)).map((id) => place.get(id));
        return [box.id, around.length ? around.reduce((a, b) => a + b) / around.length : place.get(box.id)];
      }));
      column.sort((a, b) => centre.get(a.id) - centre.get(b.id));
      number();
    }
  }
}

function fitted(text, most) {
  return text.length <= most ? text : "…" + text.slice(text.length - most + 1);
}

/**
 * Draw boxes `{id, title, href, state, here, lines: [{id, text, href}]}` and wires `{source, target, from, to, kind}`,
 * where `from` and `to` are ids of lines in the boxes.
 */
function draw(label, boxes, wires) {
  const letters = 30, width = 240, gap = 80, head = 30, step = 22, space = 16;
  const depth = layers(boxes, wires);
  const columns = [];
  for (const box of boxes) (columns[depth.get(box.id)] ||= []).push(box);
  const full = columns.filter(Boolean);
  arrange(full, wires);
  const height = (box) => head + box.lines.length * step + (box.lines.length ? 6 : 0);
  const tallest = Math.max(...full.map((column) => column.reduce((sum, box) => sum + height(box) + space, 0)));
  const at = new Map(), lineAt = new Map(), drawn = [];
  full.forEach((column, layer) => {
    let y = space + (tallest - column.reduce((sum, box) => sum + height(box) + space, 0)) / 2;
    const x = space + layer * (width + gap);
    for (const box of column) {
      at.set(box.id, { x, y: y + head / 2 });
      const title = svg("title", {}, box.title + (box.state ? ", " + box.state : ""));
      drawn.push(svg("a", { href: box.href, "aria-label": box.title + (box.state ? ", " + box.state : "") }, title,
        svg("rect", { class: "box" + (box.here ? " here" : ""), x, y, width, height: height(box), rx: 5 }),
        svg("rect", { class: "tab " + box.state, x, y, width: 6, height: height(box), rx: 3 }),
        svg("text", { x: x + 14, y: y + 20, "font-weight": "600" }, fitted(box.title, letters))));
      box.lines.forEach((line, n) => {
        const middle = y + head + n * step + step / 2;
        lineAt.set(box.id + "\n" + line.id, { x, y: middle });
        const text = svg("text", { x: x + 14, y: middle + 4 }, fitted(line.text, letters));
        drawn.push(line.href ? svg("a", { href: line.href, "aria-label": box.title + ", " + line.text }, text) : text);
      });
      y += height(box) + space;
    }
  });
  const paths = wires.map((wire) => {
    const source = lineAt.get(wire.source + "\n" + wire.from) || at.get(wire.source);
    const target = lineAt.get(wire.target + "\n" + wire.to) || at.get(wire.target);
    if (!source || !target) return [];
    const [x1, y1, x2, y2] = [source.x + width, source.y, target.x, target.y];
    const bend = Math.max(30, Math.abs(x2 - x1) / 2);
    return svg("path", { class: "wire " + wire.kind, d: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}` });
  });
  const all = [space * 2 + full.length * (width + gap) - gap, tallest + space];
  const picture = svg("svg", { width: all[0], height: all[1], viewBox: `0 0 ${all[0]} ${all[1]}`, role: "group", "aria-label": label }, paths, drawn);
  return el("div", { class: "drawing", tabindex: "0", role: "region", "aria-label": label }, picture);
}
