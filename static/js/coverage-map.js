// The coverage of a région on a map. The table says the same: without this script it is whole.
/* global L */
import { corners, isInside } from "./rings.js";

// A colour, and marks that say the same without it: as the drawing to print has them.
const FILLS = {
  contrat: { colour: "#12365c" },
  projet: { colour: "#2f6ea8", ink: "#ffffff", lines: [[0, 0, 8, 8]] },
  acceptee: { colour: "#7fb0d8", ink: "#12365c", lines: [[0, 8, 8, 0]] },
  deposee: { colour: "#f2d7a6", ink: "#7a4a00", dots: [[1, 1], [5, 5]] },
  rien: { colour: "#ffffff" },
};
const TILE = 8;

function fillOf({ colour, ink, lines = [], dots = [] }) {
  const tile = document.createElement("canvas");
  tile.width = TILE;
  tile.height = TILE;
  const draw = tile.getContext("2d");
  draw.fillStyle = colour;
  draw.fillRect(0, 0, TILE, TILE);
  draw.strokeStyle = draw.fillStyle = ink ?? colour;
  for (const [x1, y1, x2, y2] of lines) {
    // Thrice, so that the line goes on from one tile to the next.
    for (const aside of [-TILE, 0, TILE]) {
      draw.beginPath();
      draw.moveTo(x1 + aside, y1);
      draw.lineTo(x2 + aside, y2);
      draw.stroke();
    }
  }
  for (const [x, y] of dots) {
    draw.fillRect(x, y, 2, 2);
  }
  return draw.createPattern(tile, "repeat");
}

async function read(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  if (response.redirected || !response.ok) {
    throw new Error(String(response.status));
  }
  return response.json();
}

class CoverageMap {
  constructor(root) {
    this.root = root;
    this.said = root.querySelector("[data-map-said]");
    this.communes = [];
    this.begin();
  }

  async begin() {
    try {
      this.coverage = await read(this.root.dataset.mapUrl);
    } catch {
      return; // The table is there.
    }
    if (!this.coverage.departments.length) {
      return;
    }
    this.root.hidden = false;
    this.statusOf = new Map();
    for (const [status, { whole, parts }] of Object.entries(this.coverage.statuses)) {
      whole.forEach((code) => this.statusOf.set(code, { status, partial: false }));
      parts.forEach((code) => this.statusOf.set(code, { status, partial: true }));
    }
    this.labels = this.readLabels();
    this.draw();
    await Promise.all(this.coverage.departments.map((code) => this.load(code)));
    this.root.dataset.drawn = String(this.communes.length);
  }

  /** The words of the legend: they are the page's. */
  readLabels() {
    const labels = new Map();
    for (const item of this.root.querySelectorAll(".territory-map__key li")) {
      const sample = item.querySelector(".coverage-sample");
      const status = [...sample.classList].find((name) => name.startsWith("coverage-sample--"));
      labels.set(status.replace("coverage-sample--", ""), item.lastChild.textContent.trim());
    }
    return labels;
  }

  draw() {
    this.fills = Object.fromEntries(Object.entries(FILLS).map(([status, fill]) => [status, fillOf(fill)]));
    this.map = L.map(this.root.querySelector("[data-map]"), {
      renderer: L.canvas({ padding: 0.2 }),
      zoomControl: false,
      attributionControl: false,
      boxZoom: false,
      zoomSnap: 0.5,
      maxZoom: 13,
      minZoom: 5,
    });
    L.control.zoom({ zoomInTitle: "Agrandir", zoomOutTitle: "Réduire" }).addTo(this.map);
    L.control.scale({ imperial: false }).addTo(this.map);
    this.map.setView([46.6, 2.4], 5);
    this.map.on("mousemove click", (event) => this.pointed(event.latlng));
    this.bounds = L.latLngBounds([]);
    this.root.querySelector("[data-map-png]").addEventListener("click", () => this.savePng());
  }

  async load(department) {
    try {
      this.add(await read(this.root.dataset.outlinesUrl.replace("_", department)));
    } catch {
      this.tell("La carte d’un département ne répond pas. La liste, elle, est entière.");
    }
  }

  add({ steps, communes }) {
    const shapes = [];
    for (const [code, [name, population, ...flats]] of Object.entries(communes)) {
      const rings = flats.map((flat) => corners(flat, steps));
      const { status, partial } = this.statusOf.get(code) ?? { status: "rien", partial: false };
      const shape = L.polygon(rings, {
        interactive: false,
        fillRule: "evenodd",
        color: "#5a5a5a",
        weight: 0.4,
        // The canvas takes a pattern where it takes a colour.
        fillColor: this.fills[status],
        fillOpacity: 1,
        smoothFactor: 1.5,
      });
      const bounds = shape.getBounds();
      this.bounds.extend(bounds);
      this.communes.push({ code, name, population, rings, bounds, status, partial });
      shapes.push(shape);
    }
    L.layerGroup(shapes).addTo(this.map);
    this.map.fitBounds(this.bounds, { padding: [8, 8], animate: false });
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

  at({ lat, lng }) {
    for (const commune of this.communes) {
      if (commune.bounds.contains([lat, lng])) {
        if (commune.rings.filter((ring) => isInside(ring, lat, lng)).length % 2) {
          return commune;
        }
      }
    }
    return null;
  }

  describe({ code, name, population, status, partial }) {
    const people = population === null ? "" : `, ${population.toLocaleString("fr-FR")} habitants`;
    const rank = this.coverage.names[code];
    const whose = rank === undefined ? "" : `, ${this.coverage.cpts[rank]}`;
    const label = (this.labels.get(status) ?? "").toLowerCase().replace("cpts", "CPTS");
    return `${name} (${code})${people}\u00a0: ${label}${partial ? ", en partie" : ""}${whose}.`;
  }

  tell(text) {
    this.said.textContent = text;
  }

  /** The drawing that the portal makes, as a picture: this browser turns one into the other. */
  async savePng() {
    const picture = new Image();
    picture.src = this.root.dataset.svgUrl;
    try {
      await picture.decode();
    } catch {
      this.tell("La carte n’a pas pu être dessinée. Rechargez la page, ou prenez le fichier SVG.");
      return;
    }
    const canvas = document.createElement("canvas");
    canvas.width = picture.naturalWidth * 2;
    canvas.height = picture.naturalHeight * 2;
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const link = document.createElement("a");
    link.download = `${this.root.dataset.fileName}.png`;
    link.href = canvas.toDataURL("image/png");
    link.click();
    this.tell("La carte est enregistrée en PNG.");
  }
}

for (const root of document.querySelectorAll("[data-coverage-map]")) {
  new CoverageMap(root);
}
