// Draws a chart from the JSON beside it. The table behind the chart holds the exact texts: numbers here are pixels only.
import { BarChart, LineChart, SankeyChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsCoreOption, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { colour } from "./office/colours";
import { EVENTS } from "./office/events";

use([BarChart, LineChart, SankeyChart, GridComponent, LegendComponent, TooltipComponent, AriaComponent, CanvasRenderer]);

interface Series {
  name: string;
  values: (string | null)[];
  texts: string[];
  kind: "bar" | "line" | "area" | "step";
  stack: string;
  is_estimate: boolean;
}
interface Spec {
  label: string;
  unit: string;
  categories: string[];
  close_up: boolean;
  series: Series[];
}
interface FlowSpec {
  label: string;
  links: { source: string; target: string; value: string; text: string }[];
}
interface Hovered {
  dataIndex: number;
  seriesIndex: number;
  color: string;
}

const PALETTE = ["chart-1", "chart-2", "chart-3", "chart-4", "chart-5", "chart-6"];

function hint(spec: Spec, hovered: Hovered[]): HTMLElement {
  const box = document.createElement("div");
  box.className = "chart-hint";
  const head = document.createElement("div");
  head.className = "chart-hint-head";
  head.textContent = spec.categories[hovered[0]?.dataIndex ?? 0] ?? "";
  box.append(head);
  for (const item of hovered) {
    const series = spec.series[item.seriesIndex];
    if (!series || series.values[item.dataIndex] === null) continue;
    const row = document.createElement("div");
    row.className = "chart-hint-row";
    const dot = document.createElement("i");
    dot.style.background = item.color;
    const name = document.createElement("span");
    name.textContent = series.name;
    const value = document.createElement("bdi");
    value.textContent = series.texts[item.dataIndex] ?? "";
    row.append(dot, name, value);
    box.append(row);
  }
  return box;
}

function drawnSeries(series: Series, index: number): object {
  const tone = colour(series.is_estimate ? "chart-estimate" : (PALETTE[index % PALETTE.length] ?? "chart-1"));
  const values = series.values.map((value) => (value === null ? null : Number(value)));
  const hatch = { symbol: "line", dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: 0.785, color: colour("chart-hatch") };
  return {
    name: series.name,
    type: series.kind === "bar" ? "bar" : "line",
    ...(series.stack ? { stack: series.stack } : {}),
    data: values,
    color: tone,
    itemStyle: {
      ...(series.kind === "bar" ? { borderRadius: series.stack ? 0 : [2, 2, 0, 0] } : {}),
      ...(series.is_estimate ? { decal: hatch } : {}),
    },
    barMaxWidth: 40,
    barCategoryGap: "28%",
    symbol: values.length > 40 ? "none" : "circle",
    symbolSize: 6,
    lineStyle: { width: 2, type: series.is_estimate ? "dashed" : "solid" },
    ...(series.kind === "step" ? { step: "end" } : {}),
    ...(series.kind === "area" ? { areaStyle: { opacity: 0.12 } } : {}),
    emphasis: { focus: "none" },
  };
}

function option(spec: Spec): EChartsCoreOption {
  const ink = colour("chart-ink");
  const line = colour("chart-line");
  const language = document.documentElement.lang || "en";
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: spec.close_up ? 4 : 1 });
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  // On large screens the page grows with its root font; the canvas has to follow.
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const size = 12 * unit;
  const many = spec.series.length > 1;
  return {
    animation: !still,
    animationDuration: 250,
    aria: { enabled: true, label: { description: spec.label } },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink, fontSize: size },
    grid: { left: 4, right: 8, top: (many ? 36 : 28) * unit, bottom: 4, containLabel: true },
    legend: { show: many, top: 0, right: 0, icon: "roundRect", itemWidth: 12 * unit, itemHeight: 8 * unit, textStyle: { color: ink, fontSize: size } },
    tooltip: {
      trigger: "axis",
      confine: true,
      padding: 0,
      borderWidth: 0,
      backgroundColor: "transparent",
      extraCssText: "box-shadow:none",
      axisPointer: { type: "shadow", shadowStyle: { color: colour("chart-pointer") } },
      formatter: (hovered: Hovered[]) => hint(spec, hovered),
    },
    xAxis: {
      type: "category",
      data: spec.categories,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: line } },
      axisLabel: { color: ink, fontSize: size, hideOverlap: true },
    },
    yAxis: {
      type: "value",
      scale: spec.close_up,
      name: spec.unit,
      nameTextStyle: { color: ink, fontSize: size, align: "left", padding: [0, 0, 0, -4] },
      nameGap: 12,
      splitNumber: 4,
      splitLine: { lineStyle: { color: line } },
      axisLabel: { color: ink, fontSize: size, formatter: (value: number) => short.format(value).replace("-", "\u2212") },
    },
    series: spec.series.map(drawnSeries),
  };
}

function hintOf(title: string, text: string): HTMLElement {
  const box = document.createElement("div");
  box.className = "chart-hint";
  const head = document.createElement("div");
  head.className = "chart-hint-head";
  head.textContent = title;
  const value = document.createElement("bdi");
  value.textContent = text;
  box.append(head, value);
  return box;
}

function flowOption(spec: FlowSpec, width: number): EChartsCoreOption {
  const ink = colour("chart-ink");
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const names = [...new Set(spec.links.flatMap((link) => [link.source, link.target]))];
  const narrow = width < 560;
  const texts = new Map(spec.links.map((link) => [`${link.source}\u0000${link.target}`, link.text]));
  return {
    animation: false,
    aria: { enabled: true, label: { description: spec.label } },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink, fontSize: 12 * unit },
    tooltip: {
      trigger: "item",
      confine: true,
      padding: 0,
      borderWidth: 0,
      backgroundColor: "transparent",
      extraCssText: "box-shadow:none",
      formatter: (at: { dataType: string; name: string; data: { source?: string; target?: string } }) => {
        if (at.dataType !== "edge") return hintOf(at.name, "");
        const { source = "", target = "" } = at.data;
        return hintOf(`${source} \u2192 ${target}`, texts.get(`${source}\u0000${target}`) ?? "");
      },
    },
    series: [
      {
        type: "sankey",
        left: 4,
        right: Math.min(220, width * (narrow ? 0.38 : 0.25)),
        top: 8,
        bottom: 8,
        nodeWidth: 12,
        nodeGap: 14,
        draggable: false,
        emphasis: { focus: "adjacency" },
        data: names.map((name, index) => ({ name, itemStyle: { color: colour(PALETTE[index % PALETTE.length] ?? "chart-1") } })),
        links: spec.links.map((link) => ({ source: link.source, target: link.target, value: Number(link.value) })),
        lineStyle: { color: "source", opacity: 0.3, curveness: 0.5 },
        label: { color: ink, fontSize: (narrow ? 10 : 12) * unit, width: Math.min(205, width * (narrow ? 0.34 : 0.23)), overflow: "truncate" },
      },
    ],
  };
}

function optionOf(spec: Spec | FlowSpec, canvas: HTMLElement): EChartsCoreOption {
  return "links" in spec ? flowOption(spec, canvas.clientWidth) : option(spec);
}

const drawn = new Map<HTMLElement, { chart: EChartsType; spec: Spec | FlowSpec }>();

function refresh(): void {
  for (const [frame, { chart, spec }] of drawn) {
    if (frame.isConnected) chart.setOption(optionOf(spec, chart.getDom()), { notMerge: true });
    else {
      chart.dispose();
      drawn.delete(frame);
    }
  }
}
document.addEventListener(EVENTS.theme, refresh);

export function draw(frame: HTMLElement): void {
  const source = document.getElementById(frame.dataset.source ?? "");
  const canvas = frame.querySelector<HTMLElement>("[data-canvas]");
  if (!source || !canvas) throw new Error("A chart needs its data and its canvas");
  const spec = JSON.parse(source.textContent ?? "") as Spec | FlowSpec;
  canvas.replaceChildren();
  const chart = init(canvas, null, { renderer: "canvas" });
  chart.setOption(optionOf(spec, canvas));
  drawn.set(frame, { chart, spec });
  new ResizeObserver(() => canvas.clientWidth > 0 && chart.resize()).observe(canvas);
}
