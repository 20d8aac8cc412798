"use strict";
(() => {
  // Tables: each heading becomes a button that sorts, and long ones get a field that filters.
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const keyOf = (row, at) => {
    const cell = row.cells[at];
    return cell.dataset.sort === undefined ? cell.textContent : Number(cell.dataset.sort);
  };
  const compare = (one, other) => {
    const areNumbers = typeof one === "number" && typeof other === "number";
    if (areNumbers) return one - other;
    if (typeof one === "number") return -1;
    if (typeof other === "number") return 1;
    return collator.compare(one, other);
  };
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const wasUp = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", wasUp ? "descending" : "ascending");
        const keyed = [...body.rows].map((row) => [keyOf(row, at), row]);
        keyed.sort(([one], [other]) => (wasUp ? compare(other, one) : compare(one, other)));
        body.append(...keyed.map(([, row]) => row));
      });
    });
    if (body.rows.length > 15) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.type = "search";
      label.className = "table-tools";
      label.append("Only rows with ", input);
      table.closest(".table-box").before(label);
      input.addEventListener("input", () => {
        const wanted = input.value.toLowerCase();
        for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
      });
    }
  }

  // The link graph: places come with the page, and are drawn here.
  for (const box of document.querySelectorAll("[data-graph]")) {
    const data = JSON.parse(box.querySelector("[data-nodes]").textContent);
    const canvas = box.querySelector("canvas");
    const pen = canvas.getContext("2d");
    const chosenText = box.querySelector("[data-chosen]");
    const found = box.querySelector("[data-found]");
    const find = box.querySelector("[data-find]");
    const [X, Y, DEPTH, IN, OUT, READ, URL] = [0, 1, 2, 3, 4, 5, 6];
    const nodes = data.nodes;
    const around = nodes.map(() => []);
    for (let at = 0; at < data.links.length; at += 2) {
      around[data.links[at]].push(data.links[at + 1]);
      around[data.links[at + 1]].push(data.links[at]);
    }
    const size = (node) => 3 + Math.min(9, Math.sqrt(node[IN]));
    const view = { scale: 1, x: 0, y: 0 };
    let chosen = -1;
    let matches = null;
    let colors = {};
    let due = false;

    const readColors = () => {
      const style = getComputedStyle(document.documentElement);
      for (const name of ["accent", "line", "ink", "muted", "surface", "bad"])
        colors[name] = style.getPropertyValue(`--${name}`).trim();
    };
    const fit = () => {
      const room = Math.min(canvas.clientWidth, canvas.clientHeight) / 2 - 24;
      view.scale = Math.min(2.5, Math.max(room, 40) / data.radius);
      view.x = canvas.clientWidth / 2;
      view.y = canvas.clientHeight / 2;
      draw();
    };
    const draw = () => {
      if (due) return;
      due = true;
      requestAnimationFrame(paint);
    };
    const lines = (from, to, color, alpha) => {
      pen.strokeStyle = color;
      pen.globalAlpha = alpha;
      pen.beginPath();
      for (let at = from; at < to; at += 2) {
        const one = nodes[data.links[at]];
        const other = nodes[data.links[at + 1]];
        pen.moveTo(one[X], one[Y]);
        pen.lineTo(other[X], other[Y]);
      }
      pen.stroke();
    };
    const dot = (node, color, radius) => {
      pen.beginPath();
      pen.arc(node[X], node[Y], radius, 0, 2 * Math.PI);
      pen.fillStyle = node[READ] ? color : colors.surface;
      pen.strokeStyle = color;
      pen.fill();
      pen.stroke();
    };
    const name = (node) => {
      const text = node[URL].replace(/^https?:\/\//, "");
      return text.length > 42 ? `${text.slice(0, 20)}…${text.slice(-20)}` : text;
    };
    const paint = () => {
      due = false;
      const ratio = window.devicePixelRatio || 1;
      const width = Math.round(canvas.clientWidth * ratio);
      const height = Math.round(canvas.clientHeight * ratio);
      if (canvas.width !== width || canvas.height !== height) {
        canvas.width = width;
        canvas.height = height;
      }
      const scale = view.scale;
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.clearRect(0, 0, width, height);
      pen.setTransform(scale * ratio, 0, 0, scale * ratio, view.x * ratio, view.y * ratio);
      pen.lineWidth = 1 / scale;
      const tree = data.tree * 2;
      // Many links are drawn lightly, and thinner the smaller the picture is.
      const weight = Math.min(1, Math.max(0.25, scale));
      pen.lineWidth = weight / scale;
      lines(tree, data.links.length, colors.muted, Math.min(0.25, 20 / Math.sqrt(data.links.length + 1) / 10));
      lines(0, tree, colors.muted, Math.min(0.6, 12 / Math.sqrt(data.tree + 1)));
      pen.globalAlpha = 1;
      const grow = Math.min(1.5, Math.max(0.3, scale)) / scale;
      nodes.forEach((node, at) => {
        pen.globalAlpha = matches && !matches.has(at) ? 0.18 : 1;
        dot(node, matches && matches.has(at) ? colors.bad : colors.accent, size(node) * grow);
      });
      pen.globalAlpha = 1;
      if (chosen >= 0) {
        pen.strokeStyle = colors.bad;
        pen.lineWidth = 1.5 / scale;
        pen.beginPath();
        for (const at of around[chosen]) {
          pen.moveTo(nodes[chosen][X], nodes[chosen][Y]);
          pen.lineTo(nodes[at][X], nodes[at][Y]);
        }
        pen.stroke();
        dot(nodes[chosen], colors.bad, (size(nodes[chosen]) + 3) * grow);
      }
      label(scale, ratio);
    };
    // Names: of the chosen page and its neighbours, else of the first ones, as far as there is room.
    const label = (scale, ratio) => {
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.font = "12px system-ui, sans-serif";
      pen.textBaseline = "middle";
      const taken = [];
      const few = scale > 0.8 ? 400 : nodes.length < 60 ? 60 : 1;
      const wanted = chosen >= 0 ? [chosen, ...around[chosen].slice(0, 40)] : nodes.slice(0, few).keys();
      for (const at of wanted) {
        const node = nodes[at];
        const x = view.x + node[X] * scale + size(node) + 4;
        const y = view.y + node[Y] * scale;
        const text = name(node);
        const right = x + pen.measureText(text).width;
        if (x < 0 || y < 8 || right > canvas.clientWidth || y > canvas.clientHeight - 8) continue;
        if (taken.some(([a, b, c]) => x < b + 6 && a < right + 6 && Math.abs(y - c) < 16)) continue;
        taken.push([x, right, y]);
        pen.lineWidth = 3;
        pen.strokeStyle = colors.surface;
        pen.strokeText(text, x, y);
        pen.fillStyle = at === chosen ? colors.bad : colors.ink;
        pen.fillText(text, x, y);
        if (taken.length > 40) break;
      }
    };
    const zoom = (factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) => {
      const scale = Math.min(20, Math.max(0.005, view.scale * factor));
      const real = scale / view.scale;
      view.x = x - (x - view.x) * real;
      view.y = y - (y - view.y) * real;
      view.scale = scale;
      draw();
    };
    const move = (x, y) => {
      view.x += x;
      view.y += y;
      draw();
    };
    const plural = (number, thing) => `${number.toLocaleString("en")} ${thing}${number === 1 ? "" : "s"}`;
    const choose = (at) => {
      chosen = at;
      const node = nodes[at];
      const state = node[READ] ? "read" : "only linked to";
      chosenText.textContent =
        `${node[URL]}: ${state}, ${plural(node[DEPTH], "link")} away from the start, ` +
        `${plural(node[IN], "link")} in, ${plural(node[OUT], "link")} out`;
      box.dataset.chosen = at;
      draw();
    };
    const center = (at) => {
      view.scale = Math.max(view.scale, 1.2);
      view.x = canvas.clientWidth / 2 - nodes[at][X] * view.scale;
      view.y = canvas.clientHeight / 2 - nodes[at][Y] * view.scale;
      choose(at);
    };
    const nearest = (x, y) => {
      let best = -1;
      let distance = 20 * 20;
      nodes.forEach((node, at) => {
        const away = (view.x + node[X] * view.scale - x) ** 2 + (view.y + node[Y] * view.scale - y) ** 2;
        if (away < distance) [best, distance] = [at, away];
      });
      return best;
    };

    find.addEventListener("input", () => {
      const wanted = find.value.trim().toLowerCase();
      found.replaceChildren();
      matches = wanted ? new Set() : null;
      if (wanted) nodes.forEach((node, at) => node[URL].toLowerCase().includes(wanted) && matches.add(at));
      for (const at of [...(matches || [])].slice(0, 20)) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = nodes[at][URL];
        button.addEventListener("click", () => center(at));
        const entry = document.createElement("li");
        entry.append(button);
        found.append(entry);
      }
      if (matches) chosenText.textContent = `${plural(matches.size, "page")} found`;
      draw();
    });
    find.addEventListener("keydown", (event) => {
      const first = matches && matches.values().next();
      if (event.key === "Enter" && first && !first.done) center(first.value);
    });
    for (const button of box.querySelectorAll("[data-zoom]"))
      button.addEventListener("click", () => {
        if (button.dataset.zoom === "all") fit();
        else zoom(button.dataset.zoom === "in" ? 1.4 : 1 / 1.4);
      });
    const KEYS = {
      ArrowLeft: () => move(60, 0), ArrowRight: () => move(-60, 0),
      ArrowUp: () => move(0, 60), ArrowDown: () => move(0, -60),
      "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: fit,
    };
    canvas.addEventListener("keydown", (event) => {
      const action = KEYS[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action();
    });
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 250), event.offsetX, event.offsetY);
    }, { passive: false });
    const fingers = new Map();
    let dragged = false;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, event);
      if (fingers.size === 1) dragged = false;
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
      if (other) {
        const apart = (finger) => Math.hypot(finger.offsetX - other.offsetX, finger.offsetY - other.offsetY);
        zoom(apart(event) / Math.max(apart(before), 1), (event.offsetX + other.offsetX) / 2, (event.offsetY + other.offsetY) / 2);
        dragged = true;
      } else if (dragged || Math.hypot(event.offsetX - before.offsetX, event.offsetY - before.offsetY) > 3) {
        move(event.offsetX - before.offsetX, event.offsetY - before.offsetY);
        dragged = true;
      } else return;
      fingers.set(event.pointerId, event);
    });
    const lift = (event) => {
      fingers.delete(event.pointerId);
      if (dragged || event.type !== "pointerup") return;
      const at = nearest(event.offsetX, event.offsetY);
      if (at >= 0) choose(at);
    };
    canvas.addEventListener("pointerup", lift);
    canvas.addEventListener("pointercancel", lift);
    // At once: paper is white, and does not wait for the next frame.
    for (const query of ["(prefers-color-scheme: dark)", "print"])
      matchMedia(query).addEventListener("change", () => { readColors(); paint(); });
    new ResizeObserver(() => fit()).observe(canvas);
    box.graph = { view, nodes };
    readColors();
    fit();
  }
})();
