// Outlines as the portal sends them: rings of whole steps, each corner told from the one before.

/** Corners from the first one and the way to each of the next, in degrees as Leaflet wants them. */
export function corners(flat, steps) {
  const ring = [];
  let x = 0;
  let y = 0;
  for (let at = 0; at < flat.length; at += 2) {
    x += flat[at];
    y += flat[at + 1];
    ring.push([y / steps, x / steps]);
  }
  return ring;
}

/** Whether a place is inside one ring; inside an odd number of a shape's rings, it is in the shape. */
export function isInside(ring, lat, lng) {
  let inside = false;
  for (let one = 0, other = ring.length - 1; one < ring.length; other = one++) {
    const [y1, x1] = ring[one];
    const [y2, x2] = ring[other];
    if (y1 > lat !== y2 > lat && lng < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) {
      inside = !inside;
    }
  }
  return inside;
}
