// The map beside the list of communes: a click adds or takes away a commune, a rectangle adds all
// it holds. The list and the search stay the first way; the map shows what they say, and follows.
/* global L */
import { corners, isInside } from "./rings.js";

const COLOURS = { in: "#1e3a5f", part: "#6a8bb5", other: "#b34000", line: "#8d8d8d", out: "#ffffff" };
const MOST_NAMES = 3;

/** Where a place is on the square that Web Mercator makes of the world, from 0 to 1. */
function inWorld([lat, lng]) {
  const sine = Math.sin((lat * Math.PI) / 180);
  return [lng / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

// Leaflet projects every corner anew at each zoom, then clips and simplifies each shape: too much
// for the thousands of a region on a phone. Corners are projected once for all, rounded to a
// pixel or half of one as they are drawn, so that neighbours keep one border, and what is out of sight is not
// drawn. It overrides what the vendored version (1.9) does of its own.
const Outline = L.Polygon.extend({
  initialize(rings, options) {
    const lats = rings.flatMap((ring) => ring.map(([lat]) => lat));
    const lngs = rings.flatMap((ring) => ring.map(([, lng]) => lng));
    const [south, north] = [Math.min(...lats), Math.max(...lats)];
    const [west, east] = [Math.min(...lngs), Math.max(...lngs)];
    L.Polygon.prototype.initialize.call(this, [[south, west], [south, east], [north, east], [north, west]], options);
    this.world = rings.map((ring) => Float64Array.from(ring.flatMap(inWorld)));
  },
  _project() {
    L.Polygon.prototype._project.call(this);
    const scale = this._map.options.crs.scale(this._map.getZoom());
    const origin = this._map.getPixelOrigin();
    // Far away, a pixel is enough.
    const finer = this._map.getZoom() < 9 ? 1 : 2;
    this._rings = this.world.map((flat) => {
      const ring = [];
      let lastX;
      let lastY;
      for (let at = 0; at < flat.length; at += 2) {
        const x = Math.round((flat[at] * scale - origin.x) * finer) / finer;
        const y = Math.round((flat[at + 1] * scale - origin.y) * finer) / finer;
        if (x !== lastX || y !== lastY) {
          ring.push({ x, y });
        }
        lastX = x;
        lastY = y;
      }
      return ring;
    });
  },
  _clipPoints() {
    this._parts = this._pxBounds?.intersects(this._renderer._bounds) ? this._rings : [];
  },
  _simplifyPoints() {},
});

class TerritoryMap {
  constructor(root) {
    this.root = root;
    this.editable = root.dataset.changeUrl !== "";
    this.said = root.querySelector("[data-map-said]");
    this.select = root.querySelector("[data-map-department]");
    this.boxButton = root.querySelector("[data-map-box]");
    this.communes = new Map();
    this.loaded = new Set();
    this.loading = new Map();
    this.departments = [];
    this.whole = new Set();
    this.parts = new Set();
    this.others = new Map();
    root.hidden = false;
    const place = root.querySelector("[data-map]");
    this.map = L.map(place, {
      renderer: L.canvas({ padding: 0.5 }),
      zoomControl: false,
      attributionControl: false,
      boxZoom: false,
      zoomSnap: 0.5,
      maxZoom: 14,
      minZoom: 5,
    });
    L.control.zoom({ zoomInTitle: "Agrandir", zoomOutTitle: "Réduire" }).addTo(this.map);
    L.control.scale({ imperial: false }).addTo(this.map);
    this.map.on("click", (event) => this.clicked(event.latlng));
    this.map.on("mousemove", (event) => this.pointed(event.latlng));
    this.select.addEventListener("change", () => this.open(this.select.value));
    this.boxButton?.addEventListener("click", () => this.toggleBox());
    root.querySelector("[data-map-whole]").addEventListener("click", () => this.open(this.select.value));
    this.map.getContainer().addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.boxing) {
        this.toggleBox();
      }
    });
    document.addEventListener("territory:changed", ({ detail }) => {
      this.tell(detail.said);
      this.read();
    });
    document.addEventListener("territory:lost", ({ detail }) => this.tell(detail.said));
    this.begun = this.begin();
    // A rectangle is drawn on a map that shows a place already.
    if (this.boxButton) {
      this.boxButton.disabled = true;
      this.begun.then(() => {
        this.boxButton.disabled = false;
      });
    }
  }

  async begin() {
    await this.read();
    const drawn = [...this.select.options].map((option) => option.value).filter(Boolean);
    const first = this.departments.filter((code) => drawn.includes(code));
    if (!first.length && this.select.value) {
      first.push(this.select.value);
    }
    await Promise.all(first.map((code) => this.load(code)));
    // What was chosen meanwhile stays chosen.
    if (first.length && !this.chosen) {
      this.select.value = first[0];
    }
    this.paint();
    this.frame(this.whole.size + this.parts.size ? (commune) => this.isIn(commune.code) : () => true);
  }

  /** What the server says the territory is now: one question after the other, the last one stays. */
  read() {
    this.reading = (this.reading ?? Promise.resolve()).then(() => this.readOnce());
    return this.reading;
  }

  async readOnce() {
    try {
      const drawn = [...this.loaded].map((code) => `departement=${code}`).join("&");
      const response = await fetch(`${this.root.dataset.codesUrl}?${drawn}`, { headers: { Accept: "application/json" } });
      if (response.redirected || !response.ok) {
        throw new Error(String(response.status));
      }
      const territory = await response.json();
      this.whole = new Set(territory.whole);
      this.parts = new Set(territory.parts);
      this.departments = territory.departments;
      this.others = new Map(territory.others.flatMap((other) => other.codes.map((code) => [code, other.label])));
      this.paint();
    } catch {
      this.tell("La carte ne peut pas lire le territoire : rechargez la page. La liste, elle, est à jour.");
    }
  }

  async open(department) {
    if (!department) {
      return;
    }
    this.chosen = department;
    // The buttons answer before the first reading has: the choice then waits for it, and comes last.
    await this.begun;
    const isNew = !this.loaded.has(department);
    await this.load(department);
    this.frame((commune) => commune.department === department);
    // The territories of others in this département are not known yet.
    if (isNew && !this.departments.includes(department)) {
      await this.read();
    }
  }

  /** Each département is asked for once and drawn once; one that did not answer may be asked again. */
  load(department) {
    if (!this.loading.has(department)) {
      this.loading.set(department, this.loadOnce(department));
    }
    return this.loading.get(department);
  }

  async loadOnce(department) {
    try {
      const response = await fetch(this.root.dataset.outlinesUrl.replace("_", department));
      if (!response.ok) {
        throw new Error(String(response.status));
      }
      this.add(department, await response.json());
      this.loaded.add(department);
      this.paint();
      this.root.dataset.loaded = [...this.loaded].join(" ");
      this.root.dataset.count = String(this.communes.size);
    } catch {
      this.loading.delete(department);
      this.tell("La carte de ce département ne répond pas. La liste et la recherche marchent sans elle.");
    }
  }

  add(department, { steps, communes }) {
    for (const [code, [name, population, ...flats]] of Object.entries(communes)) {
      const rings = flats.map((flat) => corners(flat, steps));
      // Rings of one shape in one drawing: a hole inside a ring is left empty.
      const shape = new Outline(rings, { interactive: false, fillRule: "evenodd", ...this.style(code) });
      const commune = { code, name, population, rings, shape, department, bounds: shape.getBounds() };
      this.communes.set(code, commune);
      shape.addTo(this.map);
    }
  }

  isIn(code) {
    return this.whole.has(code) || this.parts.has(code);
  }

  style(code) {
    const fill = this.whole.has(code) ? "in" : this.parts.has(code) ? "part" : this.others.has(code) ? "other" : "out";
    return {
      color: fill === "out" ? COLOURS.line : "#ffffff",
      weight: fill === "other" ? 2 : 1,
      dashArray: fill === "other" ? "4 3" : null,
      fillColor: COLOURS[fill],
      fillOpacity: { in: 0.8, part: 0.6, other: 0.35, out: 0.6 }[fill],
      state: fill,
    };
  }

  paint() {
    for (const commune of this.communes.values()) {
      const style = this.style(commune.code);
      if (style.state !== commune.shape.options.state) {
        commune.shape.setStyle(style);
      }
    }
    this.root.dataset.drawn = String([...this.communes.keys()].filter((code) => this.isIn(code)).length);
  }

  frame(wanted) {
    const bounds = L.latLngBounds([]);
    for (const commune of this.communes.values()) {
      if (wanted(commune)) {
        bounds.extend(commune.bounds);
      }
    }
    if (bounds.isValid()) {
      this.map.fitBounds(bounds, { padding: [12, 12], animate: false });
    } else {
      this.map.setView([46.6, 2.4], 5);
    }
  }

  at({ lat, lng }) {
    for (const commune of this.communes.values()) {
      if (commune.bounds.contains([lat, lng])) {
        const count = commune.rings.filter((ring) => isInside(ring, lat, lng)).length;
        if (count % 2) {
          return commune;
        }
      }
    }
    return null;
  }

  pointed(place) {
    this.place = place;
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = undefined;
      const commune = this.at(this.place);
      if (commune !== this.under) {
        this.under = commune;
        this.tell(commune ? this.describe(commune) : "");
      }
    });
  }

  describe({ code, name, population }) {
    const people = population === null ? "" : `, ${population.toLocaleString("fr-FR")} habitants`;
    const state = this.whole.has(code)
      ? "dans le territoire"
      : this.parts.has(code)
        ? "en partie dans le territoire"
        : (this.others.get(code) ?? "hors du territoire");
    return `${name} (${code})${people} : ${state}.`;
  }

  tell(text) {
    this.said.textContent = text;
  }

  // --- Choosing ----------------------------------------------------------------------------

  clicked(place) {
    const commune = this.editable && !this.boxing && !this.justBoxed ? this.at(place) : null;
    if (commune) {
      const action = this.isIn(commune.code) ? "deselection" : "selection";
      this.change(action, [commune.code]);
    }
  }

  change(action, codes) {
    const data = new FormData();
    codes.forEach((code) => data.append("code", code));
    const sent = new CustomEvent("territory:send", { detail: { action, data } });
    document.dispatchEvent(sent);
  }

  toggleBox() {
    this.boxing = !this.boxing;
    this.boxButton.setAttribute("aria-pressed", String(this.boxing));
    const container = this.map.getContainer();
    container.classList.toggle("territory-map__place--boxing", this.boxing);
    this.map.dragging[this.boxing ? "disable" : "enable"]();
    this.map.touchZoom[this.boxing ? "disable" : "enable"]();
    if (!this.boxing) {
      this.boxStop?.();
      return;
    }
    this.tell("Tracez un rectangle : les communes dont le centre est dedans seront ajoutées.");
    const start = (event) => {
      if (event.target.closest(".leaflet-control")) {
        return;
      }
      event.preventDefault();
      const from = this.map.mouseEventToLatLng(event);
      const box = L.rectangle([from, from], { color: COLOURS.in, weight: 2, dashArray: "4", interactive: false });
      box.addTo(this.map);
      const move = (moved) => box.setBounds([from, this.map.mouseEventToLatLng(moved)]);
      const end = () => {
        container.removeEventListener("pointermove", move);
        const bounds = box.getBounds();
        box.remove();
        // The click that ends the rectangle chooses no commune by itself.
        this.justBoxed = true;
        setTimeout(() => {
          this.justBoxed = false;
        }, 50);
        this.boxed(bounds);
      };
      container.addEventListener("pointermove", move);
      container.addEventListener("pointerup", end, { once: true });
      container.setPointerCapture?.(event.pointerId);
    };
    container.addEventListener("pointerdown", start);
    this.boxStop = () => container.removeEventListener("pointerdown", start);
  }

  boxed(bounds) {
    const found = [...this.communes.values()].filter(
      (commune) => !this.isIn(commune.code) && bounds.contains(commune.bounds.getCenter()),
    );
    this.toggleBox();
    if (!found.length) {
      this.tell("Aucune commune nouvelle dans ce rectangle.");
      return;
    }
    const names = found.slice(0, MOST_NAMES).map((commune) => commune.name).join(", ");
    const more = found.length > MOST_NAMES ? ` et ${found.length - MOST_NAMES} autres` : "";
    this.tell(`Ajout de ${names}${more}…`);
    this.change("selection", found.map((commune) => commune.code));
  }
}

for (const root of document.querySelectorAll("[data-territory-map]")) {
  new TerritoryMap(root);
}
