// Draws the page's own GeoJSON: no outside tile server ever learns where a customer lives.
import "./styles/map.css";
import workerAddress from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import type { Feature, FeatureCollection, Position } from "geojson";
import {
  type GeoJSONSource,
  LngLatBounds,
  Map as Chart,
  Marker,
  NavigationControl,
  Popup,
  ScaleControl,
  setWorkerUrl,
  type LayerSpecification,
  type MapMouseEvent,
} from "maplibre-gl";
import { colour } from "./office/colours";
import { EVENTS } from "./office/events";
import { text } from "./office/strings";
import { showProblem } from "./office/toasts";

setWorkerUrl(new URL(workerAddress, import.meta.url).href);

const CLUSTER_FROM = 400;
const CLICKABLE = ["points", "areas", "lines"];

function layers(): LayerSpecification[] {
  const tone = [
    "match",
    ["get", "tone"],
    "good", colour("map-good"),
    "warn", colour("map-warn"),
    "bad", colour("map-bad"),
    "muted", colour("chart-ink"),
    colour("chart-1"),
  ];
  const is = (...kinds: string[]) => ["match", ["geometry-type"], kinds, true, false];
  const single = ["!", ["has", "point_count"]];
  return [
    { id: "paper", type: "background", paint: { "background-color": colour("map-paper") } },
    { id: "areas", type: "fill", source: "page", filter: is("Polygon", "MultiPolygon"),
      paint: { "fill-color": tone, "fill-opacity": 0.14 } },
    { id: "borders", type: "line", source: "page", filter: is("Polygon", "MultiPolygon"),
      paint: { "line-color": tone, "line-width": 1.2 } },
    { id: "lines", type: "line", source: "page", filter: is("LineString", "MultiLineString"),
      layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": tone, "line-width": 2.4 } },
    { id: "crowds", type: "circle", source: "page", filter: ["has", "point_count"],
      paint: { "circle-color": colour("chart-1"), "circle-opacity": 0.55,
        "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "point_count"]], 1, 9, 40, 34] } },
    { id: "crowd-sizes", type: "symbol", source: "page", filter: ["has", "point_count"],
      layout: { "text-field": ["get", "point_count_abbreviated"], "text-font": ["sans-serif"], "text-size": 11, "text-allow-overlap": true },
      paint: { "text-color": colour("map-ink"), "text-halo-color": colour("map-halo"), "text-halo-width": 1 } },
    { id: "points", type: "circle", source: "page", filter: ["all", is("Point"), single],
      paint: { "circle-color": tone, "circle-radius": ["case", ["==", ["get", "is_main"], true], 9, 5],
        "circle-stroke-width": 2, "circle-stroke-color": colour("map-halo") } },
  ] as LayerSpecification[];
}

function positions(feature: Feature): Position[] {
  const geometry = feature.geometry;
  if (geometry.type === "GeometryCollection") return [];
  const flat = (geometry.coordinates as unknown[]).flat(Infinity) as number[];
  const found: Position[] = [];
  for (let place = 0; place + 1 < flat.length; place += 2) found.push([flat[place] ?? 0, flat[place + 1] ?? 0]);
  return found;
}

function bounds(collection: FeatureCollection): LngLatBounds {
  const [west, south, east, north] = collection.bbox ?? [];
  if (west !== undefined && south !== undefined && east !== undefined && north !== undefined)
    return new LngLatBounds([west, south, east, north]);
  const box = new LngLatBounds();
  for (const feature of collection.features)
    for (const [east, north] of positions(feature)) box.extend([east ?? 0, north ?? 0]);
  return box;
}

function card(properties: Record<string, unknown>): HTMLElement {
  const box = document.createElement("div");
  box.className = "map-card";
  const title = document.createElement(properties.url ? "a" : "strong");
  title.textContent = String(properties.label ?? "");
  if (title instanceof HTMLAnchorElement) title.href = String(properties.url);
  box.append(title);
  if (properties.detail) {
    const detail = document.createElement("div");
    detail.textContent = String(properties.detail);
    box.append(detail);
  }
  return box;
}

/** Names the places that the page is about; the others are named when they are chosen. */
function nameMainPlaces(map: Chart, collection: FeatureCollection): void {
  for (const feature of collection.features) {
    if (feature.properties?.is_main !== true || feature.geometry.type !== "Point") continue;
    const label = document.createElement("div");
    label.className = "map-label";
    label.textContent = String(feature.properties.label ?? "");
    const [east, north] = feature.geometry.coordinates;
    new Marker({ element: label, anchor: "bottom", offset: [0, -14] }).setLngLat([east ?? 0, north ?? 0]).addTo(map);
  }
}

/** Asks the page's address for the places inside the view, at once and after each move; a newer question ends the older. */
function follow(map: Chart, address: string): void {
  let running: AbortController | undefined;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    const view = map.getBounds();
    const question = new URL(address, window.location.href);
    const sides = { west: view.getWest(), south: view.getSouth(), east: view.getEast(), north: view.getNorth() };
    for (const [side, degrees] of Object.entries(sides)) question.searchParams.set(side, degrees.toFixed(6));
    question.searchParams.set("zoom", map.getZoom().toFixed(1));
    try {
      const answer = await fetch(question, { signal: running.signal, headers: { Accept: "application/geo+json" } });
      if (!answer.ok) throw new Error(`${answer.status} from ${question.pathname}`);
      map.getSource<GeoJSONSource>("page")?.setData((await answer.json()) as FeatureCollection);
    } catch (problem) {
      if (!(problem instanceof DOMException && problem.name === "AbortError")) showProblem(text("network_error"));
    }
  };
  map.on("load", ask);
  map.on("moveend", ask);
}

function listen(map: Chart): void {
  map.on("click", (event: MapMouseEvent) => {
    const hit = map.queryRenderedFeatures(event.point, { layers: [...CLICKABLE, "crowds"] })[0];
    if (!hit) return;
    if (hit.layer.id === "crowds") map.easeTo({ center: event.lngLat, zoom: map.getZoom() + 2 });
    else if (hit.properties.label)
      new Popup({ closeButton: true, maxWidth: "280px" }).setLngLat(event.lngLat).setDOMContent(card(hit.properties)).addTo(map);
  });
  for (const layer of [...CLICKABLE, "crowds"]) {
    map.on("mouseenter", layer, () => (map.getCanvas().style.cursor = "pointer"));
    map.on("mouseleave", layer, () => (map.getCanvas().style.cursor = ""));
  }
}

export async function draw(frame: HTMLElement): Promise<void> {
  const source = document.getElementById(frame.dataset.source ?? "");
  const canvas = frame.querySelector<HTMLElement>("[data-canvas]");
  if (!source || !canvas) throw new Error("A map needs its data and its canvas");
  const collection = JSON.parse(source.textContent ?? "") as FeatureCollection;
  canvas.replaceChildren();
  const pointCount = collection.features.filter((feature) => feature.geometry.type === "Point").length;
  const map = new Chart({
    container: canvas,
    style: {
      version: 8,
      sources: { page: { type: "geojson", data: collection, cluster: pointCount >= CLUSTER_FROM || !!frame.dataset.url, clusterRadius: 40 } },
      layers: layers(),
      // No glyphs address: labels are drawn with the fonts of the device.
    },
    bounds: bounds(collection),
    fitBoundsOptions: { padding: 48, maxZoom: 16.5 },
    cooperativeGestures: true,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    locale: {
      "NavigationControl.ZoomIn": text("zoom_in"),
      "NavigationControl.ZoomOut": text("zoom_out"),
      "Map.Title": frame.dataset.title ?? "",
      "CooperativeGesturesHandler.WindowsHelpText": text("map_gesture"),
      "CooperativeGesturesHandler.MacHelpText": text("map_gesture_mac"),
      "CooperativeGesturesHandler.MobileHelpText": text("map_gesture_touch"),
    },
  });
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ unit: "metric" }), "bottom-left");
  listen(map);
  nameMainPlaces(map, collection);
  if (frame.dataset.url) follow(map, frame.dataset.url);
  document.addEventListener(EVENTS.theme, () => {
    for (const layer of layers())
      for (const [name, value] of Object.entries(layer.paint ?? {}))
        map.setPaintProperty(layer.id, name as "circle-color", value as string);
  });
  await new Promise<void>((resolve, reject) => {
    map.once("load", () => resolve());
    map.once("error", (event) => reject(event.error));
  });
}
