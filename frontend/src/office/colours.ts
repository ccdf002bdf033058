// Pictures need plain sRGB; the style sheet speaks oklch() and light-dark().
const cache = new Map<string, string>();

export function colour(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const computed = getComputedStyle(probe).color;
  probe.remove();
  const known = cache.get(computed);
  if (known) return known;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  if (!context) return computed;
  context.fillStyle = computed;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
  const plain = `rgba(${red},${green},${blue},${((alpha ?? 255) / 255).toFixed(3)})`;
  cache.set(computed, plain);
  return plain;
}
