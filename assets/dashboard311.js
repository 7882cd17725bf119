/* The little that happens in the browser: painting figures from token names, following links, menus, dialogs.
   Nothing here asks a question or knows a measure. */
(function () {
  "use strict";
  const root = document.documentElement;
  const NARROW = 480; // layouts/theme.py says the same
  const PHONE = 400;
  const LOWEST_MAP = 260;

  // ── Painting: spec → Plotly figure for the theme in use ──

  const TOKEN = /^\$([a-z][a-z0-9-]*)(?:\/(\d*\.?\d+))?$/;
  const INSIDE = /\$\{([a-z][a-z0-9-]*)\}/g; // "${text-2}" inside a longer string
  let known = {}, knownFor = null;

  function token(name) {
    if (knownFor !== root.dataset.bsTheme) { known = {}; knownFor = root.dataset.bsTheme; }
    if (!(name in known)) known[name] = getComputedStyle(root).getPropertyValue("--" + name).trim();
    return known[name];
  }

  function faded(colour, alpha) {
    const hex = colour.replace("#", "");
    const full = hex.length === 3 ? hex.replace(/./g, "$&$&") : hex;
    const part = (i) => parseInt(full.slice(i, i + 2), 16);
    return `rgba(${part(0)},${part(2)},${part(4)},${alpha})`;
  }

  function coloured(value) {
    if (typeof value === "string") {
      if (!value.includes("$")) return value;
      const found = TOKEN.exec(value);
      if (!found) return value.replace(INSIDE, (all, name) => token(name) || all);
      const seen = token(found[1]);
      if (!seen) return value;
      if (found[2] !== undefined) return faded(seen, found[2]);
      return seen.startsWith("#") || isNaN(seen) ? seen : Number(seen);
    }
    if (Array.isArray(value)) {
      const plain = value.every((one) => typeof one === "number" || one === null);
      return plain ? value : value.map(coloured);
    }
    if (value && typeof value === "object" && !ArrayBuffer.isView(value)) {
      if ("bdata" in value) return value; // a typed array on its way
      const out = {};
      for (const key in value) out[key] = coloured(value[key]);
      return out;
    }
    return value;
  }

  function template(narrow) {
    const axis = {
      automargin: false, zeroline: false, tickcolor: "$line-2", linecolor: "$line-2", title: { text: "" },
      // Where there is room beside a plot no label leaves the card: to look whether one does costs a tenth of a drawing.
      ticklabeloverflow: narrow ? "hide past div" : "allow",
      tickfont: { size: 12, color: "$text-3" },
    };
    return coloured({
      layout: {
        font: { family: token("font"), size: 12, color: "$text-3" },
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, autosize: true,
        colorway: ["$series", "$cat-2", "$cat-3", "$cat-4", "$cat-5", "$cat-6"],
        margin: { l: 44, r: narrow ? 12 : 84, t: 28, b: 28, pad: 0 },
        xaxis: {
          ...axis, showgrid: false, ticks: "outside", ticklen: 4, showline: true, nticks: narrow ? 4 : 7,
        },
        yaxis: {
          ...axis, gridcolor: "$line", gridwidth: 1, zeroline: true, zerolinecolor: "$line-2", zerolinewidth: 1,
          ticks: "", nticks: 5, rangemode: "tozero", fixedrange: true, ticklabelstandoff: 6,
        },
        hovermode: "closest", dragmode: false, selectdirection: "h",
        hoverlabel: { bgcolor: "$surface", bordercolor: "$line-2", align: "left", namelength: -1,
          font: { size: 12, color: "$text", family: token("font") } },
        bargap: 0.38, bargroupgap: 0.1, barcornerradius: 2,
        newselection: { line: { color: "$accent", width: 1, dash: "solid" } },
        activeselection: { fillcolor: "$accent", opacity: 0.12 },
        annotationdefaults: { showarrow: false, font: { size: 12, color: "$text-2" } },
        coloraxis: { showscale: false },
        map: {
          style: { version: 8, sources: {}, layers: [ // no glyphs: nothing is fetched from a foreign host
            { id: "ground", type: "background", paint: { "background-color": "$outside" } }] },
        },
      },
      data: {
        bar: [{ marker: { color: "$series", line: { width: 0 } }, textfont: { size: 12, color: "$text" } }],
        scatter: [{ line: { width: 2 }, marker: { size: 4 }, textfont: { size: 12, color: "$text-2" } }],
        heatmap: [{ showscale: false, xgap: 1, ygap: 1,
          colorscale: [0, 1, 2, 3, 4, 5, 6].map((i) => [i / 6, "$seq-" + i]) }],
        choroplethmap: [{ showscale: false, marker: { line: { width: 0 } } }],
      },
    });
  }

  // Civil dates in the city's order. Lists are not taken from a template, so every date axis is given them here.
  const DATES = {
    hoverformat: "%a %-d %b %Y", unifiedhovertitle: { text: "<b>%{x|%a %-d %b %Y}</b>" },
    tickformatstops: [
      { dtickrange: [null, 86399999], value: "%H:%M" },
      { dtickrange: [86400000, 2591999999], value: "%-d %b" },
      { dtickrange: ["M1", "M11"], value: "%b %Y" },
      { dtickrange: ["M12", null], value: "%Y" },
    ],
  };
  const isDay = (value) => typeof value === "string" && /^\d{4}-\d\d-\d\d/.test(value);

  function withAxes(layout, data) {
    const out = { ...layout };
    for (const trace of data || []) {
      for (const letter of ["x", "y"]) {
        const name = letter + "axis" + (trace[letter + "axis"] || letter).slice(1);
        const values = trace[letter];
        if (!Array.isArray(values) || typeof values[0] !== "string") continue;
        if (isDay(values[0])) out[name] = { ...DATES, ...out[name] };
        else if (values.length <= 60) out[name] = { dtick: 1, ...out[name] }; // every name is written
      }
    }
    return out;
  }

  function elementOf(id) {
    const sorted = {};
    Object.keys(id).sort().forEach((key) => { sorted[key] = id[key]; });
    return document.getElementById(JSON.stringify(sorted));
  }

  const isMap = (figure) => (figure.data || []).some((trace) => /^(scatter|choropleth|density)map$/.test(trace.type || ""));

  let webgl = null;
  function drawsMaps() { // without WebGL a map would throw; its list holds the same
    if (webgl === null) webgl = Boolean(document.createElement("canvas").getContext("webgl2"));
    return webgl;
  }

  function painted(spec, width) {
    const narrow = width < NARROW;
    const { narrow: forPhone, ...wide } = spec.figure;
    const figure = coloured(width < PHONE && forPhone ? forPhone : wide);
    const layout = { ...withAxes(figure.layout, figure.data), template: template(narrow), selections: [] };
    delete layout.width; // the card decides
    layout.height = layout.height || spec.height;
    if (isMap(figure) && layout.dragmode === undefined) layout.dragmode = "pan";
    const fittedFor = (layout.meta || {}).fittedFor;
    if (fittedFor > width) { // seen from further off, a city needs less height too
      layout.map = { ...layout.map, zoom: layout.map.zoom + Math.log2(width / fittedFor) };
      layout.height = Math.max(LOWEST_MAP, Math.round(layout.height * width / fittedFor));
    }
    if (spec.brush && layout.dragmode === undefined && !narrow) layout.dragmode = "select";
    if (narrow && !(figure.layout && figure.layout.margin && "r" in figure.layout.margin)) {
      // No room beside the plot: of the labels at the end of a line the number moves above it, the key names the line;
      // a target's name moves to the left above its line.
      const ground = faded(token("surface"), 0.8);
      layout.annotations = (layout.annotations || []).map((note) => note.name === "end"
        ? { ...note, text: note.text.split("<br>")[0], xanchor: "right", xshift: -8, yshift: (note.yshift || 0) + 14,
          bgcolor: ground }
        : note.name === "target"
        ? { ...note, text: note.text.replace("<br>", " "), x: 0, xshift: 4, yanchor: "bottom", yshift: 0, bgcolor: ground }
        : note);
    }
    return { ...figure, layout: narrow ? drawnNarrow(layout) : drawnTight(layout, width) };
  }

  // On a small desk: names of many steps with numbers under them would run into each other.
  function drawnTight(layout, width) {
    const axis = layout.xaxis || {}, names = axis.ticktext || [];
    const longest = Math.max(0, ...names.flatMap((name) => String(name).split("<br>"))
      .map((part) => part.replace(/<[^>]+>/g, "").length));
    const room = (width - 180) / (names.length || 1);
    if (room >= 7 * longest || longest > 8) return layout;
    return { ...layout, xaxis: { ...axis, tickfont: { size: 10 } } };
  }

  // On a phone: what stands beside the plot is left to the key in the foot, and of many named ticks every nth stays.
  function drawnNarrow(layout) {
    const notes = layout.annotations || [];
    const event = notes.find((note) => note.name === "event"); // the latest; there is no room for more
    const kept = notes.filter((note) => note.name !== "beside" && note.name !== "inside"
      && note.name !== "event-wide" && (note.name !== "event" || note === event));
    const margin = notes.some((note) => note.name === "beside") ? { ...layout.margin, r: 12 } : layout.margin;
    const axis = { ...layout.xaxis };
    if (axis.ticktext && axis.tickvals.length > 6) {
      const nth = Math.ceil(axis.tickvals.length / 6), last = axis.tickvals.length - 1;
      const stays = (_, i) => (last - i) % nth === 0;
      Object.assign(axis, { tickvals: axis.tickvals.filter(stays), ticktext: axis.ticktext.filter(stays) });
    }
    return { ...layout, annotations: kept, margin, xaxis: axis };
  }

  // ── Cards: what the server answered is put in place, and its figure drawn ──

  // plotly.js comes with the page, but takes the browser a second to read: it does so while the server works out the
  // first answer, not before it is asked.
  let readPlotly = null;
  const plotly = new Promise((there) => {
    readPlotly = () => {
      readPlotly = () => {};
      const script = document.createElement("script");
      script.src = document.getElementById("plotly").href;
      script.onload = () => there(window.Plotly);
      document.head.append(script);
    };
  });
  const specs = new WeakMap(); // card → the figure as the server wrote it
  const drawn = new Set(); // graphs that hold a figure
  const drawnAs = new WeakMap(); // graph → the words of its figure, while it looks as it was drawn
  const early = []; // answers that came before their cards

  function configOf(card) {
    const page = document.getElementById("page");
    return JSON.parse(card.dataset.tools === "map" ? page.dataset.map : page.dataset.graph);
  }

  let here = { path: "", search: "" }, at = ""; // whose answers are wanted: those to an earlier address may come late
  const addressOf = (answers) => answers.path + answers.search;

  function show(answers) {
    if (addressOf(answers) !== at) return;
    const grid = document.querySelector("#page > .grid");
    if (!grid || grid.dataset.view !== answers.view) { early.push(answers); return; }
    isOld(grid, answers.later.map((name) => cardOf(grid, name)));
    const cards = Object.entries(answers.cards).map(([name, told]) => [cardOf(grid, name), told]).filter(([card]) => card);
    const first = cards.map(([card]) => card).filter(isInSight);
    cards.forEach(([card, told]) => fill(card, told));
    // Maps are drawn beside the page, so they begin; then what the reader looks at.
    const rank = (card) => isMap(specs.get(card)?.figure || {}) ? 0 : first.includes(card) ? 1 : 2;
    drawAll(cards.map(([card]) => card).sort((a, b) => rank(a) - rank(b)));
  }
  function isInSight(card) {
    const { top, bottom } = card.getBoundingClientRect();
    return bottom > 0 && top < window.innerHeight;
  }
  // Cards of a row are equally high: what room a figure has is known when all around it stand. Reading sizes and setting
  // them in turn, the browser would lay the page out anew for every card.
  function drawAll(cards, atOnce = false) {
    const figures = cards.map(figureOf);
    cards.forEach((card, i) => makeRoom(card, figures[i]));
    level();
    const heights = cards.map((card) => heightIn(card.querySelector(".chart")));
    cards.forEach((card, i) => draw(card, figures[i], heights[i], atOnce));
  }
  // What was answered before stays until the next answer; only if that takes its time, it is seen to be old. To fade all
  // cards and bring them back takes a browser longer than most answers.
  const LATE_MS = 300;
  let late = 0;
  function isOld(grid, cards) {
    clearTimeout(late);
    cards.forEach((card) => { if (card) card.dataset.old = ""; });
    if (!cards.length) delete grid.dataset.late;
    else if (!("late" in grid.dataset)) late = setTimeout(() => { grid.dataset.late = ""; }, LATE_MS);
  }
  const cardOf = (grid, name) => grid.querySelector(`:scope > [data-panel="${CSS.escape(name)}"]`);

  function showEarly() {
    early.splice(0).forEach(show);
  }

  function fill(card, told) {
    delete card.dataset.old;
    card.querySelector(".state").className = told.state;
    put(card.querySelector(".answer"), told.sentence);
    put(card.querySelector(".body"), told.body);
    put(card.querySelector(".foot"), told.foot);
    if ("list" in told) {
      const id = { type: "grid-spec", view: card.parentElement.dataset.view, panel: card.dataset.panel };
      window.dash_clientside.set_props(id, { data: told.list });
    }
    if (told.figure) unpack(told.figure.figure);
    if (told.figure) specs.set(card, told.figure); else specs.delete(card);
  }

  const waiting = (grid) => [...grid.querySelectorAll(":scope > [data-panel]")]
    .filter((card) => "old" in card.dataset || card.querySelector(".state").classList.contains("is-waiting"));

  // Dash says nothing of a post that fails: what stood there before would stay, under an address it does not belong to.
  let silent = ""; // the address to which the server gave no answer
  const plainFetch = window.fetch.bind(window);
  window.fetch = (address, options = {}) => {
    const answer = plainFetch(address, options);
    const isLost = (status) => unanswered(JSON.parse(options.body), status);
    if (options.method === "POST") answer.then(({ ok, status }) => { if (!ok) isLost(status); }, () => isLost(0));
    return answer;
  };
  const SILENCE = "The server did not answer.";
  const SILENT = { state: "state is-failed", sentence: `<i class="mark m-misses" aria-hidden="true"></i> ${SILENCE}`,
    figure: null, body: "", foot: "" };
  function unanswered({ output, inputs }, status) {
    if ("leaves" in document.documentElement.dataset) return;
    if (status === 401) { location.reload(); return; } // the session is over; the page itself leads to the entrance
    say(SILENCE);
    if (output === "chosen.data") picks = [];
    if (output === "table.data") document.querySelectorAll("dialog.as-table[open] .dialog-body").forEach((place) => {
      put(place, SILENT.sentence);
      tableOf.delete(place);
    });
    const [first, second] = inputs.map(({ value }) => value);
    const asked = { "answers.data": { path: first, search: second || "" }, "later-answers.data": first }[output];
    if (asked && addressOf(asked) === at) { silent = at; tellSilence(); }
  }
  function tellSilence() {
    const grid = document.querySelector("#page > .grid"), cards = grid ? waiting(grid) : [];
    if (!cards.length) return;
    cards.forEach((card) => {
      const isList = elementOf({ type: "grid-place", view: grid.dataset.view, panel: card.dataset.panel });
      fill(card, isList ? { ...SILENT, list: null } : SILENT);
    });
    isOld(grid, []);
    drawAll(cards);
  }

  const MANY = 8; // layouts/figures/packing.py says the same
  const written = { // and this as well
    count: (height) => height.toLocaleString("en-US"), share: (height) => (100 * height).toFixed(1) + "\u00a0%",
  };
  function unpack(figure) { // what is said once and meant twice, days by their first, numbers by those a week before
    const lists = [];
    const whole = (node) => {
      if (node === null || typeof node !== "object") return node;
      if ("again" in node) return lists[node.again];
      if ("from" in node && "step" in node) {
        const day = (at) => new Date(Date.parse(node.from) + at * node.step * 864e5).toISOString().slice(0, 10);
        node = Array.from({ length: node.n }, (_, at) => day(at));
      } else if ("first" in node && "n" in node) {
        const kind = typeof node.first === "string" ? String : Number, first = Number(node.first);
        node = Array.from({ length: node.n }, (_, at) => kind(first + at));
      } else if ("lag" in node) {
        const { lag, more } = node;
        node = more.slice();
        for (let at = lag; at < node.length; at += 1) node[at] += node[at - lag];
      } else if (!Array.isArray(node) || node.some((value) => value !== null && typeof value === "object")) {
        Object.keys(node).forEach((key) => { if (!node[key]?.said) node[key] = whole(node[key]); });
        if (node.text?.said) {
          const write = written[node.text.said];
          node.text = node.y.map((height) => height === null ? "" : write(height));
        }
        return node;
      }
      if (node.length >= MANY) lists.push(node);
      return node;
    };
    [figure, figure.narrow].forEach((one) => { if (one) one.data = whole(one.data); });
  }

  function figureOf(card) { // null where nothing is drawn
    const spec = specs.get(card);
    if (!spec || (isMap(spec.figure) && !drawsMaps())) return null;
    const chart = card.querySelector(".chart"), width = chart.clientWidth || window.innerWidth;
    drawnFor.set(chart, kindOf(width));
    return painted(spec, width);
  }

  function makeRoom(card, figure) {
    const chart = card.querySelector(".chart");
    chart.className = figure ? (isMap(figure) ? "chart is-map" : "chart") : specs.has(card) ? "chart no-webgl" : "chart is-absent";
    chart.style.minHeight = (figure ? figure.layout.height : 0) + "px";
  }

  const HOLE = 48; // a card has no larger one: beside a higher card a figure grows instead
  function heightIn(chart) {
    const own = parseFloat(chart.style.minHeight), room = chart.clientHeight;
    return room - own > HOLE ? room : own;
  }

  const wanted = new WeakMap(); // graph → the words of the figure asked of it last, drawn or not
  function draw(card, figure, height, atOnce) {
    const chart = card.querySelector(".chart"), graph = chart.firstElementChild, spec = specs.get(card);
    if (!figure) {
      if (drawn.has(graph)) takeDown(graph);
      return;
    }
    const play = card.querySelector(".play");
    if (play) wholeAgain(play); // the map is painted as of the whole period
    figure.layout.height = height;
    setHeight(chart, height);
    const told = placesIn(figure), as = JSON.stringify(figure);
    const isSame = () => {
      if (drawnAs.get(graph) !== as) return false;
      if (told) { tell(graph, told, places.get(graph).all); showPlaces(graph); }
      return true;
    };
    wanted.set(graph, as); // what was asked before, and is not drawn yet, will not be
    if (isSame()) return;
    const paint = (Plotly, all) => {
      if (!graph.isConnected || specs.get(card) !== spec || wanted.get(graph) !== as || isSame()) return;
      if (told) { tell(graph, told, all); figure.data[told.at] = groundOf(graph); } else places.delete(graph);
      const drawing = Plotly.react(graph, figure.data, figure.layout, configOf(card));
      if (!told || all.at.size) drawnAs.set(graph, as); // shapes that did not come are asked for again
      follow(graph, drawing.then(() => showPlaces(graph), () => drawnAs.delete(graph)));
      if (drawn.has(graph)) return;
      drawn.add(graph);
      sizes.observe(chart);
      graph.removeAllListeners(); // drawn again before it was taken down, it has them yet
      graph.on("plotly_click", (what) => pickMark(card, what));
      graph.on("plotly_selected", (what) => pickRange(card, what));
      // It no longer looks as it was drawn; only a map keeps where the reader moved it when it is drawn again.
      const isChanged = () => drawnAs.delete(graph);
      graph.on("plotly_selected", (what) => { if (what && what.points.length) isChanged(); }); // a new map tells of none
      graph.on("plotly_restyle", isChanged);
      if (!isMap(figure)) graph.on("plotly_relayout", isChanged);
      // A map of places tells its list what the mouse is over.
      graph.on("plotly_hover", (what) => { if (places.has(graph)) pointAt(what.points[0].location, card.parentElement); });
      graph.on("plotly_unhover", () => { if (places.has(graph)) pointAt(null, card.parentElement); });
    };
    if (atOnce && window.Plotly && !told) { paint(window.Plotly); return; }
    // One after the other: words are read and clicks heard between them.
    Promise.all([plotly, told && hexagonsAt(told.hexagons.geojson)]).then((all) => setTimeout(paint, 0, ...all));
  }

  const kindOf = (width) => width < PHONE ? "phone" : width < NARROW ? "narrow" : "wide"; // as `painted` tells them apart
  const drawnFor = new WeakMap(); // chart → the kind of width its figure was painted for

  function setHeight(chart, height) {
    chart.firstElementChild.style.height = height + "px";
    chart.style.setProperty("--drawn", height + "px"); // on paper, where nobody measures, it keeps so much room
  }

  const sizes = new ResizeObserver((changes) => changes.forEach(({ target: chart }) => {
    const graph = chart.firstElementChild, layout = (graph || {})._fullLayout, height = heightIn(chart);
    if (!layout || !drawn.has(graph) || !graph.clientWidth) return;
    if (Math.abs(graph.clientWidth - layout.width) <= 1 && Math.abs(height - layout.height) <= 1) return;
    if (kindOf(chart.clientWidth) !== drawnFor.get(chart)) { drawAll([chart.closest("[data-panel]")]); return; }
    setHeight(chart, height);
    follow(graph, window.Plotly.Plots.resize(graph));
  }));

  // Plotly draws in steps, each waiting for the one before; taken down meanwhile, it would go on with what is gone
  // (“_rangeSliderData” of undefined): a graph is taken down after the last step of what we asked of it (`asked`: fitting
  // one to its card begins with a pause) and of what Plotly asked of itself (`_promises`: a click on a legend).
  const asked = new WeakMap(); // graph → a promise, kept when all that was asked is done
  function follow(graph, drawing) { asked.set(graph, Promise.allSettled([asked.get(graph), drawing])); }
  function takeDown(graph) {
    drawn.delete(graph);
    drawnAs.delete(graph);
    marked.delete(graph);
    places.delete(graph);
    if (graph.parentElement) sizes.unobserve(graph.parentElement);
    Promise.allSettled([asked.get(graph), ...(graph._promises || [])]).then(() => setTimeout(() => {
      if (!drawn.has(graph)) window.Plotly.purge(graph);
    }, 0));
  }

  // ── Places of a map: no answer changes their shapes, so the map is not drawn anew for one. What was counted in them is
  // their colour, which a map keeps as a state of theirs; which are chosen or pointed at lies above it as outlines. ──

  const UNMARKED = { chosen: [], pointed: null };
  const places = new WeakMap(); // graph → what its answer tells of places, as `placesIn` and `tell` put it together
  const marked = new WeakMap(); // graph → { chosen: [cell], pointed: cell or null }
  const overlays = new WeakMap(); // map → the drawing on it
  const states = new WeakMap(); // source of a map → position of a hexagon → its colour
  const files = new Map(); // address of hexagons → a promise of them: { at: cell → position, corners: [of each] }

  function placesIn(figure) { // taken out: a figure that tells something else of the same places is the same figure
    const { places: told, slices, ...meta } = figure.layout.meta || {};
    if (!told) return null;
    const at = figure.data.findIndex((trace) => trace.type === "choroplethmap"), hexagons = figure.data[at];
    figure.layout.meta = meta;
    figure.data[at] = { geojson: hexagons.geojson };
    return { ...told, at, hexagons, slices: slices || [], z: hexagons.z };
  }

  function tell(graph, told, all) {
    const { words = new Array(all.corners.length) } = places.get(graph) || {};
    const same = words.length === all.corners.length ? words : new Array(all.corners.length);
    same.fill(told.quiet); // Plotly reads them when it shows one
    const { locations, hovertext } = told.hexagons;
    locations.forEach((cell, i) => { if (all.at.has(cell)) same[all.at.get(cell)] = hovertext[i]; });
    places.set(graph, { ...told, all, words: same });
    marked.set(graph, { ...UNMARKED, ...marked.get(graph), chosen: told.chosen });
  }

  function groundOf(graph) { // all of the city's hexagons, not to be seen: they tell what the mouse is over
    const { hexagons, all, words } = places.get(graph), { geojson, featureidkey, hovertemplate, below } = hexagons;
    return { type: "choroplethmap", geojson, featureidkey, hovertemplate, below, hovertext: words, showscale: false,
      locations: [...all.at.keys()], z: words.map(() => 0), zmin: 0, zmax: 1, marker: { opacity: 0, line: { width: 0 } } };
  }

  function mark(graph, change) {
    const was = marked.get(graph) || UNMARKED, now = { ...was, ...change };
    if (JSON.stringify(now) === JSON.stringify(was)) return;
    marked.set(graph, now);
    showMarks(graph);
  }

  function hexagonsAt(address) {
    if (!files.has(address)) {
      files.set(address, fetch(address).then((answer) => answer.json()).then(({ features }) => ({
        at: new Map(features.map(({ id }, i) => [id, i])), corners: features.map(({ geometry }) => geometry.coordinates[0]),
      })).catch(() => { files.delete(address); return { at: new Map(), corners: [] }; }));
    }
    return files.get(address);
  }

  const mapOf = (graph) => (((graph._fullLayout || {}).map || {})._subplot || {}).map;
  function showPlaces(graph) { colourPlaces(graph); showMarks(graph); }

  function colourPlaces(graph) {
    const map = mapOf(graph), told = places.get(graph), source = map && told && drawn.has(graph) && map.getSource(PLACES);
    if (!source) return; // not there yet, or taken down meanwhile
    const colours = told.hexagons.colorscale.filter((_, i) => i % 2).map(([, colour]) => CLEAR.test(colour) ? null : colour);
    const was = states.get(source) || new Map(), now = new Map();
    told.hexagons.locations.forEach((cell, i) => {
      const colour = colours[told.z[i]];
      if (colour && told.all.at.has(cell)) now.set(told.all.at.get(cell), colour);
    });
    const paint = (id, colour) => map.setFeatureState({ source: PLACES, id }, { colour });
    was.forEach((_, id) => { if (!now.has(id)) paint(id, null); });
    now.forEach((colour, id) => { if (was.get(id) !== colour) paint(id, colour); });
    states.set(source, now);
  }
  const PLACES = "places"; // layouts/figures/maps.py says the same
  const CLEAR = /^rgba\(.*,0\)$/;

  function showMarks(graph) {
    const map = mapOf(graph), told = places.get(graph);
    if (!map || !told || !drawn.has(graph)) return; // not there yet: it is marked once it is
    if (!overlays.has(map)) {
      const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      drawing.setAttribute("class", "map-marks");
      drawing.setAttribute("aria-hidden", "true");
      drawing.innerHTML = '<path class="others"/><path class="chosen"/><path class="pointed"/><g class="numbers"/>';
      map.getCanvasContainer().append(drawing);
      overlays.set(map, drawing);
      map.on("render", () => showMarks(graph)); // moved, they move along
    }
    const now = marked.get(graph) || UNMARKED, { clientWidth, clientHeight } = map.getCanvas();
    const at = ([lng, lat]) => { const { x, y } = map.project([lng, lat]); return x.toFixed(1) + "," + y.toFixed(1); };
    const path = (cells) => cells.map((cell) => told.all.corners[told.all.at.get(cell)]).filter(Boolean)
      .map((corners) => "M" + corners.map(at).join("L") + "Z").join("");
    const chosen = path(now.chosen), all = `M0,0H${clientWidth}V${clientHeight}H0Z`;
    const paths = [now.chosen.length ? all + chosen : "", chosen, now.pointed ? path([now.pointed]) : ""];
    const [others, ringed, pointed, numbers] = overlays.get(map).children;
    [others, ringed, pointed].forEach((one, i) => { if (one.getAttribute("d") !== paths[i]) one.setAttribute("d", paths[i]); });
    put(numbers, numbersOf(told).map(([middle, number]) =>
      `<g transform="translate(${at(middle)})"><circle r="7.5"/><text dy=".36em">${number}</text></g>`).join(""));
  }

  function numbersOf({ all, numbers = [] }) { // the first places of a list: where, and which
    return numbers.filter(([cell]) => all.at.has(cell)).map(([cell, number]) => {
      const own = all.corners[all.at.get(cell)].slice(1); // the first corner is the last once more
      return [[0, 1].map((axis) => own.reduce((sum, one) => sum + one[axis], 0) / own.length), Number(number)];
    });
  }

  // A click shows at once; what the server answers takes its place.
  function markAhead(chosenOn) {
    drawn.forEach((graph) => {
      const told = places.get(graph);
      if (told) mark(graph, { chosen: chosenOn(told.name, (marked.get(graph) || UNMARKED).chosen) });
    });
  }
  const cellsIn = (text) => text.split(".").filter(Boolean).map((cell) => cell.padEnd(15, "f"));

  // A picture of the map is made of its traces: in it colours, numbers and chosen places are some of their own, the
  // others faded.
  function dataForPicture(graph) {
    const told = places.get(graph);
    if (!told) return graph.data;
    const { chosen } = marked.get(graph) || UNMARKED, { z } = told, coloured = { ...told.hexagons, z };
    const middles = numbersOf(told);
    const numbers = { type: "scattermap", mode: "markers+text", textposition: "middle center", below: "",
      lon: middles.map(([[lon]]) => lon), lat: middles.map(([[, lat]]) => lat), text: middles.map(([, n]) => String(n)),
      marker: { size: 15, color: token("surface") }, textfont: { size: 11, color: token("text") } };
    const { locations } = coloured, here = chosen.filter((cell) => locations.includes(cell));
    const ringed = { ...coloured, locations: here, z: here.map((cell) => z[locations.indexOf(cell)]), below: "outlines",
      marker: { opacity: 1, line: { color: token("text"), width: 2.2 } } };
    const others = { ...coloured, marker: { ...coloured.marker, opacity: 0.38 } };
    const shown = chosen.length ? [others, ringed] : [coloured];
    return [...graph.data.flatMap((trace, i) => i === told.at ? shown : [trace]), numbers];
  }

  // ── Marks: what was clicked or brushed becomes a value for the server to toggle ──

  let picks = []; // made at this address, which does not tell of them yet: the next post takes the place of the last
  function pick(what) {
    picks.push(what);
    window.dash_clientside.set_props("picked", { data: { ...here, picks: [...picks], at: Date.now() } });
  }
  function picked(card, what) {
    const spec = specs.get(card) || {};
    pick({ view: card.parentElement.dataset.view, panel: card.dataset.panel, every: spec.every || null, ...what });
  }

  function valueAt(point) { // what a mark stands for; a map's places are their own
    const own = point.customdata !== undefined ? point.customdata : ((point.data || {}).customdata || [])[point.pointNumber];
    const value = Array.isArray(own) ? own[0] : own;
    return value === undefined || value === null ? point.location : value;
  }

  function pickMark(card, what) {
    const value = what.points.map(valueAt).find((one) => one !== undefined && one !== null);
    if (value === undefined) return;
    const { name } = places.get(graphs(card)) || {};
    markAhead((by, chosen) => by !== name ? chosen
      : chosen.includes(value) ? chosen.filter((cell) => cell !== value) : [...chosen, value]);
    picked(card, { value: String(value) });
  }

  function pickRange(card, what) {
    if (what && what.range && what.range.x) { picked(card, { range: what.range.x }); return; }
    const all = ((what && what.points) || []).map((point) => point.location !== undefined ? point.location : valueAt(point));
    const told = places.get(graphs(card)), counted = told && new Set(told.hexagons.locations); // not the quiet ones
    const values = [...new Set(all.filter((one) => one !== undefined && one !== null).map(String))]
      .filter((one) => !counted || counted.has(one));
    if (values.length) picked(card, { values });
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    dashboard311: {
      begin(path, search) {
        here = { path, search: search || "" };
        at = addressOf(here);
        silent = "";
        picks = [];
        ahead.clear();
        document.querySelectorAll("dialog.as-table[open]").forEach((dialog) => dialog.close()); // it told of another
        setTimeout(readPlotly, 0);
        const grid = document.querySelector("#page > .grid");
        if (grid) isOld(grid, [...grid.querySelectorAll(":scope > [data-panel]")]);
        return window.dash_clientside.no_update;
      },
      show(answers) {
        if (!answers || !answers.view) return;
        show(answers);
        if (!answers.next) return;
        // What comes first is looked at before the rest is asked: a frame is drawn between, and one of a map. A page nobody
        // sees draws none.
        const ask = () => {
          if (addressOf(answers) === at) window.dash_clientside.set_props("later", { data: answers.next });
        };
        if (document.hidden) ask(); else requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(ask, 0)));
      },
      choose(told) { // whoever has gone on to another address stays there
        if (told && addressOf(told) === location.pathname + location.search) go(told.path + told.then);
      },
      table(told) {
        const card = told && addressOf(told) === at && document.querySelector(cardIn(told));
        if (card) put(tableIn(card), told.table);
      },
      list(spec, id) { // another list is another grid; the same one stays as it is, scrolled and sorted
        const none = window.dash_clientside.no_update;
        const place = elementOf({ ...id, type: "grid-place" });
        if (!spec) { if (place) delete place.dataset.key; return null; }
        if (!place || (place.dataset.key === spec.key && place.firstElementChild)) return none;
        place.dataset.key = spec.key;
        const holder = structuredClone(spec.grid), grid = holder.props.children[0].props;
        const narrow = window.innerWidth < 768;
        const onPhones = { width: undefined, minWidth: 96, flex: 1, wrapText: true, suppressHeaderFilterButton: true };
        // Hidden, not left out: a list keeps its order and its conditions on columns that a phone has no room for.
        grid.columnDefs = grid.columnDefs.map(({ onPhone, ...column }) =>
          !narrow ? column : { ...column, ...(onPhone ? onPhones : { hide: true }) });
        if (narrow) grid.dashGridOptions = { ...grid.dashGridOptions, rowHeight: 50 };
        return holder;
      },
      order(state) { // the order and the conditions of a list live in the address, without a step back for each
        if (!state) return window.dash_clientside.no_update;
        const query = new URLSearchParams(location.search);
        const before = query.toString();
        for (const name of ["sort", "where"]) {
          query.delete(name);
          state[name].forEach((value) => query.append(name, value));
        }
        if (query.toString() !== before) {
          const search = query.toString();
          history.replaceState(history.state, "", location.pathname + (search ? "?" + search : ""));
          window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
        }
        return window.dash_clientside.no_update;
      },
      title(words) {
        if (words) document.title = words;
        tick();
        return window.dash_clientside.no_update;
      },
    },
  });

  function repaint(atOnce = false) {
    const cards = [...document.querySelectorAll("#page > .grid > [data-panel]")].filter((card) => specs.has(card));
    drawAll(cards, atOnce);
  }
  document.addEventListener("theme", () => { repaint(); tick(); });
  window.addEventListener("resize", () => {
    reachable();
    level();
  });

  let before = null;
  window.addEventListener("beforeprint", () => {
    before = root.dataset.bsTheme;
    if (before === "dark") { root.dataset.bsTheme = "light"; repaint(true); } // paper waits for nobody
  });
  window.addEventListener("afterprint", () => {
    if (before === "dark") { root.dataset.bsTheme = "dark"; repaint(); }
  });

  // ── What depends on the reader's clock, and on sizes ──

  function age(seconds) {
    const steps = [[86400 * 365, "year"], [86400 * 30, "month"], [86400, "day"], [3600, "hour"], [60, "minute"]];
    for (const [size, word] of steps) {
      const n = Math.floor(seconds / size);
      if (n >= 1) return `${n} ${word}${n > 1 ? "s" : ""} ago`;
    }
    return "just now";
  }

  function tick() {
    document.querySelectorAll("[data-since]").forEach((place) => {
      const seconds = (Date.now() - Date.parse(place.dataset.since)) / 1000;
      const words = "refreshed " + age(Math.max(0, seconds));
      if (place.textContent !== words) place.textContent = words;
      const hours = Number(place.dataset.refreshHours || 0);
      const line = place.closest(".asof");
      if (line && hours) {
        const late = seconds > hours * 3600;
        line.classList.toggle("is-late", late);
        const mark = line.querySelector(".mark");
        mark.classList.toggle("m-near", late);
        mark.classList.toggle("m-meets", !late);
      }
    });
    document.querySelectorAll("[data-theme-choice]").forEach((button) => {
      if (button !== root) {
        button.setAttribute("aria-pressed", String(button.dataset.themeChoice === root.dataset.themeChoice));
      }
    });
    document.querySelectorAll(".print-address").forEach((place) => { place.textContent = location.href; });
  }

  function reachable() { // a table that scrolls sideways can be scrolled by keyboard
    document.querySelectorAll(".table-wrap").forEach((wrap) => {
      if (wrap.scrollWidth > wrap.clientWidth + 1) wrap.setAttribute("tabindex", "0");
      else wrap.removeAttribute("tabindex");
    });
  }

  let levelled = "";
  function level() { // beside each other, figures begin at one height though one sentence takes a line more
    const sentences = [...document.querySelectorAll(".grid > .panel:not(.tile) > .is-ready ~ .answer")];
    const now = window.innerWidth + sentences.map((words) => words.textContent).join("|");
    if (now === levelled) return;
    levelled = now;
    const rows = new Map();
    sentences.forEach((words) => {
      words.style.minHeight = "";
      const top = words.offsetParent && words.closest(".panel").offsetTop;
      if (top !== null) rows.set(top, [...(rows.get(top) || []), words]);
    });
    rows.forEach((row) => {
      const most = Math.max(...row.map((words) => words.offsetHeight));
      if (row.length > 1) row.forEach((words) => { if (words.offsetHeight < most) words.style.minHeight = most + "px"; });
    });
  }

  // ── Markup: what is only looked at comes as HTML in an attribute (layouts/markup.py) and is put in place here ──

  const placed = new WeakMap(); // place → what stands there
  function put(spot, text) {
    if (placed.get(spot) === text) return;
    placed.set(spot, text);
    const focused = document.activeElement;
    const had = spot.contains(focused) && focused !== spot ? focused : null;
    spot.innerHTML = text;
    if (!had) return;
    // The same control, drawn anew, keeps the keyboard's place.
    const same = had.id ? document.getElementById(had.id)
      : [...spot.querySelectorAll(had.tagName)].find((one) => one.textContent === had.textContent);
    if (same) same.focus({ preventScroll: true });
  }
  function place(spot) { // a card may be another one now
    specs.delete(spot);
    delete spot.dataset.old;
    put(spot, spot.dataset.markup || "");
  }
  new MutationObserver((changes) => {
    changes.forEach((change) => {
      if (change.type === "attributes") place(change.target);
      change.addedNodes.forEach((node) => {
        if (node.nodeType !== 1) return;
        if (node.dataset.markup) place(node);
        node.querySelectorAll("[data-markup]").forEach(place);
      });
    });
    drawn.forEach((graph) => { if (!graph.isConnected) takeDown(graph); });
    if (early.length) showEarly();
    if (silent) tellSilence();
  }).observe(root, { attributes: true, attributeFilter: ["data-markup"], childList: true, subtree: true });

  setInterval(tick, 30000);
  let due = false;
  const isDrawing = ({ target }) => Boolean(target.closest && target.closest(".chart")); // there Plotly is at work
  new MutationObserver((changes) => {
    if (due || changes.every(isDrawing)) return;
    due = true;
    requestAnimationFrame(() => { due = false; tick(); reachable(); level(); openAgain(); });
  }).observe(root, { childList: true, subtree: true });

  // ── A map of places: its list points at it, it points at its list, and a bar plays the weeks before ──

  const PLAY_MS = 700;
  const graphs = (panel) => panel && panel.querySelector(".js-plotly-plot");

  const RINGS_AFTER_MS = 60; // so long the mouse rests on a row before maps are drawn again for it
  let toRing = 0;
  function pointAt(cell, grid) { // ring a hexagon on every map of the view, and mark its row in every list
    clearTimeout(toRing);
    toRing = setTimeout(() => grid.querySelectorAll(".js-plotly-plot").forEach((graph) => {
      if (places.has(graph)) mark(graph, { pointed: cell || null });
    }), RINGS_AFTER_MS);
    grid.querySelectorAll("[data-cell]").forEach((link) => {
      const row = link.closest("tr");
      if (row) row.classList.toggle("is-pointed", link.dataset.cell === cell);
    });
  }

  function pointing(event) {
    if (!(event.target instanceof Element)) return;
    const row = event.target.closest("tr"), grid = event.target.closest(".grid");
    const link = row && row.querySelector("[data-cell]");
    if (grid && grid.querySelector("[data-cell]")) pointAt(link ? link.dataset.cell : null, grid);
  }
  document.addEventListener("mouseover", pointing);
  document.addEventListener("focusin", pointing);

  const playing = new WeakMap();
  function showSlice(play, at) { // at null: the whole period again
    const graph = graphs(play.closest(".panel"));
    const told = graph && places.get(graph);
    if (!told) return;
    told.z = told.hexagons.z;
    if (at !== null && told.slices[at]) {
      told.z = told.z.map(() => 0);
      told.slices[at][0].forEach((cell, i) => { told.z[cell] = told.slices[at][1][i]; });
    }
    colourPlaces(graph);
    play.querySelectorAll("[data-slice]").forEach((bar) => {
      bar.setAttribute("aria-pressed", String(bar.dataset.slice === String(at)));
    });
    const said = play.querySelector(".said"), bar = play.querySelector(`[data-slice="${at}"]`);
    if (!said.dataset.usual) said.dataset.usual = said.textContent;
    said.textContent = bar ? bar.getAttribute("aria-label") : said.dataset.usual;
  }
  function wholeAgain(play) {
    if (playing.has(play)) stopPlaying(play);
    play.querySelectorAll("[data-slice]").forEach((bar) => bar.setAttribute("aria-pressed", "false"));
    const said = play.querySelector(".said");
    if (said.dataset.usual) said.textContent = said.dataset.usual;
  }
  function stopPlaying(play) {
    clearInterval(playing.get(play));
    playing.delete(play);
    play.querySelector(".play-button").setAttribute("aria-pressed", "false");
  }
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const play = target && target.closest(".play");
    if (!play) return;
    const bar = target.closest("[data-slice]");
    if (bar) {
      stopPlaying(play);
      showSlice(play, bar.getAttribute("aria-pressed") === "true" ? null : Number(bar.dataset.slice));
    } else if (target.closest(".play-button")) {
      if (playing.has(play)) { stopPlaying(play); return; }
      const last = play.querySelectorAll("[data-slice]").length - 1;
      const now = play.querySelector('[aria-pressed="true"][data-slice]');
      let at = now && Number(now.dataset.slice) < last ? Number(now.dataset.slice) : -1;
      play.querySelector(".play-button").setAttribute("aria-pressed", "true");
      const step = () => {
        at += 1;
        if (play.isConnected && at <= last) { showSlice(play, at); return; }
        stopPlaying(play);
        if (play.isConnected) showSlice(play, null);
      };
      step();
      playing.set(play, setInterval(step, PLAY_MS));
    }
  });

  // ── Links and clicks ──

  // An address of the dashboard's, which may be served below a path of another site.
  function below(address) {
    return JSON.parse(document.getElementById("_dash-config").textContent).requests_pathname_prefix + address;
  }

  // The link with the address bar's query: `data-with-search` adds to it or replaces, `data-without` leaves out.
  function hrefOf(link) {
    if (!("withSearch" in link.dataset)) return link.getAttribute("href");
    const query = new URLSearchParams(location.search);
    (link.dataset.without || "").split(" ").filter(Boolean).forEach((name) => query.delete(name));
    const own = [...new URLSearchParams(link.dataset.withSearch)];
    own.forEach(([name]) => query.delete(name));
    own.forEach(([name, value]) => query.append(name, value));
    const search = query.toString();
    return link.pathname + (search ? "?" + search : "");
  }

  // The first cell of a list's row: a real link, so that it can be opened in a tab of its own.
  window.dashAgGridComponentFunctions = Object.assign({}, window.dashAgGridComponentFunctions, {
    RequestLink(props) {
      const id = props.data && props.data.request_id;
      if (!id) return "";
      return window.React.createElement("a", {
        href: below("requests/") + encodeURIComponent(id) + location.search, "data-go": "", "data-with-search": "", tabIndex: -1,
      }, props.value || id);
    },
  });

  // ── Ahead of a click ──

  // Where a pointer rests, it is likely to press. The server, if it has nothing else to do, answers meanwhile and keeps
  // the answer; what was pressed then asks for it as ever.
  const RESTS_MS = 60; // a pointer that passes over a list rests nowhere
  const ahead = new Set(); // addresses asked for since the last one that was gone to
  let resting = 0;

  function linkUnder(target) { // what a press there would go to
    const link = target.closest("a[data-go]");
    if (link || target.closest("a, button, dialog, summary")) return link;
    const row = target.closest(".can-pick tbody tr");
    return row && row.querySelector("th a[data-go]");
  }

  function askAhead(link) {
    const to = new URL(hrefOf(link), location.href), address = to.pathname + to.search;
    if (ahead.has(address) || address === location.pathname + location.search) return;
    ahead.add(address);
    const token = document.cookie.split("; ").find((one) => one.startsWith("_csrf_token=")) || "";
    const value = (id, property, value) => ({ id, property, value });
    plainFetch(below("_dash-update-component"), {
      method: "POST",
      headers: {
        "Content-Type": "application/json", "X-Ahead": "1",
        "X-CSRFToken": decodeURIComponent(token.slice("_csrf_token=".length)),
      },
      body: JSON.stringify({
        output: "answers.data", outputs: { id: "answers", property: "data" }, changedPropIds: ["url.search"],
        inputs: [value("url", "pathname", to.pathname), value("url", "search", to.search), value("again", "data", null)],
      }),
    }).catch(() => {}); // it is asked again when it is wanted
  }

  document.addEventListener("mouseover", (event) => {
    clearTimeout(resting);
    const link = event.target instanceof Element && linkUnder(event.target);
    if (link) resting = setTimeout(askAhead, RESTS_MS, link);
  });
  document.addEventListener("pointerdown", (event) => {
    const link = event.button === 0 && event.target instanceof Element && linkUnder(event.target);
    if (link) askAhead(link);
  });

  function openRow(inside) {
    const row = inside.closest(".list-grid .ag-row");
    const link = row && row.querySelector("a[data-go]");
    if (link) go(hrefOf(link));
    return Boolean(link);
  }

  function go(href) {
    const to = new URL(href, location.href);
    const here = location.pathname + location.search;
    if (to.pathname + to.search === here) return;
    const newView = to.pathname !== location.pathname;
    if (!newView) markAhead((name) => cellsIn(to.searchParams.get(name) || ""));
    history.pushState({}, "", to.pathname + to.search);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    if (newView) {
      scrollTo(0, 0);
      openMenu(false);
      const page = document.getElementById("page");
      if (page) page.focus({ preventScroll: true });
    }
  }

  const cardIn = ({ view, panel }) => `#page > [data-view="${CSS.escape(view)}"] > [data-panel="${CSS.escape(panel)}"]`;
  const tableIn = (card) => card.querySelector("dialog.as-table .dialog-body");
  const tableOf = new WeakMap(); // place of a table → the address it is of
  function askForTable(card) {
    if (tableOf.get(tableIn(card)) !== at) put(tableIn(card), "");
    tableOf.set(tableIn(card), at);
    const asked = { view: card.parentElement.dataset.view, panel: card.dataset.panel, at: Date.now() };
    window.dash_clientside.set_props("tabled", { data: asked });
  }

  // One post takes the place of the one before, whose answer Dash then drops: what that was to bring is asked for, too.
  function askAgain(card) {
    if (silent) { location.reload(); return; } // nor did menu and filters hear of this address
    const grid = card.parentElement;
    card.querySelector(".state").className = "state is-waiting";
    const panels = waiting(grid).map((one) => one.dataset.panel);
    window.dash_clientside.set_props("again", { data: { view: grid.dataset.view, panels, at: Date.now() } });
  }

  function openMenu(open) {
    if (open) root.dataset.menu = "open"; else delete root.dataset.menu;
    document.querySelector(".burger").setAttribute("aria-expanded", String(open));
  }
  function openSheet(open) { // the button that was pressed is not seen any more: the keyboard goes on where one is
    if (open) root.dataset.sheet = "open"; else delete root.dataset.sheet;
    document.querySelector(open ? ".sheet-head .close" : ".sheet-button").focus();
  }

  function say(words) {
    const place = document.getElementById("said");
    if (place) place.textContent = words;
  }

  function copy(text) {
    const own = navigator.clipboard && window.isSecureContext; // an embedding page may forbid it
    return own ? navigator.clipboard.writeText(text).catch(() => copySelected(text)) : copySelected(text);
  }
  function copySelected(text) {
    const field = document.createElement("textarea"), focused = document.activeElement;
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    if (focused) focused.focus({ preventScroll: true }); // the keyboard's place
    return Promise.resolve();
  }

  const MENUS = "details.pick[open], details.panel-menu[open]";

  document.addEventListener("click", (event) => {
    const target = event.target;
    if (!(target instanceof Element)) return;
    document.querySelectorAll(MENUS).forEach((menu) => { if (!menu.contains(target)) menu.open = false; });
    if (!target.closest("details.pick")) kept = null;

    const link = target.closest("a[data-go]");
    if (link && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      const menu = link.closest("details.pick");
      if (menu && link.hasAttribute("data-closes")) menu.open = false;
      else if (menu) keepOpen(menu, link);
      const panelMenu = link.closest("details.panel-menu");
      if (panelMenu) panelMenu.open = false;
      go(hrefOf(link));
      return;
    }
    if (target.closest(".list-grid .ag-cell") && getSelection().isCollapsed && openRow(target)) return;
    const row = target.closest(".can-pick tbody tr"); // all of a row does what its name does
    if (row && !target.closest("a, button, dialog") && getSelection().isCollapsed) {
      const name = row.querySelector("th a[data-go]");
      if (name) { go(hrefOf(name)); return; }
    }
    const download = target.closest("a[data-with-search]");
    if (download) download.href = hrefOf(download);

    const theme = target.closest("button[data-theme-choice]");
    if (theme) window.dashboard311Theme(theme.dataset.themeChoice);

    const copies = target.closest("[data-copy-link]");
    if (copies) copy(location.href).then(() => {
      copies.dataset.copied = "";
      say("Link copied");
      setTimeout(() => { delete copies.dataset.copied; }, 2000);
    });

    if (target.closest(".burger")) openMenu(root.dataset.menu !== "open");
    if (target.closest(".sheet-button")) openSheet(true);
    if (target.closest(".sheet-head .close")) openSheet(false);

    const opens = target.closest("[data-dialog]");
    if (opens) {
      const panel = opens.closest(".panel");
      const menu = opens.closest("details");
      if (menu) { menu.open = false; menu.querySelector("summary").focus(); } // where the keyboard is again afterwards
      panel.querySelector("dialog." + opens.dataset.dialog).showModal();
      if (opens.dataset.dialog === "as-table") askForTable(panel);
    }
    const dialog = target.closest("dialog[open]");
    if (dialog && (target === dialog || target.closest(".close"))) dialog.close();

    const again = target.closest(".retry");
    if (again) {
      askAgain(again.closest("[data-panel]"));
    }
    if (target.closest(".trouble .close")) window.dash_clientside.set_props("trouble", { children: null });

    const png = target.closest("[data-png]");
    if (png) {
      const chart = png.closest(".panel").querySelector(".js-plotly-plot");
      png.closest("details").open = false;
      if (chart && window.Plotly) {
        const box = chart.getBoundingClientRect();
        window.Plotly.toImage({ data: dataForPicture(chart), config: { showSendToCloud: false },
          layout: { ...chart.layout, paper_bgcolor: token("surface") },
        }, { format: "png", scale: 2, width: box.width, height: box.height }).then((url) => {
          const file = document.createElement("a");
          file.href = url;
          file.download = png.dataset.png + ".png";
          file.click();
        });
      }
    }
    if (target.closest("[data-apply-period]")) {
      const [first, last] = ["period-from", "period-to"].map((id) => document.getElementById(id).value);
      const wrong = !first || !last ? "Give both days." : last < first ? "The last day lies before the first." : "";
      target.closest(".custom").querySelector(".wrong").textContent = wrong;
      if (!wrong) {
        target.closest("details").open = false;
        pick({ days: [first, last] });
      }
    }
    const reading = target.closest("button[data-reading]"); // fewer steps of a timeline
    if (reading) {
      reading.closest(".body").dataset.reading = reading.dataset.reading;
      reading.parentElement.querySelectorAll("button").forEach((one) => {
        one.setAttribute("aria-pressed", String(one === reading));
      });
    }
    const sorts = target.closest("button.sort");
    if (sorts) sort(sorts.closest("th"));
  });

  document.addEventListener("submit", (event) => { // a field that looks for something: its words go into the address
    const form = event.target.closest("form[data-find]");
    if (!form) return;
    event.preventDefault();
    const query = new URLSearchParams(location.search), words = form.querySelector("input").value.trim();
    if (words) query.set(form.dataset.find, words); else query.delete(form.dataset.find);
    const search = query.toString();
    go(location.pathname + (search ? "?" + search : ""));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target instanceof Element && event.target.matches(".list-grid .ag-cell")) {
      if (openRow(event.target)) event.preventDefault();
      return;
    }
    if (event.key === "Escape") {
      const menu = document.querySelector(MENUS);
      kept = null;
      if (menu) { menu.open = false; menu.querySelector("summary").focus(); event.preventDefault(); return; }
      if (root.dataset.sheet) openSheet(false);
      if (root.dataset.menu) { openMenu(false); document.querySelector(".burger").focus(); }
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const menu = event.target instanceof Element && event.target.closest(MENUS);
      if (!menu || event.target.type === "date") return;
      const stops = [...menu.querySelectorAll("a.option, .entry-button, input[type=search]")]
        .filter((stop) => stop.offsetParent !== null);
      const at = stops.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1);
      if (stops[at]) { stops[at].focus(); event.preventDefault(); }
    }
  });

  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLDetailsElement) || !menu.open || !menu.matches("details.pick, details.panel-menu")) return;
    document.querySelectorAll(MENUS).forEach((other) => { if (other !== menu) other.open = false; });
    const field = menu.querySelector("input[type=search]");
    if (field && !field.value && matchMedia("(pointer: fine)").matches) field.focus();
    const list = menu.querySelector(".options");
    list.style.left = list.style.right = "";
    if (menu.matches(".pick") && list.getBoundingClientRect().right > window.innerWidth - 8) {
      list.style.left = "auto"; // near the right edge it opens to the left
      list.style.right = "0";
    }
  }, true);

  // ── A list stays open while several values are chosen, though the bar is drawn anew after each ──

  let kept = null;
  function keepOpen(menu, link) {
    const field = menu.querySelector("input[type=search]"), list = menu.querySelector(".scroll");
    kept = { id: menu.id, menu, typed: field ? field.value : "", scroll: list ? list.scrollTop : 0,
      option: link.textContent, until: Date.now() + 5000 };
  }
  function openAgain() {
    if (!kept) return;
    const menu = document.getElementById(kept.id);
    if (!menu || (menu === kept.menu && menu.open)) { if (Date.now() > kept.until) kept = null; return; }
    const was = kept;
    kept = null;
    if (Date.now() > was.until) return;
    menu.open = true;
    const field = menu.querySelector("input[type=search]"), list = menu.querySelector(".scroll");
    if (field && was.typed) { field.value = was.typed; seek(field); }
    if (list) list.scrollTop = was.scroll;
    const option = [...menu.querySelectorAll("a.option")].find((one) => one.textContent === was.option);
    setTimeout(() => { if (option) option.focus({ preventScroll: true }); }, 0);
  }

  // ── Finding an option by typing ──

  function seek(field) {
    const words = field.value.trim().toLowerCase();
    const menu = field.closest(".options");
    let any = false;
    menu.querySelectorAll(".group").forEach((group) => {
      let found = false;
      const title = (group.querySelector("h3") || {}).textContent || "";
      group.querySelectorAll(".option").forEach((option) => {
        const shown = !words || (option.textContent + " " + title).toLowerCase().includes(words);
        option.parentElement.hidden = !shown;
        found = found || shown;
      });
      group.hidden = !found;
      any = any || found;
    });
    const none = menu.querySelector(".none-found");
    if (none) none.hidden = any;
  }
  function find(field) { // of all cards, what holds every word; a card that has nothing of it is not shown
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const finder = field.closest(".finder");
    const told = [...document.querySelectorAll(`#page .${finder.dataset.finds} > div`)];
    told.forEach((one) => {
      const text = one.textContent.toLowerCase();
      one.hidden = !words.every((word) => text.includes(word));
    });
    document.querySelectorAll("#page > .grid > [data-panel]").forEach((card) => {
      const own = told.filter((one) => card.contains(one));
      if (own.length) card.hidden = own.every((one) => one.hidden);
    });
    const left = told.filter((one) => !one.hidden).length;
    finder.querySelector(".found").textContent = words.length ? `${left} of ${told.length}` : "";
  }
  document.addEventListener("input", (event) => {
    if (event.target.type !== "search") return;
    if (event.target.closest(".options")) seek(event.target);
    if (event.target.closest(".finder")) find(event.target);
  });

  // ── Sorting a table by its headings ──

  function valueOf(cell) {
    if (!cell) return "";
    const given = cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.trim();
    const plain = given.replace(/[,\s\u00a0%+]/g, "").replace("\u2212", "-");
    return plain !== "" && !isNaN(plain) ? Number(plain) : given;
  }
  function sort(head) {
    const column = [...head.parentElement.children].indexOf(head);
    const body = head.closest("table").tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    [...head.parentElement.children].forEach((th) => th.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows].sort((a, b) => {
      const x = valueOf(a.cells[column]), y = valueOf(b.cells[column]);
      if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
      const order = typeof x === "number" ? x - y : x.localeCompare(y);
      return up ? order : -order;
    });
    body.append(...rows);
  }
})();
